#pragma once

// Everything that ever changes the market's state, as facts in the past. Each event carries all
// that apply() needs. Fields are added with a default, never reused or renamed; an event of
// unknown name in a journal stops the start.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include <boost/describe.hpp>

#include "core/hash.h"
#include "core/id.h"
#include "core/json.h"
#include "core/signature.h"
#include "core/time.h"
#include "protocol/events_accounts.h"
#include "protocol/events_jobs.h"
#include "protocol/ledger.h"
#include "protocol/offer.h"

namespace shoal::protocol {

/// On the wire "operator", which is a keyword of C++.
enum class Role { buyer, provider, operator_ };  // NOLINT(readability-identifier-naming)
BOOST_DESCRIBE_ENUM(Role, buyer, provider, operator_)

/// The market's process began to serve; `release` for the audit.
struct MarketStarted {
    static constexpr const char* name = "market_started";
    Time at;
    std::string release;
};
BOOST_DESCRIBE_STRUCT(MarketStarted, (), (at, release))

struct AccountCreated {
    static constexpr const char* name = "account_created";
    AccountId account;
    Time at;
};
BOOST_DESCRIBE_STRUCT(AccountCreated, (), (account, at))

/// `secret` is the SHA-256 of the key that was shown once.
struct KeyCreated {
    static constexpr const char* name = "key_created";
    KeyId key;
    AccountId account;
    Role role = Role::buyer;
    Hash secret;
    Time at;
};
BOOST_DESCRIBE_STRUCT(KeyCreated, (), (key, account, role, secret, at))

struct KeyRevoked {
    static constexpr const char* name = "key_revoked";
    KeyId key;
    Time at;
};
BOOST_DESCRIBE_STRUCT(KeyRevoked, (), (key, at))

/// The answer to a request that came with an Idempotency-Key, without secrets.
struct RequestAnswered {
    static constexpr const char* name = "request_answered";
    AccountId account;
    std::string route;
    std::string key;
    Hash body;
    std::uint32_t status = 0;
    std::string answer;
    Time at;
};
BOOST_DESCRIBE_STRUCT(RequestAnswered, (), (account, route, key, body, status, answer, at))

struct BlobStored {
    static constexpr const char* name = "blob_stored";
    Hash blob;
    std::uint64_t size_bytes = 0;
    AccountId account;
    std::optional<LeaseId> lease;  // of the live attempt whose output it is
    Time at;
};
BOOST_DESCRIBE_STRUCT(BlobStored, (), (blob, size_bytes, account, lease, at))

struct BlobDropped {
    static constexpr const char* name = "blob_dropped";
    Hash blob;
    AccountId account;
    Time at;
};
BOOST_DESCRIBE_STRUCT(BlobDropped, (), (blob, account, at))

struct ProviderRegistered {
    static constexpr const char* name = "provider_registered";
    ProviderId provider;
    AccountId account;
    PublicKey key;
    Time at;
};
BOOST_DESCRIBE_STRUCT(ProviderRegistered, (), (provider, account, key, at))

struct OfferPublished {
    static constexpr const char* name = "offer_published";
    ProviderId provider;
    Offer offer;
    Time at;
};
BOOST_DESCRIBE_STRUCT(OfferPublished, (), (provider, offer, at))

/// The operator says how large the account's part is beside others': with twice the weight it may
/// use twice as much.
struct AccountWeighted {
    static constexpr const char* name = "account_weighted";
    AccountId account;
    std::uint32_t weight = 0;
    Time at;
};
BOOST_DESCRIBE_STRUCT(AccountWeighted, (), (account, weight, at))

/// The operator has checked that the provider's machine is what its offer says, or no longer holds
/// it for that. A new offer of other hardware ends it.
struct ProviderVerified {
    static constexpr const char* name = "provider_verified";
    ProviderId provider;
    bool verified = false;
    Time at;
};
BOOST_DESCRIBE_STRUCT(ProviderVerified, (), (provider, verified, at))

/// A secret of the account has this value from now on: `sealed` by the market's own key, as
/// hexadecimal digits, about the account and the name.
struct SecretSet {
    static constexpr const char* name = "secret_set";
    AccountId account;
    std::string secret;
    std::string sealed;
    Time at;
};
BOOST_DESCRIBE_STRUCT(SecretSet, (), (account, secret, sealed, at))

/// The account took it back, or the market can no longer open it.
struct SecretRemoved {
    static constexpr const char* name = "secret_removed";
    AccountId account;
    std::string secret;
    Time at;
};
BOOST_DESCRIBE_STRUCT(SecretRemoved, (), (account, secret, at))

using Event = std::variant<
    MarketStarted, AccountCreated, KeyCreated, KeyRevoked, RequestAnswered, BlobStored, BlobDropped,
    TransferPosted, ProviderRegistered, OfferPublished, JobSubmitted, LeaseGranted, LeaseRenewed,
    AttemptStarted, AttemptExited, AttemptEnded, TaskRequeued, TaskEnded, JobEnded, ReceiptIssued,
    AccountWeighted, ProviderVerified, AccountLimited, KeyLimited, AccountFrozen, AccountErased,
    OperatorActed, WorkflowSubmitted, InputsResolved, TaskReused, SecretSet, SecretRemoved>;

/// The event's name and its JSON, as a row of the journal. (The big variant is compiled once.)
std::string_view event_name(const Event&);
std::string print_event(const Event&);

/// unsupported: an event of unknown name. invalid: a body that is not that event's.
Result<Event> read_event(std::string_view name, const json::Value& body);

}  // namespace shoal::protocol
