// Handlers of what accounts and keys may do: limits, freezing, credit for others, and the end.

#include <span>

#include "core/bytes.h"
#include "market/api/handlers.h"
#include "market/api/rate_limits.h"
#include "market/api/views.h"

namespace shoal::market::handlers {

namespace {

protocol::LimitsView limits_view(const Call& call, const Account& account) {
    const Spent& spent = call.market.spending().of(account.id);
    protocol::LimitsView view;
    view.most = most(account);
    view.market = account.limits;
    view.own = account.own_limits;
    view.used = {spent.spent,     spent.held,       spent.placed_on(call.moment.now),
                 spent.jobs_open, spent.tasks_open, Size{account.blob_bytes}};
    return view;
}

/// "true" or "false"; absent: false.
Result<bool> flag(const Call& call, const std::string& name) {
    const std::string* text = parameter(call, name);
    if (!text || *text == "false") return false;
    if (*text == "true") return true;
    return Error{Code::invalid, name + ": expected true or false"};
}

}  // namespace

Result<protocol::LimitsView> limits(const Call& call) {
    return limits_view(call, *TRY(own_account(call)));
}

/// An operator's key sets the market's, any other the account's own.
Result<protocol::LimitsView> limit(const Call& call, const protocol::AccountLimits& wanted) {
    const Account* account = TRY(own_account(call));
    const auto by = is_operator(call) ? protocol::LimitedBy::market : protocol::LimitedBy::account;
    TRY(call.market.limit_account({account->id, wanted, by, call.moment.now}, call.batch));
    return limits_view(call, *account);
}

Result<protocol::KeyView> limit_key(const Call& call, const protocol::RateRequest& wanted) {
    const KeyId id = TRY(path_id<KeyTag>(call, "key"));
    TRY(call.market.limit_key(id, wanted.rate, call.moment, call.batch));
    return key_view(call.market.state().keys.at(id));
}

Result<protocol::AccountView> freeze(const Call& call, const protocol::FreezeRequest& asked) {
    const Account* account = TRY(own_account(call));
    const auto reason = asked.frozen ? std::optional(asked.reason) : std::nullopt;
    TRY(call.market.freeze_account(account->id, reason, call.moment, call.batch));
    return account_view(call.market, *account);
}

/// Each request is its own transfer: repetitions are found by their Idempotency-Key before.
Result<protocol::AccountView> transfer(const Call& call, const protocol::TransferOrder& asked) {
    const Account* payer = TRY(own_account(call));
    constexpr std::size_t name_bytes = 16;
    const std::string name = to_hex(std::span(call.moment.entropy).first<name_bytes>());
    TRY(call.market.transfer_credit({payer->id, asked.to, asked.amount, name}, call.moment,
                                    call.batch));
    return account_view(call.market, *payer);
}

Result<protocol::AccountView> erase(const Call& call) {
    const Account* account = TRY(own_account(call));
    const bool gives_up = TRY(flag(call, "gives_up_balance"));
    TRY(call.market.erase_account({account->id, gives_up, is_operator(call)}, call.moment,
                                  call.batch));
    return account_view(call.market, *account);
}

}  // namespace shoal::market::handlers
