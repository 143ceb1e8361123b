#include "apps/cli.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apps/cli_help.h"
#include "apps/cli_tree.h"
#include "apps/completion.h"
#include "apps/release.h"
#include "core/json.h"

namespace shoal::apps {

namespace {

/// The deepest command that the command line named.
const CLI::App* chosen(const CLI::App& app) {
    const auto below = app.get_subcommands();
    return below.empty() ? &app : chosen(*below.front());
}

/// "`shoal account create --help` tells more."
std::string help_of(const CLI::App* command) {
    std::string words;
    for (; command; command = command->get_parent()) words.insert(0, command->get_name() + " ");
    return fmt::format("`{}--help` tells more.", words);
}

std::vector<std::string> option_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options()) {
        if (option->get_group().empty()) continue;
        for (const auto& name : option->get_lnames()) names.push_back("--" + name);
        for (const auto& name : option->get_snames()) names.push_back("-" + name);
    }
    return names;
}

/// Those for people: what this program starts itself is in no group.
std::vector<const CLI::App*> commands_of(const CLI::App& app) {
    return app.get_subcommands([](const CLI::App* one) { return !one->get_group().empty(); });
}

std::vector<std::string> command_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* command : commands_of(app)) names.push_back(command->get_name());
    return names;
}

CommandShape shape_of(const CLI::App& app) {
    CommandShape shape{app.get_name(), app.get_description(), option_names(app), {}};
    for (const CLI::App* command : commands_of(app)) shape.commands.push_back(shape_of(*command));
    return shape;
}

/// "unknown command jbos; did you mean jobs?"
Error unknown_word(const CommandTree& tree, const std::string& word) {
    const CLI::App* command = chosen(tree.app);
    const bool is_option = word.starts_with('-');
    std::vector<std::string> known = is_option ? option_names(*command) : command_names(*command);
    if (is_option) {
        for (const std::string& name : option_names(tree.app)) known.push_back(name);
    }
    const std::string name = word.substr(0, word.find('='));
    const std::vector<std::string_view> views(known.begin(), known.end());
    const std::string near(json::nearest(name, views));
    const bool is_command = !is_option && !known.empty();
    std::string what = fmt::format("{} \"{}\"",
                                   is_option    ? "unknown option"
                                   : is_command ? "unknown command"
                                                : "unexpected word",
                                   name);
    if (!near.empty()) what += fmt::format("; did you mean {}?", near);
    return advise({Code::invalid, what}, help_of(command));
}

constexpr std::array options_of_every_command{"--market", "--key-file", "--config"};

/// How many words from there on are an option of every command: 0, 1 or 2 with its value.
std::size_t words_of_every_command(std::span<const std::string> words) {
    if (words.front() == "--json") return 1;
    for (const std::string name : options_of_every_command) {
        if (words.front().starts_with(name + "=")) return 1;
        if (words.front() == name) return std::min<std::size_t>(2, words.size());
    }
    return 0;
}

/// The words before the first "--", last first as CLI11 wants them; the rest is the command.
/// Options of every command may stand anywhere and come to the front.
std::vector<std::string> split(CommandTree& tree, int argc, char** argv) {
    const std::vector<std::string> given(argv + 1, argv + argc);
    const auto end = std::ranges::find(given, "--");
    if (end != given.end()) tree.command.assign(end + 1, given.end());
    std::vector<std::string> front;
    std::vector<std::string> words;
    for (std::span<const std::string> rest(given.begin(), end); !rest.empty();) {
        const std::size_t count = words_of_every_command(rest);
        auto& place = count > 0 ? front : words;
        const std::size_t taken = std::max<std::size_t>(1, count);
        place.insert(place.end(), rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(taken));
        rest = rest.subspan(taken);
    }
    front.insert(front.end(), words.begin(), words.end());
    std::ranges::reverse(front);
    return front;
}

/// Parses; an exit code if that was all (help), an error if the words make no sense.
Result<std::optional<int>> parse(CommandTree& tree, std::vector<std::string> words) {
    try {
        tree.app.parse(words);
    } catch (const CLI::ExtrasError&) {
        const auto rest = tree.app.remaining(true);
        return unknown_word(tree, rest.empty() ? "" : rest.front());
    } catch (const CLI::Success& help) {
        const auto rest = tree.app.remaining(true);
        // Who asks for help about a command that is none wants to hear just that.
        if (!rest.empty() && !command_names(*chosen(tree.app)).empty()) {
            return unknown_word(tree, rest.front());
        }
        return std::optional<int>(tree.app.exit(help));
    } catch (const CLI::ParseError& wrong) {
        return advise({Code::invalid, wrong.what()}, help_of(chosen(tree.app)));
    }
    if (tree.action || tree.service) return std::optional<int>();
    const CLI::App* command = chosen(tree.app);
    if (command != &tree.app) {
        return advise({Code::invalid, fmt::format("expected a command: {}",
                                                  fmt::join(command_names(*command), ", "))},
                      help_of(command));
    }
    std::fputs(tree.app.help().c_str(), stderr);
    return std::optional<int>(static_cast<int>(Exit::usage));
}

