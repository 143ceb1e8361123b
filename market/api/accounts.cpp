// Handlers of accounts, keys and money.

#include <charconv>
#include <span>

#include "core/bytes.h"
#include "market/api/handlers.h"
#include "market/api/views.h"

namespace shoal::market::handlers {

Result<protocol::AccountView> create_account(const Call& call) {
    const AccountId id = call.market.create_account(call.moment, call.batch);
    return account_view(call.market, call.market.state().accounts.at(id));
}

Result<protocol::AccountPage> accounts(const Call& call) {
    return page_of_map<protocol::AccountPage>(
        call, call.market.state().accounts, [](const Account&) { return true; },
        [&](const Account& it) { return account_view(call.market, it); });
}

Result<protocol::AccountView> my_account(const Call& call) {
    const Account& mine = call.market.state().accounts.at(call.principal.account);
    protocol::AccountView view = account_view(call.market, mine);
    view.role = call.principal.role;
    return view;
}

Result<protocol::AccountView> account(const Call& call) {
    return account_view(call.market, *TRY(own_account(call)));
}

/// A key makes no key that may do more than itself.
Result<protocol::KeyView> create_key(const Call& call, const protocol::KeyRequest& wanted) {
    const Account* owner = TRY(own_account(call));
    if (!is_operator(call) && wanted.role != call.principal.role) {
        return Error{Code::denied, "role: a key makes only keys of its own role"};
    }
    const NewKey made =
        TRY(call.market.create_key(owner->id, wanted.role, call.moment, call.batch));
    protocol::KeyView view = key_view(call.market.state().keys.at(made.key));
    view.secret = made.secret;
    return view;
}

Result<protocol::KeyPage> keys(const Call& call) {
    const Account* owner = TRY(own_account(call));
    return page_of_map<protocol::KeyPage>(
        call, call.market.state().keys, [&](const ApiKey& key) { return key.account == owner->id; },
        [](const ApiKey& key) { return key_view(key); });
}

Result<protocol::KeyView> revoke_key(const Call& call) {
    const KeyId id = TRY(path_id<KeyTag>(call, "key"));
    const auto found = call.market.state().keys.find(id);
    if (found == call.market.state().keys.end() || !may_see(call, found->second.account)) {
        return unknown("key");
    }
    TRY(call.market.revoke_key(id, call.moment, call.batch));
    return key_view(found->second);
}

/// Each request is its own transfer: repetitions are found by their Idempotency-Key before.
Result<protocol::AccountView> issue_credit(const Call& call, const protocol::CreditRequest& asked) {
    const Account* receiver = TRY(own_account(call));
    if (asked.amount <= Lamports{}) {
        return Error{Code::invalid, "amount: expected more than zero"};
    }
    constexpr std::size_t name_bytes = 16;
    const std::string name = to_hex(std::span(call.moment.entropy).first<name_bytes>());
    TRY(call.market.issue_credit(receiver->id, asked.amount, name, call.moment, call.batch));
    return account_view(call.market, *receiver);
}

Result<protocol::AccountView> weigh(const Call& call, const protocol::WeightRequest& asked) {
    const Account* account = TRY(own_account(call));
    TRY(call.market.weigh_account(account->id, asked.weight, call.moment, call.batch));
    return account_view(call.market, *account);
}

namespace {

/// A moment in milliseconds since 1970, or what it is where it is absent.
Result<Time> moment_of(const Call& call, const std::string& name, Time absent) {
    const std::string* text = parameter(call, name);
    if (!text) return absent;
    std::int64_t number = 0;
    const char* end = text->data() + text->size();
    const auto read = std::from_chars(text->data(), end, number);
    if (read.ec == std::errc{} && read.ptr == end) return Time{Duration{number}};
    return Error{Code::invalid, name + ": expected a time in milliseconds since 1970"};
}

}  // namespace

Result<protocol::StatementPage> statement(const Call& call) {
    const Account* owner = TRY(own_account(call));
    const PageRequest wanted = TRY(page_request(call));
    const Time since = TRY(moment_of(call, "since", Time::min()));
    const Time until = TRY(moment_of(call, "until", Time::max()));
    const auto money = protocol::LedgerAccount::available(owner->id);
    const ledger::Ledger& ledger = call.market.ledger();
    const TransferId after =
        wanted.from ? TransferId{*wanted.from} : ledger.last_before(money, since);
    protocol::StatementPage page;
    page.items = ledger.statement(money, after, wanted.limit + 1);
    std::erase_if(page.items, [&](const auto& line) { return line.transfer.at >= until; });
    if (page.items.size() > wanted.limit) {
        page.items.resize(wanted.limit);
        page.next = cursor(call, page.items.back().transfer.id.value);
    }
    for (protocol::StatementLine& line : page.items) {
        const auto attempt = call.market.state().attempts.find(line.transfer.lease);
        if (attempt == call.market.state().attempts.end()) continue;
        line.task = attempt->second.task;
        line.provider = attempt->second.provider;
    }
    return page;
}

Result<protocol::Books> books(const Call& call) {
    return protocol::Books{call.market.ledger().state().balances, call.market.ledger().sum()};
}

}  // namespace shoal::market::handlers
