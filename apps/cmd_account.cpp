#include <filesystem>

#include <fmt/format.h>

#include "apps/account_words.h"
#include "apps/commands.h"
#include "apps/words.h"
#include "core/bytes.h"
#include "io/entropy.h"
#include "io/files.h"

namespace shoal::apps {

namespace {

Result<protocol::Role> parse_role(std::string_view name) {
    for (const auto role :
         {protocol::Role::buyer, protocol::Role::provider, protocol::Role::operator_}) {
        if (name_of_role(role) == name) return role;
    }
    return Error{Code::invalid, "expected buyer, provider or operator"};
}

/// Before a secret is made: it could not be shown again if it had nowhere to go.
Status check_out(const AccountOptions& options) {
    std::error_code failed;
    if (options.out.empty() || !std::filesystem::exists(options.out, failed)) return Done{};
    return advise({Code::conflict, options.out + " exists already"},
                  "A key file is never replaced: name another one.");
}

/// Puts the secret where it was wanted; it is not shown if that is a file.
Status give_secret(const Output& out, protocol::KeyView key, const AccountOptions& options) {
    const std::string secret = key.secret.value_or("");
    std::string text = fmt::format("{}: {} key of {}\n", to_string(key.key), name_of_role(key.role),
                                   to_string(key.account));
    if (options.out.empty()) {
        text += secret + "\nIt is shown only now: keep it in a file with mode 0600.\n";
    } else {
        TRY(io::write_secret(options.out, secret + "\n"));
        text += fmt::format("its secret is in {}\n", options.out);
        key.secret.reset();
    }
    out.print_as_json(key);
    out.print(text);
    return Done{};
}

}  // namespace

Result<Exit> create_account(Context& context, const AccountOptions& options) {
    const protocol::Role role = TRY(parse_role(options.role));
    TRY(check_out(options));
    Client& client = *TRY(context.client());
    const protocol::AccountView account = TRY(client.create_account());
    const protocol::KeyView key = TRY(client.create_key(account.account, role));
    TRY(give_secret(context.out(), key, options));
    return Exit::done;
}

Result<Exit> show_account(Context& context, const AccountOptions& options) {
    Client& client = *TRY(context.client());
    const AccountId wanted =
        options.account.empty() ? AccountId{} : TRY(account_of(client, options.account));
    const auto account = TRY(wanted == AccountId{} ? client.me() : client.account(wanted));
    context.out().print_as_json(account);
    context.out().print(account_lines(account));
    return Exit::done;
}

Result<Exit> list_accounts(Context& context) {
    Client& client = *TRY(context.client());
    const auto accounts = TRY(client.accounts());
    const Output& out = context.out();
    out.print_as_json(accounts);
    Table table({{"ACCOUNT"},
                 {"AVAILABLE", Table::Align::right},
                 {"HELD", Table::Align::right},
                 {"EARNED", Table::Align::right},
                 {"BLOBS", Table::Align::right}});
    for (const auto& one : accounts) {
        table.add({to_string(one.account), to_credit(one.available), to_credit(one.held),
                   to_credit(one.earned), to_rounded(Size{one.blob_bytes})});
    }
    out.print(table.print(out.results()));
    return Exit::done;
}

Result<Exit> show_books(Context& context) {
    Client& client = *TRY(context.client());
    const protocol::Books books = TRY(client.books());
    const Output& out = context.out();
    out.print_as_json(books);
    Table table({{"LEDGER ACCOUNT"}, {"BALANCE", Table::Align::right}});
    for (const auto& [account, balance] : books.balances) {
        table.add({to_string(account), to_credit(balance)});
    }
    table.add({"sum", to_credit(books.sum)});
    out.print(table.print(out.results()));
    return Exit::done;
}

Result<Exit> issue_credit(Context& context, const AccountOptions& options) {
    const AccountId account = TRY(id_of<AccountTag>(options.account));
    const Lamports amount = TRY(parse_credit(options.amount));
    Client& client = *TRY(context.client());
    const std::string request = to_hex(ByteView(io::entropy()).first(16));
    const auto view = TRY(client.issue_credit(account, amount, request));
    context.out().print_as_json(view);
    context.out().print(account_lines(view));
    return Exit::done;
}

Result<Exit> weigh_account(Context& context, const AccountOptions& options) {
    const AccountId account = TRY(id_of<AccountTag>(options.account));
    Client& client = *TRY(context.client());
    const auto view = TRY(client.weigh(account, options.weight));
    context.out().print_as_json(view);
    context.out().print(account_lines(view));
    return Exit::done;
}

Result<Exit> create_key(Context& context, const AccountOptions& options) {
    const protocol::Role role = TRY(parse_role(options.role));
    TRY(check_out(options));
    Client& client = *TRY(context.client());
    const AccountId account = TRY(account_of(client, options.account));
    const protocol::KeyView key = TRY(client.create_key(account, role));
    TRY(give_secret(context.out(), key, options));
    return Exit::done;
}

Result<Exit> list_keys(Context& context, const AccountOptions& options) {
    Client& client = *TRY(context.client());
    const AccountId account = TRY(account_of(client, options.account));
    const auto keys = TRY(client.keys(account));
    const Output& out = context.out();
    out.print_as_json(keys);
    Table table({{"KEY"},
                 {"ROLE"},
                 {"CREATED (UTC)"},
                 {"REQUESTS/S", Table::Align::right},
                 {"BURST", Table::Align::right},
                 {"STATE"}});
    for (const protocol::KeyView& key : keys) {
        table.add({to_string(key.key), name_of_role(key.role), to_date(key.created),
                   std::to_string(key.rate.per_second), std::to_string(key.rate.burst),
                   key.revoked ? "revoked" : "valid"});
    }
    out.print(table.print(out.results()));
    return Exit::done;
}

Result<Exit> revoke_key(Context& context, const AccountOptions& options) {
    const KeyId key = TRY(id_of<KeyTag>(options.key));
    Client& client = *TRY(context.client());
    const protocol::KeyView view = TRY(client.revoke_key(key));
    context.out().print_as_json(view);
    context.out().print(fmt::format("{} is revoked", to_string(key)));
    return Exit::done;
}

}  // namespace shoal::apps
