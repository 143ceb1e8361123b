// The commands about what accounts may do, their statements, and what operators did.

#include <memory>

#include "apps/cli_help.h"
#include "apps/cli_tree.h"
#include "apps/commands_account.h"
#include "core/limits.h"

namespace shoal::apps {

namespace {

template <class Options>
void add_own(CLI::App* command, Options& options) {
    command->add_option("--account", options.account, "its id; else your own")->type_name("ID");
}

void add_statement(CommandTree& tree, CLI::App& account) {
    auto options = std::make_shared<StatementOptions>();
    auto* command = add_command(account, "statement", "Every movement of an account's money",
                                "shoal account statement\n"
                                "  shoal account statement --csv --since 2026-03-01 > march.csv");
    add_own(command, *options);
    command->add_option("--since", options->since, "from this date on (UTC), like 2026-03-01")
        ->type_name("DATE");
    command->add_option("--until", options->until, "before this date (UTC)")->type_name("DATE");
    auto* csv = command->add_flag("--csv", options->csv, "as a table for other programs, RFC 4180");
    command->add_flag("--jsonl", options->lines, "as JSON, one movement a line")->excludes(csv);
    run_with(tree, command, options, show_statement);
}

void add_limits(CommandTree& tree, CLI::App& account, CLI::App& key) {
    auto options = std::make_shared<LimitOptions>();
    auto* command = add_command(account, "limit", "Show what an account may use, or change it",
                                "shoal account limit --budget-day 5 --jobs 10\n"
                                "  shoal account limit --account acc_3 --budget-total none");
    add_own(command, *options);
    command->add_option("--budget-total", options->budget_total, "spent and set aside, ever")
        ->type_name("CREDIT");
    command->add_option("--budget-day", options->budget_day, "set aside on one day (UTC)")
        ->type_name("CREDIT");
    command->add_option("--jobs", options->jobs, "open at a time")->type_name("COUNT");
    command->add_option("--tasks", options->tasks, "open at a time")->type_name("COUNT");
    command->add_option("--blobs", options->blobs, "kept for it, like 10GiB")->type_name("SIZE");
    run_with(tree, command, options, limit_account);

    auto rate = std::make_shared<RateOptions>();
    auto* limit = add_command(key, "limit", "Say how many requests a key may make (operator)",
                              "shoal account key limit key_3 --rate 20 --burst 100");
    limit->add_option("KEY", rate->key, "the key's id (not its secret)")->required();
    limit->add_option("--rate", rate->per_second, "requests a second; else what its role has")
        ->type_name("COUNT")
        ->check(whole_number(1, limits::requests_most));
    limit->add_option("--burst", rate->burst, "requests at once, after a pause")
        ->type_name("COUNT")
        ->check(whole_number(1, limits::requests_most));
    run_with(tree, limit, rate, limit_key);
}

void add_freezing(CommandTree& tree, CLI::App& account) {
    auto frozen = std::make_shared<StandingOptions>();
    auto* freeze = add_command(account, "freeze", "Let an account begin nothing more (operator)",
                               "shoal account freeze acc_3 --reason \"unpaid bill\"");
    freeze->add_option("ACCOUNT", frozen->account, "the account's id")->required();
    freeze->add_option("--reason", frozen->reason, "told to its owner")
        ->type_name("TEXT")
        ->required();
    run_with(tree, freeze, frozen, freeze_account);

    auto freed = std::make_shared<StandingOptions>();
    auto* unfreeze = add_command(account, "unfreeze", "Let a frozen account go on (operator)",
                                 "shoal account unfreeze acc_3");
    unfreeze->add_option("ACCOUNT", freed->account, "the account's id")->required();
    run_with(tree, unfreeze, freed, unfreeze_account);
}

void add_leaving(CommandTree& tree, CLI::App& account) {
    auto given = std::make_shared<StandingOptions>();
    auto* transfer = add_command(account, "transfer", "Give credit to another account",
                                 "shoal account transfer --to acc_3 2.5");
    add_own(transfer, *given);
    transfer->add_option("--to", given->to, "the account that gets it")
        ->type_name("ID")
        ->required();
    transfer->add_option("AMOUNT", given->amount, "in units of credit, like 25 or 0.002")
        ->required();
    run_with(tree, transfer, given, transfer_credit);

    auto erased = std::make_shared<StandingOptions>();
    auto* erase = add_command(account, "erase", "Close an account and forget its owner, for ever",
                              "shoal account erase --give-up-balance --yes");
    add_own(erase, *erased);
    erase->add_flag("--give-up-balance", erased->gives_up_balance,
                    "what credit is left goes back to the operator");
    erase->add_flag("--yes", erased->is_sure, "you are sure");
    run_with(tree, erase, erased, erase_account);
}

}  // namespace

void add_standing_commands(CommandTree& tree, CLI::App& account, CLI::App& key) {
    add_statement(tree, account);
    add_limits(tree, account, key);
    add_freezing(tree, account);
    add_leaving(tree, account);

    auto options = std::make_shared<AuditOptions>();
    auto* audit = add_command(tree.app, "audit", "What operators did, newest first (operator)",
                              "shoal audit --subject acc_3");
    audit->add_option("--subject", options->subject, "only what was about this id")
        ->type_name("ID");
    constexpr std::uint32_t most = 100'000;
    audit->add_option("--limit", options->count, "at most so many")
        ->type_name("COUNT")
        ->default_val(options->count)
        ->check(whole_number(1, most));
    run_with(tree, audit, options, show_audit);
}

}  // namespace shoal::apps
