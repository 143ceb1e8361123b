// The commands about accounts, money and receipts.

#include <memory>

#include "apps/cli_help.h"
#include "apps/cli_tree.h"

namespace shoal::apps {

namespace {

void add_account_option(CLI::App* command, AccountOptions& options) {
    command->add_option("--account", options.account, "its id; else your own")->type_name("ID");
}

CLI::App* add_keys(CommandTree& tree, CLI::App& account) {
    auto* key = add_command(account, "key", "Keys that requests are authorised by",
                            "shoal account key create --role buyer --out buyer.key");

    auto made = std::make_shared<AccountOptions>();
    auto* create = add_command(*key, "create", "Make a key; its secret is shown once",
                               "shoal account key create --role provider --out provider.key");
    add_account_option(create, *made);
    create->add_option("--role", made->role, "buyer, provider or operator")
        ->type_name("ROLE")
        ->required()
        ->check(one_of({"buyer", "provider", "operator"}));
    create->add_option("--out", made->out, "a file for the secret (mode 0600); else it is shown")
        ->type_name("FILE");
    run_with(tree, create, made, create_key);

    auto listed = std::make_shared<AccountOptions>();
    auto* list = add_command(*key, "list", "List an account's keys", "shoal account key list");
    add_account_option(list, *listed);
    run_with(tree, list, listed, list_keys);

    auto revoked = std::make_shared<AccountOptions>();
    auto* revoke = add_command(*key, "revoke", "Make a key useless, for ever",
                               "shoal account key revoke key_3");
    revoke->add_option("KEY", revoked->key, "the key's id (not its secret)")->required();
    run_with(tree, revoke, revoked, revoke_key);
    return key;
}

void add_accounts(CommandTree& tree) {
    auto* account = add_command(tree.app, "account", "Accounts, keys, credit",
                                "shoal account show\n  shoal account credit acc_3 25");

    auto made = std::make_shared<AccountOptions>();
    auto* create = add_command(*account, "create", "Make an account and its first key (operator)",
                               "shoal account create --role buyer --out buyer.key");
    create->add_option("--role", made->role, "of its first key: buyer, provider, operator")
        ->type_name("ROLE")
        ->default_val("buyer")
        ->check(one_of({"buyer", "provider", "operator"}));
    create->add_option("--out", made->out, "a file for the secret (mode 0600); else it is shown")
        ->type_name("FILE");
    run_with(tree, create, made, create_account);

    auto* list =
        add_command(*account, "list", "List all accounts (operator)", "shoal account list");
    list->callback([&tree] { tree.action = list_accounts; });

    auto shown = std::make_shared<AccountOptions>();
    auto* show = add_command(*account, "show", "What an account has", "shoal account show");
    add_account_option(show, *shown);
    run_with(tree, show, shown, show_account);

    auto weighed = std::make_shared<AccountOptions>();
    auto* weight = add_command(*account, "weight",
                               "Say how large an account's part is beside others' (operator)",
                               "shoal account weight acc_3 200");
    weight->add_option("ACCOUNT", weighed->account, "the account's id")->required();
    weight->add_option("WEIGHT", weighed->weight, "1 to 10000; every account begins with 100")
        ->required()
        ->check(whole_number(1, limits::weight_most));
    run_with(tree, weight, weighed, weigh_account);

    auto credited = std::make_shared<AccountOptions>();
    auto* credit = add_command(*account, "credit", "Issue credit to an account (operator)",
                               "shoal account credit acc_3 25");
    credit->add_option("ACCOUNT", credited->account, "the account's id")->required();
    credit->add_option("AMOUNT", credited->amount, "in units of credit, like 25 or 0.002")
        ->required();
    run_with(tree, credit, credited, issue_credit);

    auto* books = add_command(*account, "books", "Every balance; their sum is zero (operator)",
                              "shoal account books");
    books->callback([&tree] { tree.action = show_books; });
    add_standing_commands(tree, *account, *add_keys(tree, *account));
}

void add_receipts(CommandTree& tree) {
    auto* receipt = add_command(tree.app, "receipt", "The signed record of a finished job",
                                "shoal receipt show job_3f9k --json > receipt.json\n"
                                "  shoal receipt verify receipt.json");
    auto shown = std::make_shared<ReceiptOptions>();
    auto* show =
        add_command(*receipt, "show", "Show a job's receipt", "shoal receipt show job_3f9k");
    show->add_option("ID", shown->what, "the job's id")->required();
    run_with(tree, show, shown, show_receipt);

    auto verified = std::make_shared<ReceiptOptions>();
    auto* verify = add_command(*receipt, "verify", "Check a receipt; of a file, without the market",
                               "shoal receipt verify receipt.json --market-key 3f…");
    verify
        ->add_option("ID|FILE", verified->what,
                     "the job's id, or a file from `receipt show --json`")
        ->required();
    verify
        ->add_option("--market-key", verified->market_key,
                     "the key that must have signed; else the configured one")
        ->type_name("KEY");
    run_with(tree, verify, verified, verify_receipt_of);
}

}  // namespace

void add_account_commands(CommandTree& tree) {
    add_accounts(tree);
    add_receipts(tree);
}

}  // namespace shoal::apps
