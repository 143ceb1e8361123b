#include "ledger/ledger.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include "core/check.h"
#include "core/limits.h"

namespace shoal::ledger {

using protocol::AccountKind;
using protocol::LedgerAccount;
using protocol::LedgerEntry;
using protocol::StatementLine;
using protocol::TransferPosted;
using protocol::TransferPurpose;

namespace {

using Balances = std::map<LedgerAccount, Lamports>;

/// The kinds of account that a purpose leads from and to.
std::pair<AccountKind, AccountKind> route(TransferPurpose purpose) {
    switch (purpose) {
        case TransferPurpose::credit_issued:
            return {AccountKind::issuer, AccountKind::available};
        case TransferPurpose::credit_withdrawn:
            return {AccountKind::available, AccountKind::issuer};
        case TransferPurpose::credit_transferred:
            return {AccountKind::available, AccountKind::available};
        case TransferPurpose::hold_placed:
            return {AccountKind::available, AccountKind::held};
        case TransferPurpose::hold_released:
        case TransferPurpose::charge_provider:
            return {AccountKind::held, AccountKind::available};
        case TransferPurpose::charge_fee:
            return {AccountKind::held, AccountKind::fees};
        case TransferPurpose::fees_withdrawn:
            return {AccountKind::fees, AccountKind::available};
    }
    check(false);
    return {};
}

/// Whether the owner is one that the kind can have, and a held account's the job itself.
bool owned(const LedgerAccount& account, JobId job) {
    switch (account.kind) {
        case AccountKind::issuer:
        case AccountKind::fees:
            return account.owner == 0;
        case AccountKind::available:
            return account.owner != 0;
        case AccountKind::held:
            return account.owner != 0 && account.owner == job.value;
    }
    check(false);
    return false;
}

Status check_request(const TransferRequest& request) {
    if (request.amount <= Lamports{}) {
        return Error{Code::invalid,
                     "expected an amount above zero, got " + to_string(request.amount)};
    }
    if (request.key.empty() || request.key.size() > limits::key_bytes) {
        return Error{Code::invalid, "expected a key of 1 to " + std::to_string(limits::key_bytes) +
                                        " bytes, got " + std::to_string(request.key.size())};
    }
    const auto [from, to] = route(request.purpose);
    if (request.from.kind != from || request.to.kind != to || request.from == request.to ||
        !owned(request.from, request.job) || !owned(request.to, request.job)) {
        return Error{Code::invalid, "expected accounts that fit the purpose, got " +
                                        to_string(request.from) + " to " + to_string(request.to)};
    }
    return Done{};
}

Lamports balance_in(const Balances& balances, const LedgerAccount& account) {
    const auto found = balances.find(account);
    return found == balances.end() ? Lamports{} : found->second;
}

/// The balances of both sides after a move: payer, payee.
/// exhausted: the payer has less than the amount, or a sum does not fit.
Result<std::pair<Lamports, Lamports>> moved(Lamports from, Lamports to,
                                            const TransferRequest& request) {
    if (request.from.kind != AccountKind::issuer && from < request.amount) {
        return Error{Code::exhausted, "expected at least " + to_string(request.amount) +
                                          " lamports in " + to_string(request.from) + ", got " +
                                          to_string(from)};
    }
    const Lamports paid = TRY(subtract(from, request.amount));
    const Lamports received = TRY(add(to, request.amount));
    return std::pair(paid, received);
}

bool same(const TransferPosted& posted, const TransferRequest& request) {
    return posted.key == request.key && posted.purpose == request.purpose &&
           posted.from == request.from && posted.to == request.to &&
           posted.amount == request.amount && posted.job == request.job &&
           posted.lease == request.lease;
}

/// Forgets an account of zero: a job's hold leaves nothing behind when it is spent.
void set_balance(Balances& balances, const LedgerAccount& account, Lamports amount) {
    if (amount == Lamports{}) {
        balances.erase(account);
    } else {
        balances[account] = amount;
    }
}

Error corrupt(TransferId id, std::string_view what) {
    return {Code::corrupt, "ledger entry " + to_string(id) + ": " + std::string(what)};
}

/// Whether the entry follows from the balances before it, which it then changes.
Status follow(Balances& balances, TransferId id, const LedgerEntry& entry) {
    const TransferPosted& it = entry.transfer;
    if (it.id != id) return corrupt(id, "stands under another id");
    const TransferRequest request{it.key, it.purpose, it.from, it.to, it.amount, it.job, it.lease};
    const Status valid = check_request(request);
    if (!valid.ok()) return corrupt(id, valid.error().what);
    const auto after = moved(balance_in(balances, it.from), balance_in(balances, it.to), request);
    if (!after.ok()) return corrupt(id, after.error().what);
    if (after.value() != std::pair(entry.from_balance, entry.to_balance)) {
        return corrupt(id, "its balances do not follow from those before");
    }
    set_balance(balances, it.from, entry.from_balance);
    set_balance(balances, it.to, entry.to_balance);
    return Done{};
}

}  // namespace

Result<Ledger> Ledger::restore(protocol::LedgerState state) {
    Ledger ledger;
    Balances balances;
    for (const auto& [id, entry] : state.entries) {
        const Status follows = follow(balances, id, entry);
        if (!follows.ok()) return follows.error();
        if (ledger.by_key_.contains(entry.transfer.key)) return corrupt(id, "its key is not new");
        ledger.index(entry.transfer);
    }
    if (balances != state.balances) {
        return Error{Code::corrupt, "the ledger's balances are not those of its entries"};
    }
    const auto last = state.entries.empty() ? TransferId{} : state.entries.rbegin()->first;
    if (state.next <= last) return Error{Code::corrupt, "the ledger's next id is used"};
    ledger.state_ = std::move(state);
    return ledger;
}

Result<TransferPosted> Ledger::transfer(const TransferRequest& request, Time now) const {
    return TRY(transfer_all({request}, now)).front();
}

Result<std::vector<TransferPosted>> Ledger::transfer_all(
    const std::vector<TransferRequest>& requests, Time now) const {
    std::vector<TransferPosted> posted;
    Balances changed;
    const auto now_in = [&](const LedgerAccount& account) {
        const auto found = changed.find(account);
        return found == changed.end() ? balance(account) : found->second;
    };
    TransferId id = state_.next;
    for (const TransferRequest& request : requests) {
        const Status valid = check_request(request);
        if (!valid.ok()) return valid.error();
        const auto repeated = std::ranges::find(posted, request.key, &TransferPosted::key);
        if (find(request.key) || repeated != posted.end()) {
            return Error{Code::conflict, "the key " + request.key + " was used before"};
        }
        const auto [from, to] = TRY(moved(now_in(request.from), now_in(request.to), request));
        changed[request.from] = from;
        changed[request.to] = to;
        posted.push_back({id, request.key, request.purpose, request.from, request.to,
                          request.amount, request.job, request.lease, now});
        id = TransferId{id.value + 1};
    }
    return posted;
}

Result<const TransferPosted*> Ledger::earlier(const TransferRequest& request) const {
    const TransferPosted* posted = find(request.key);
    if (posted && !same(*posted, request)) {
        return Error{Code::conflict, "the key " + request.key + " was used for another transfer, " +
                                         to_string(posted->id)};
    }
    return posted;
}

void Ledger::apply(const TransferPosted& event) {
    check(event.id == state_.next);
    const Lamports from = balance(event.from) - event.amount;
    const Lamports to = balance(event.to) + event.amount;
    set_balance(state_.balances, event.from, from);
    set_balance(state_.balances, event.to, to);
    state_.entries.emplace(event.id, LedgerEntry{event, from, to});
    state_.next = TransferId{event.id.value + 1};
    index(event);
}

void Ledger::index(const TransferPosted& event) {
    check(by_key_.emplace(event.key, event.id).second);
    by_account_[event.from].push_back(event.id);
    by_account_[event.to].push_back(event.id);
    if (event.purpose == TransferPurpose::hold_placed) {
        set_aside_by_.insert_or_assign(event.to, event.from);
    }
    const auto owner = set_aside_by_.find(event.from);
    if (owner == set_aside_by_.end() || owner->second == event.to) return;
    by_account_[owner->second].push_back(event.id);
}

/// What the account had before the line at that place of its list.
Lamports Ledger::balance_before(const LedgerAccount& account, const std::vector<TransferId>& ids,
                                std::size_t place) const {
    while (place > 0) {
        const LedgerEntry& entry = state_.entries.at(ids[--place]);
        if (entry.transfer.from == account) return entry.from_balance;
        if (entry.transfer.to == account) return entry.to_balance;
    }
    return {};
}

const TransferPosted* Ledger::find(std::string_view key) const {
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? nullptr : &state_.entries.at(found->second).transfer;
}

Lamports Ledger::balance(const LedgerAccount& account) const {
    return balance_in(state_.balances, account);
}

std::vector<StatementLine> Ledger::statement(const LedgerAccount& account, TransferId after,
                                             std::size_t limit) const {
    std::vector<StatementLine> lines;
    const auto found = by_account_.find(account);
    if (found == by_account_.end()) return lines;
    const std::vector<TransferId>& ids = found->second;
    auto id = std::ranges::upper_bound(ids, after);
    Lamports has = balance_before(account, ids, static_cast<std::size_t>(id - ids.begin()));
    for (; id != ids.end() && lines.size() < limit; ++id) {
        const LedgerEntry& entry = state_.entries.at(*id);
        Lamports change;
        if (entry.transfer.from == account) change = Lamports{} - entry.transfer.amount;
        if (entry.transfer.to == account) change = entry.transfer.amount;
        has = has + change;
        lines.push_back({entry.transfer, change, has});
    }
    return lines;
}

TransferId Ledger::last_before(const LedgerAccount& account, Time time) const {
    const auto found = by_account_.find(account);
    if (found == by_account_.end()) return {};
    const auto first = std::ranges::partition_point(
        found->second, [&](TransferId id) { return state_.entries.at(id).transfer.at < time; });
    return first == found->second.begin() ? TransferId{} : *std::prev(first);
}

Lamports Ledger::sum() const {
    // The issuer stands first in the order, so no part of the sum is larger than a balance.
    Lamports total;
    for (const auto& [account, amount] : state_.balances) total = total + amount;
    return total;
}

void Ledger::check_invariants() const {
    check(sum() == Lamports{});
    for (const auto& [account, amount] : state_.balances) {
        check(amount != Lamports{});
        check(amount > Lamports{} || account.kind == AccountKind::issuer);
    }
    check(by_key_.size() == state_.entries.size());
    check(state_.entries.empty() || state_.entries.rbegin()->first < state_.next);
}

}  // namespace shoal::ledger
