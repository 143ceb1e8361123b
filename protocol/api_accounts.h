#pragma once

// What REST answers and is asked about accounts: their money, keys, limits, and what operators did.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/describe.hpp>

#include "core/id.h"
#include "core/json.h"
#include "core/lamports.h"
#include "core/time.h"
#include "protocol/events.h"
#include "protocol/ledger.h"

namespace shoal::protocol {

/// An account's money by name: `available` may be spent, `held` is set aside for open jobs,
/// `earned` came in from jobs of others (and is part of what is or was available).
struct AccountView {
    AccountId account;
    Time created;
    Lamports available;
    Lamports held;
    Lamports earned;
    std::uint64_t blob_bytes = 0;
    std::uint32_t weight = 0;
    std::optional<Role> role;           // of the key that asks, in /v1/accounts/me
    std::optional<std::string> frozen;  // why it may begin nothing
    std::optional<Time> erased;
};
BOOST_DESCRIBE_STRUCT(AccountView, (),
                      (account, created, available, held, earned, blob_bytes, weight, role, frozen,
                       erased))

/// A list in pages: ask again with ?cursor= and the text of `next`, which is absent at the end.
struct AccountPage {
    std::vector<AccountView> items;
    std::optional<std::string> next;
};
BOOST_DESCRIBE_STRUCT(AccountPage, (), (items, next))

struct KeyRequest {
    static constexpr std::array<std::string_view, 1> required{"role"};
    Role role = Role::buyer;
};
BOOST_DESCRIBE_STRUCT(KeyRequest, (), (role))

/// `secret` is there once, in the answer that made the key.
struct KeyView {
    KeyId key;
    AccountId account;
    Role role = Role::buyer;
    Time created;
    bool revoked = false;
    std::optional<std::string> secret;
    RequestRate rate{};  // what it may ask
};
BOOST_DESCRIBE_STRUCT(KeyView, (), (key, account, role, created, revoked, secret, rate))

struct KeyPage {
    std::vector<KeyView> items;
    std::optional<std::string> next;
};
BOOST_DESCRIBE_STRUCT(KeyPage, (), (items, next))

struct CreditRequest {
    static constexpr std::array<std::string_view, 1> required{"amount"};
    Lamports amount;
};
BOOST_DESCRIBE_STRUCT(CreditRequest, (), (amount))

/// What an account may spend, line by line, oldest first.
struct StatementPage {
    std::vector<StatementLine> items;
    std::optional<std::string> next;
};
BOOST_DESCRIBE_STRUCT(StatementPage, (), (items, next))

/// Every account of the ledger; `sum` is always zero.
struct Books {
    std::map<LedgerAccount, Lamports> balances;
    Lamports sum;
};
BOOST_DESCRIBE_STRUCT(Books, (), (balances, sum))

// --- limits ------------------------------------------------------------------------------------

/// What of its limits an account uses now.
struct AccountUse {
    Lamports spent;   // since the beginning
    Lamports held;    // set aside for open jobs
    Lamports placed;  // set aside on this day (UTC), less what returned of that
    std::uint64_t jobs_open = 0;
    std::uint64_t tasks_open = 0;
    Size blobs;
};
BOOST_DESCRIBE_STRUCT(AccountUse, (), (spent, held, placed, jobs_open, tasks_open, blobs))

/// `market` is what the operator has set, `own` what the account has, `most` what holds.
struct LimitsView {
    AccountLimits most;
    AccountLimits market;
    AccountLimits own;
    AccountUse used;
};
BOOST_DESCRIBE_STRUCT(LimitsView, (), (most, market, own, used))

/// Without a rate the key has again what its role has.
struct RateRequest {
    std::optional<RequestRate> rate;
};
BOOST_DESCRIBE_STRUCT(RateRequest, (), (rate))

/// Whether the account is stopped; why is told to its owner.
struct FreezeRequest {
    static constexpr std::array<std::string_view, 1> required{"frozen"};
    bool frozen = false;
    std::string reason;
};
BOOST_DESCRIBE_STRUCT(FreezeRequest, (), (frozen, reason))

/// Credit for another account.
struct TransferOrder {
    static constexpr std::array<std::string_view, 2> required{"to", "amount"};
    AccountId to;
    Lamports amount;
};
BOOST_DESCRIBE_STRUCT(TransferOrder, (), (to, amount))

/// What operators did, newest first.
struct AuditPage {
    std::vector<OperatorActed> items;
    std::optional<std::string> next;
};
BOOST_DESCRIBE_STRUCT(AuditPage, (), (items, next))

}  // namespace shoal::protocol