void add_own_commands(CommandTree& tree) {
    auto* version = add_command(tree.app, "version", "Which release this is", "shoal version");
    version->callback([&tree] {
        tree.service = [&tree] {
            const Output out(tree.json ? Format::json : Format::text);
            out.print(fmt::format("shoal {}", release));
            out.print_json(boost::json::object{{"release", release}});
            return 0;
        };
    });

    auto shell = std::make_shared<std::string>();
    auto* completion = add_command(tree.app, "completion", "Print a shell's completion script",
                                   "source <(shoal completion bash)");
    completion->add_option("SHELL", *shell, "bash, zsh or fish")
        ->required()
        ->check(one_of({"bash", "zsh", "fish"}));
    completion->callback([&tree, shell] {
        tree.service = [&tree, shell] {
            const auto script = completion_script(*shell, shape_of(tree.app));
            check(script.ok());
            Output::print_raw(script.value());
            return 0;
        };
    });
}

void build(CommandTree& tree) {
    // One at most: else a word like `job` after `schema` would be taken for another command.
    tree.app.require_subcommand(0, 1);
    tree.app.formatter(help_form());  // commands take it over
    tree.app.set_version_flag("--version", fmt::format("shoal {}", release));
    tree.app.footer("Begin with:\n  shoal up\n  shoal run job.yaml");
    const auto add = [&](const std::string& name, std::string& value, const std::string& type,
                         const std::string& meaning) {
        tree.app.add_option(name, value, meaning)->type_name(type)->group("Every command");
    };
    add("--market", tree.flags.market, "ADDRESS", "where the market is (SHOAL_MARKET)");
    add("--key-file", tree.flags.key_file, "FILE",
        "the file with your key (SHOAL_KEY holds a key itself)");
    add("--config", tree.flags.config_file, "FILE", "the configuration file");
    tree.app.add_flag("--json", tree.json, "answers as JSON, one value a line")
        ->group("Every command");
    add_service_commands(tree);
    add_job_commands(tree);
    add_account_commands(tree);
    add_secret_commands(tree);
    add_journal_commands(tree);
    add_own_commands(tree);
}

Exit exit_of_refusal(int status) {
    constexpr int payment_required = 402;
    constexpr int server_error = 500;
    constexpr int insufficient_storage = 507;
    if (status == payment_required) return Exit::no_funds;
    if (status == insufficient_storage) return Exit::refused;  // it was reached, and said no
    return status >= server_error ? Exit::unreachable : Exit::refused;
}

Result<Exit> act(CommandTree& tree, const Output& out) {
    Config config = TRY(load_config(tree.flags, process_environment));
    Context context(std::move(config), out, process_environment);
    auto exit = tree.action(context);
    if (exit.ok() || context.refused_status() == 0) return exit;
    out.fail(exit.error());
    return exit_of_refusal(context.refused_status());
}

}  // namespace

CLI::App* add_command(CLI::App& parent, const std::string& name, const std::string& meaning,
                      const std::string& example) {
    auto* command = parent.add_subcommand(name, meaning);
    command->require_subcommand(0, 1);
    command->footer("Example:\n  " + example);
    return command;
}

int run_command_line(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);  // a reader that has gone away is an error value
    CommandTree tree;
    build(tree);
    std::vector<std::string> words = split(tree, argc, argv);
    const Result<std::optional<int>> parsed = parse(tree, std::move(words));
    const Output out(tree.json ? Format::json : Format::text);
    if (!parsed.ok()) {
        out.fail(parsed.error());
        return static_cast<int>(Exit::usage);
    }
    if (const std::optional<int> ended = parsed.value()) return *ended;
    if (!tree.command.empty() && !tree.takes_command) {
        out.fail({Code::invalid, "only `shoal run` takes a command after \"--\""});
        return static_cast<int>(Exit::usage);
    }
    if (tree.service) return tree.service();
    const auto exit = act(tree, out);
    if (exit.ok()) return static_cast<int>(exit.value());
    out.fail(exit.error());
    return static_cast<int>(exit_of(exit.error()));
}

}  // namespace shoal::apps
