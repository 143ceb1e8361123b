#pragma once

// Everything that ever changes the market's state, as facts in the past. Each event carries all
// that apply() needs. Fields are added with a default, never reused or renamed; an event of
// unknown name in a journal stops the start.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <boost/describe.hpp>

#include "core/hash.h"
#include "core/id.h"
#include "core/json.h"
#include "core/signature.h"
#include "core/time.h"
#include "protocol/attempt.h"
#include "protocol/job.h"
#include "protocol/ledger.h"
#include "protocol/offer.h"
#include "protocol/reasons.h"

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

struct PlannedTask {
    TaskId task;
    Parameters parameters;

    friend bool operator==(const PlannedTask&, const PlannedTask&) = default;
};
BOOST_DESCRIBE_STRUCT(PlannedTask, (), (task, parameters))

struct JobSubmitted {
    static constexpr const char* name = "job_submitted";
    JobId job;
    AccountId account;
    JobSpec spec;
    std::vector<PlannedTask> tasks;
    Lamports hold;
    Time at;
};
BOOST_DESCRIBE_STRUCT(JobSubmitted, (), (job, account, spec, tasks, hold, at))

/// An attempt begins. `reserve` is the part of the job's hold that the attempt may use, `time_max`
/// how long it may run at `price` before that is spent.
struct LeaseGranted {
    static constexpr const char* name = "lease_granted";
    LeaseId lease;
    JobId job;
    TaskId task;
    ProviderId provider;
    Price price;
    Lamports reserve;
    Duration time_max{};
    Time deadline;
    Time at;
};
BOOST_DESCRIBE_STRUCT(LeaseGranted, (),
                      (lease, job, task, provider, price, reserve, time_max, deadline, at))

struct LeaseRenewed {
    static constexpr const char* name = "lease_renewed";
    LeaseId lease;
    Time deadline;
};
BOOST_DESCRIBE_STRUCT(LeaseRenewed, (), (lease, deadline))

/// The job's process runs; from here on the time is billed.
struct AttemptStarted {
    static constexpr const char* name = "attempt_started";
    LeaseId lease;
    Time at;
};
BOOST_DESCRIBE_STRUCT(AttemptStarted, (), (lease, at))

/// The job's process ended; from here on the time is not billed. `ran` is the billed time.
struct AttemptExited {
    static constexpr const char* name = "attempt_exited";
    LeaseId lease;
    AttemptOutcome outcome;
    Duration ran{};
    Time at;
};
BOOST_DESCRIBE_STRUCT(AttemptExited, (), (lease, outcome, ran, at))

/// The attempt is over and paid; its lease with it. `charge` went from the job's hold to the
/// provider and, of it, `fee` to the platform.
struct AttemptEnded {
    static constexpr const char* name = "attempt_ended";
    LeaseId lease;
    Reason reason = Reason::completed;
    std::string detail;
    std::vector<Artifact> artifacts;
    std::optional<Artifact> log;
    std::map<std::string, double> metrics;
    Duration ran{};
    Lamports charge;
    Lamports fee;
    Time at;
};
BOOST_DESCRIBE_STRUCT(AttemptEnded, (),
                      (lease, reason, detail, artifacts, log, metrics, ran, charge, fee, at))

/// The task waits again, for another attempt that may begin at `not_before`.
struct TaskRequeued {
    static constexpr const char* name = "task_requeued";
    TaskId task;
    Reason reason = Reason::lease_expired;
    Time not_before;
    Time at;
};
BOOST_DESCRIBE_STRUCT(TaskRequeued, (), (task, reason, not_before, at))

enum class TaskState { queued, leased, accepted, failed, cancelled };
BOOST_DESCRIBE_ENUM(TaskState, queued, leased, accepted, failed, cancelled)

struct TaskEnded {
    static constexpr const char* name = "task_ended";
    TaskId task;
    TaskState state = TaskState::accepted;
    Reason reason = Reason::completed;
    Time at;
};
BOOST_DESCRIBE_STRUCT(TaskEnded, (), (task, state, reason, at))

enum class JobState { open, finished, failed, cancelled };
BOOST_DESCRIBE_ENUM(JobState, open, finished, failed, cancelled)

struct JobEnded {
    static constexpr const char* name = "job_ended";
    JobId job;
    JobState state = JobState::finished;
    Reason reason = Reason::completed;
    Time at;
};
BOOST_DESCRIBE_STRUCT(JobEnded, (), (job, state, reason, at))

/// The market signed the job's receipt, whose content follows from the job.
struct ReceiptIssued {
    static constexpr const char* name = "receipt_issued";
    ReceiptId receipt;
    JobId job;
    Signature signature;
    Time at;
};
BOOST_DESCRIBE_STRUCT(ReceiptIssued, (), (receipt, job, signature, at))

using Event =
    std::variant<MarketStarted, AccountCreated, KeyCreated, KeyRevoked, RequestAnswered, BlobStored,
                 BlobDropped, TransferPosted, ProviderRegistered, OfferPublished, JobSubmitted,
                 LeaseGranted, LeaseRenewed, AttemptStarted, AttemptExited, AttemptEnded,
                 TaskRequeued, TaskEnded, JobEnded, ReceiptIssued>;

/// The event's name and its JSON, as a row of the journal. (The big variant is compiled once.)
std::string_view event_name(const Event&);
json::Value write_event(const Event&);

/// unsupported: an event of unknown name. invalid: a body that is not that event's.
Result<Event> read_event(std::string_view name, const json::Value& body);

}  // namespace shoal::protocol
