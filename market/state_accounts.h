#pragma once

// The part of the State that is about accounts: what they are, have and were told.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/describe.hpp>

#include "core/hash.h"
#include "core/id.h"
#include "core/json.h"
#include "core/time.h"
#include "market/fair_share.h"
#include "protocol/events.h"

namespace shoal::market {

inline constexpr std::uint32_t weight_default = 100;

struct Account {
    AccountId id;
    Time created;
    std::uint64_t blob_bytes = 0;
    std::uint32_t weight = weight_default;
    DecayedUse use{};  // of providers' machines, in thousandths of a core by milliseconds
    protocol::AccountLimits limits{};      // the operator's
    protocol::AccountLimits own_limits{};  // its own
    std::optional<std::string> frozen{};   // why
    std::optional<Time> erased{};

    bool is_open() const { return !frozen && !erased; }
    friend bool operator==(const Account&, const Account&) = default;
};
BOOST_DESCRIBE_STRUCT(Account, (),
                      (id, created, blob_bytes, weight, use, limits, own_limits, frozen, erased))

struct ApiKey {
    KeyId id;
    AccountId account;
    protocol::Role role = protocol::Role::buyer;
    Hash secret;
    Time created;
    bool revoked = false;
    std::optional<protocol::RequestRate> rate{};  // instead of its role's

    friend bool operator==(const ApiKey&, const ApiKey&) = default;
};
BOOST_DESCRIBE_STRUCT(ApiKey, (), (id, account, role, secret, created, revoked, rate))

/// A stored blob and the accounts that may read it, each with the last time it was stored for it.
struct Blob {
    std::uint64_t size_bytes = 0;
    std::vector<AccountId> accounts;
    std::map<AccountId, Time> uploaded;

    friend bool operator==(const Blob&, const Blob&) = default;
};
BOOST_DESCRIBE_STRUCT(Blob, (), (size_bytes, accounts, uploaded))

/// A request that came with an Idempotency-Key, by "account route key".
struct Answered {
    Hash body;
    std::uint32_t status = 0;
    std::string answer;
    Time at;

    friend bool operator==(const Answered&, const Answered&) = default;
};
BOOST_DESCRIBE_STRUCT(Answered, (), (body, status, answer, at))

/// A value that an account's jobs may see: sealed, as hexadecimal digits.
struct Secret {
    std::string sealed;
    Time set;
    std::uint64_t jobs_open = 0;  // that name it

    friend bool operator==(const Secret&, const Secret&) = default;
};
BOOST_DESCRIBE_STRUCT(Secret, (), (sealed, set, jobs_open))

}  // namespace shoal::market
