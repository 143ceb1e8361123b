// The commands of whoever operates a market, on its folder.

#include <memory>

#include "apps/cli_help.h"
#include "apps/cli_tree.h"
#include "apps/journal_keeper.h"

namespace shoal::apps {

namespace {

/// The market's folder, as `shoal market` finds it.
std::string market_folder(const Config& config) {
    const std::filesystem::path data = config.data.value;
    return config.data.source == "--data" ? data : data / "market";
}

/// Like run_with, for options that name the market's folder.
template <class Options>
void run_on_folder(CommandTree& tree, CLI::App* command, const std::shared_ptr<Options>& options,
                   Result<Exit> (*function)(Context&, const Options&)) {
    command->add_option("--data", tree.flags.data, "the market's folder")->type_name("FOLDER");
    command->callback([&tree, options, function] {
        tree.action = [options, function](Context& context) {
            options->data = market_folder(context.config());
            return function(context, *options);
        };
    });
}

void add_keep(CommandTree& tree, CLI::App& journal) {
    auto options = std::make_shared<KeepOptions>();
    auto* keep = journal.add_subcommand("keep", "")->group("");
    keep->add_option("--folder", options->folder)->required();
    keep->add_option("--drop-before", options->drop_before)->required();
    keep->add_option("--parent", options->parent);
    // Without a configuration, which may have become another one since the market's start.
    keep->callback([&tree, options] {
        tree.service = [options] {
            const Status kept = keep_journal(*options);
            // Somebody wants the folder as it is, for a while: the next one does it.
            if (kept.ok() || kept.error().code == Code::conflict) return 0;
            Output(Format::text).fail(kept.error());
            return static_cast<int>(exit_of(kept.error()));
        };
    });
}

void add_journal(CommandTree& tree) {
    auto* journal =
        add_command(tree.app, "journal", "Check or show a market's journal", "shoal journal check");

    auto checked = std::make_shared<JournalOptions>();
    auto* check =
        add_command(*journal, "check", "Read all of it, replay it, and compare books and snapshots",
                    "shoal journal check --data /srv/market");
    run_on_folder(tree, check, checked, check_journal);

    auto shown = std::make_shared<JournalOptions>();
    auto* show = add_command(*journal, "show", "Print its events",
                             "shoal journal show --from 1000 --type job_ended\n"
                             "  shoal journal show --job job_3f --json");
    show->add_option("--from", shown->from, "the first event, or a time like 2026-03-01 12:30:00")
        ->type_name("N|TIME");
    show->add_option("--to", shown->to, "the last event, or a time")->type_name("N|TIME");
    show->add_option("--type", shown->type, "events of this name only")->type_name("NAME");
    show->add_option("--job", shown->job, "events of this job, its tasks and attempts only")
        ->type_name("ID");
    show->add_option("--account", shown->account, "events that name this account only")
        ->type_name("ID");
    run_on_folder(tree, show, shown, show_journal);
    add_keep(tree, *journal);
}

void add_backup(CommandTree& tree) {
    auto options = std::make_shared<BackupOptions>();
    auto* backup = add_command(tree.app, "backup", "Copy a market to a new folder while it serves",
                               "shoal backup /backups/2026-03-01 --blobs");
    backup->add_option("TARGET", options->target, "the folder to make")->required();
    backup->add_flag("--blobs", options->has_blobs, "with the bytes of all blobs");
    backup->add_flag("--secrets-key", options->has_secrets_key,
                     "with the key that opens accounts' secrets; else they are lost without it");
    run_on_folder(tree, backup, options, back_up);
}

void add_restore(CommandTree& tree) {
    auto options = std::make_shared<RestoreOptions>();
    auto* command = add_command(tree.app, "restore", "Make a market's folder from a backup",
                                "shoal restore /backups/2026-03-01 --to /srv/market\n"
                                "  shoal restore /backups/2026-03-01 --to /srv/market "
                                "--at \"2026-02-28 23:59:59\"");
    command->add_option("SOURCE", options->source, "the backup")->required();
    command->add_option("--to", options->folder, "the folder to make")
        ->type_name("FOLDER")
        ->required();
    auto* at = command->add_option("--at", options->at, "as it was then, UTC")->type_name("TIME");
    command
        ->add_option("--sequence", options->sequence,
                     "as it was after this event and those with it")
        ->type_name("N")
        ->excludes(at);
    run_with(tree, command, options, restore);
}

}  // namespace

void add_journal_commands(CommandTree& tree) {
    add_backup(tree);
    add_restore(tree);
    add_journal(tree);
}

}  // namespace shoal::apps
