#pragma once

// Facts about what accounts and keys may do, and about what operators did.

#include <cstdint>
#include <optional>
#include <string>

#include <boost/describe.hpp>

#include "core/id.h"
#include "core/json.h"
#include "core/lamports.h"
#include "core/time.h"
#include "core/units.h"

namespace shoal::protocol {

/// The most that an account may use; what is absent has no limit. What a job sets aside counts from
/// the moment it is submitted, and what returns at its end counts no more.
struct AccountLimits {
    std::optional<Lamports> budget_total;  // spent since the beginning, and set aside now
    std::optional<Lamports> budget_day;    // set aside on this day (UTC)
    std::optional<std::uint64_t> jobs_open;
    std::optional<std::uint64_t> tasks_open;
    std::optional<Size> blobs;

    friend bool operator==(const AccountLimits&, const AccountLimits&) = default;
};
BOOST_DESCRIBE_STRUCT(AccountLimits, (), (budget_total, budget_day, jobs_open, tasks_open, blobs))

/// Whose limits: the market's, which its operator sets, or those that the account gives itself.
/// The tighter of both holds.
enum class LimitedBy { market, account };
BOOST_DESCRIBE_ENUM(LimitedBy, market, account)

/// The account's limits are these, instead of those before.
struct AccountLimited {
    static constexpr const char* name = "account_limited";
    AccountId account;
    AccountLimits limits;
    LimitedBy by = LimitedBy::market;
    Time at;
};
BOOST_DESCRIBE_STRUCT(AccountLimited, (), (account, limits, by, at))

/// How many requests a key may make: so many a second, and after a pause so many at once.
struct RequestRate {
    std::uint32_t per_second = 0;
    std::uint32_t burst = 0;

    friend bool operator==(const RequestRate&, const RequestRate&) = default;
};
BOOST_DESCRIBE_STRUCT(RequestRate, (), (per_second, burst))

/// The operator has said how many requests the key may make; nothing: what its role has.
struct KeyLimited {
    static constexpr const char* name = "key_limited";
    KeyId key;
    std::optional<RequestRate> rate;
    Time at;
};
BOOST_DESCRIBE_STRUCT(KeyLimited, (), (key, rate, at))

/// The operator has stopped the account, or lets it go on. What runs is finished and settled.
struct AccountFrozen {
    static constexpr const char* name = "account_frozen";
    AccountId account;
    bool frozen = false;
    std::string reason;
    Time at;
};
BOOST_DESCRIBE_STRUCT(AccountFrozen, (), (account, frozen, reason, at))

/// The account is closed, and what its jobs and machines said of their owner is forgotten. Its
/// money's records stay.
struct AccountErased {
    static constexpr const char* name = "account_erased";
    AccountId account;
    Time at;
};
BOOST_DESCRIBE_STRUCT(AccountErased, (), (account, at))

/// A request of an operator's key has changed something. `subject` names what it was about, and
/// what it made; `detail` is its body, where that holds no secret.
struct OperatorActed {
    static constexpr const char* name = "operator_acted";
    ActionId action;
    KeyId key;
    std::string route;  // "PUT /v1/accounts/{account}/weight"
    std::string subject;
    std::string detail;
    Time at;

    friend bool operator==(const OperatorActed&, const OperatorActed&) = default;
};
BOOST_DESCRIBE_STRUCT(OperatorActed, (), (action, key, route, subject, detail, at))

}  // namespace shoal::protocol
