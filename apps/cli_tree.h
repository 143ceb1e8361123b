#pragma once

// The command line as CLI11 sees it. Only the cli_*.cpp files include this: it is slow to compile.

#include <functional>

#include <CLI/CLI.hpp>

#include "apps/commands.h"
#include "apps/config.h"
#include "apps/exit.h"

namespace shoal::apps {

/// The tree of commands, and what the command line chose of it.
struct CommandTree {
    CLI::App app{"Shoal: an open market for AI compute.", "shoal"};
    Flags flags;
    bool json = false;
    std::vector<std::string> command;              // what stood behind "--"
    bool takes_command = false;                    // the chosen command wants it
    std::function<Result<Exit>(Context&)> action;  // the chosen one that needs a Context
    std::function<int()> service;                  // the chosen one that does not
};

/// Adds a command with an example of its use.
CLI::App* add_command(CLI::App& parent, const std::string& name, const std::string& meaning,
                      const std::string& example);

void add_job_commands(CommandTree&);
void add_account_commands(CommandTree&);
/// Below `account` and `account key`, and `audit`.
void add_standing_commands(CommandTree&, CLI::App& account, CLI::App& key);
void add_secret_commands(CommandTree&);
void add_service_commands(CommandTree&);
void add_journal_commands(CommandTree&);

/// Sets the tree's action to this function with these options when the command is chosen.
template <class Options>
void run_with(CommandTree& tree, CLI::App* command, const std::shared_ptr<Options>& options,
              Result<Exit> (*function)(Context&, const Options&)) {
    command->callback([&tree, options, function] {
        tree.action = [options, function](Context& context) { return function(context, *options); };
    });
}

}  // namespace shoal::apps
