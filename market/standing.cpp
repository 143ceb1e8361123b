// The Market's commands about what accounts and keys may do: limits, freezing, credit for others,
// and the end of an account.

#include <algorithm>

#include <fmt/format.h>

#include "core/limits.h"
#include "core/text.h"
#include "market/market.h"

namespace shoal::market {

using protocol::LedgerAccount;
using protocol::TransferPurpose;

Result<const Account*> Market::unerased(AccountId id) const {
    const auto found = state_.accounts.find(id);
    if (found == state_.accounts.end()) return Error{Code::not_found, "no such account"};
    if (found->second.erased) return Error{Code::conflict, "the account was erased"};
    return &found->second;
}

Status Market::limit_account(const protocol::AccountLimited& wanted, Batch& batch) {
    const Account& account = *TRY(unerased(wanted.account));
    TRY(check_limits(wanted.limits, wanted.by, account));
    const bool is_own = wanted.by == protocol::LimitedBy::account;
    if ((is_own ? account.own_limits : account.limits) != wanted.limits) record(wanted, batch);
    return Done{};
}

Status Market::limit_key(KeyId key, std::optional<protocol::RequestRate> rate, const Moment& moment,
                         Batch& batch) {
    const auto found = state_.keys.find(key);
    if (found == state_.keys.end()) return Error{Code::not_found, "no such key"};
    const auto in_range = [](std::uint32_t number) {
        return number >= 1 && number <= limits::requests_most;
    };
    if (rate && (!in_range(rate->per_second) || !in_range(rate->burst))) {
        return Error{Code::invalid, fmt::format("rate: expected per_second and burst from 1 to {}",
                                                limits::requests_most)};
    }
    if (found->second.rate != rate) record(protocol::KeyLimited{key, rate, moment.now}, batch);
    return Done{};
}

Status Market::freeze_account(AccountId id, const std::optional<std::string>& reason,
                              const Moment& moment, Batch& batch) {
    const Account& account = *TRY(unerased(id));
    const bool is_said = !reason || (!reason->empty() && is_printable(*reason) &&
                                     reason->size() <= limits::freeze_reason_bytes);
    if (!is_said) {
        return Error{Code::invalid, fmt::format("reason: expected 1 to {} bytes of text, none of "
                                                "them a control character",
                                                limits::freeze_reason_bytes)};
    }
    if (account.frozen == reason) return Done{};
    record(protocol::AccountFrozen{id, reason.has_value(), reason.value_or(""), moment.now}, batch);
    match(moment, batch);
    return Done{};
}

Status Market::transfer_credit(const CreditTransfer& wanted, const Moment& moment, Batch& batch) {
    const Account& payer = *TRY(unerased(wanted.from));
    TRY(check_open(payer));
    if (wanted.to == wanted.from) {
        return Error{Code::invalid, "to: expected another account than the one that pays"};
    }
    const auto receiver = state_.accounts.find(wanted.to);
    if (receiver == state_.accounts.end() || receiver->second.erased) {
        return Error{Code::not_found, "to: no such account"};
    }
    if (wanted.amount <= Lamports{}) {
        return Error{Code::invalid, "amount: expected more than zero"};
    }
    ledger::TransferRequest request;
    request.key = "transfer:" + wanted.name;
    request.purpose = TransferPurpose::credit_transferred;
    request.from = LedgerAccount::available(wanted.from);
    request.to = LedgerAccount::available(wanted.to);
    request.amount = wanted.amount;
    const Lamports available = ledger_.balance(request.from);
    if (available < request.amount) {
        return Error{Code::exhausted,
                     fmt::format("amount: {} credit was asked for, and {} credit is available",
                                 to_decimal(request.amount), to_decimal(available))};
    }
    record(TRY(ledger_.transfer(request, moment.now)), batch);
    return Done{};
}

/// Whether nobody could operate the market any more if the account's keys were gone.
bool Market::is_last_operator(AccountId account) const {
    std::size_t own = 0;
    std::size_t others = 0;
    for (const auto& [id, key] : state_.keys) {
        if (key.role != protocol::Role::operator_ || key.revoked) continue;
        ++(key.account == account ? own : others);
    }
    return own > 0 && others == 0;
}

Status Market::check_leaving(const Erasure& wanted) const {
    const Account& account = *TRY(unerased(wanted.account));
    if (!wanted.by_operator) TRY(check_open(account));
    const std::uint64_t jobs = spending_.of(account.id).jobs_open;
    if (jobs > 0) {
        return Error{Code::conflict,
                     fmt::format("{} jobs are open: cancel them, or wait for their end", jobs)};
    }
    for (const auto& [id, provider] : state_.providers) {
        if (provider.account != account.id || index_.live(id).empty()) continue;
        return Error{Code::conflict,
                     to_string(id) + " works: drain it, and wait until its attempts have ended"};
    }
    const Lamports left = ledger_.balance(LedgerAccount::available(account.id));
    if (left > Lamports{} && !wanted.gives_up_balance) {
        return Error{Code::conflict,
                     fmt::format("{} credit is left: transfer it, or say that you give it up",
                                 to_decimal(left))};
    }
    if (is_last_operator(account.id)) {
        return Error{Code::conflict,
                     "the market's last operator cannot leave: make a key of role "
                     "operator for another account"};
    }
    return Done{};
}

Status Market::erase_account(const Erasure& wanted, const Moment& moment, Batch& batch) {
    TRY(check_leaving(wanted));
    const AccountId account = wanted.account;
    ledger::TransferRequest rest;
    rest.key = "withdrawal:" + to_string(account);
    rest.purpose = TransferPurpose::credit_withdrawn;
    rest.from = LedgerAccount::available(account);
    rest.to = LedgerAccount::issuer();
    rest.amount = ledger_.balance(rest.from);
    post({rest}, moment, batch);
    for (const auto& [id, key] : state_.keys) {
        if (key.account == account && !key.revoked) {
            record(protocol::KeyRevoked{id, moment.now}, batch);
        }
    }
    record(protocol::AccountErased{account, moment.now}, batch);
    drop_blobs(moment, batch);
    return Done{};
}

void Market::note_action(protocol::OperatorActed action, Batch& batch) {
    action.action = state_.next.action;
    record(std::move(action), batch);
}

}  // namespace shoal::market
