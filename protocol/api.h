#pragma once

// What REST answers and what it is asked, beside the job file: accounts, jobs and their parts, and
// what every list and every refusal looks like. Money is a string of lamports, times are
// milliseconds since 1970. Providers, quotes and explanations lie in api_market.h.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/describe.hpp>

#include "core/hash.h"
#include "core/id.h"
#include "core/json.h"
#include "core/lamports.h"
#include "core/time.h"
#include "protocol/events.h"
#include "protocol/job.h"
#include "protocol/ledger.h"
#include "protocol/reasons.h"

namespace shoal::protocol {

/// The body of every refusal. `code` is the name of a Code, `path` the place in the request's body
/// where there is one.
struct Problem {
    std::string code;
    std::string message;
    std::string hint;
    std::string path;
    std::string request_id;
};
BOOST_DESCRIBE_STRUCT(Problem, (), (code, message, hint, path, request_id))

/// GET /healthz and /readyz: "ok", or what is missing.
struct Health {
    std::string status;
};
BOOST_DESCRIBE_STRUCT(Health, (), (status))

// --- accounts and money ------------------------------------------------------------------------

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
    std::optional<Role> role;  // of the key that asks, in /v1/accounts/me
};
BOOST_DESCRIBE_STRUCT(AccountView, (),
                      (account, created, available, held, earned, blob_bytes, weight, role))

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
};
BOOST_DESCRIBE_STRUCT(KeyView, (), (key, account, role, created, revoked, secret))

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

// --- jobs --------------------------------------------------------------------------------------

struct TaskCounts {
    std::uint64_t total = 0;
    std::uint64_t queued = 0;
    std::uint64_t leased = 0;
    std::uint64_t accepted = 0;
    std::uint64_t failed = 0;
    std::uint64_t cancelled = 0;
};
BOOST_DESCRIBE_STRUCT(TaskCounts, (), (total, queued, leased, accepted, failed, cancelled))

/// The task that leads by the job's result rule.
struct BestTask {
    TaskId task;
    LeaseId lease;
    Parameters parameters;
    double value = 0;
};
BOOST_DESCRIBE_STRUCT(BestTask, (), (task, lease, parameters, value))

/// `hold` was set aside at the beginning: `charged` of it is paid, `reserved` may yet be used by
/// live attempts, `released` went back. `progress`, 0 to 1, counts tasks and, of running ones, what
/// they say. `sentence` tells where the job stands. `spec` is left out of lists.
struct JobView {
    JobId job;
    AccountId account;
    std::string name;
    JobState state = JobState::open;
    std::optional<Reason> reason;  // once ended
    std::string sentence;
    TaskCounts tasks;
    double progress = 0;
    Lamports hold;
    Lamports reserved;
    Lamports charged;
    Lamports released;
    Time submitted;
    std::optional<Time> ended;
    std::optional<BestTask> best;
    std::optional<JobSpec> spec;
};
BOOST_DESCRIBE_STRUCT(JobView, (),
                      (job, account, name, state, reason, sentence, tasks, progress, hold, reserved,
                       charged, released, submitted, ended, best, spec))

struct JobPage {
    std::vector<JobView> items;
    std::optional<std::string> next;
};
BOOST_DESCRIBE_STRUCT(JobPage, (), (items, next))

/// `lease`, `provider`, `phase` ("fetching", "running", "uploading", "ended"), `metrics` and
/// `progress` are of the last attempt. `rank` counts from 1 by the job's result rule.
struct TaskView {
    TaskId task;
    JobId job;
    Parameters parameters;
    TaskState state = TaskState::queued;
    std::optional<Reason> reason;  // once ended, or why it waits again
    std::string sentence;
    std::uint64_t attempts = 0;
    std::uint32_t retries = 0;
    Time not_before;
    std::optional<LeaseId> lease;
    std::optional<ProviderId> provider;
    std::optional<std::string> phase;
    std::optional<double> progress;
    std::map<std::string, double> metrics;
    std::optional<std::uint64_t> rank;
    Lamports charged;
};
BOOST_DESCRIBE_STRUCT(TaskView, (),
                      (task, job, parameters, state, reason, sentence, attempts, retries,
                       not_before, lease, provider, phase, progress, metrics, rank, charged))

struct TaskPage {
    std::vector<TaskView> items;
    std::optional<std::string> next;
};
BOOST_DESCRIBE_STRUCT(TaskPage, (), (items, next))

/// One try of a task. `ran` is the billed time in milliseconds, `charge` what it cost.
struct AttemptView {
    LeaseId lease;
    JobId job;
    TaskId task;
    ProviderId provider;
    std::string provider_name;
    std::string phase;
    Price price;
    Lamports reserve;
    Time granted;
    Time deadline;
    std::optional<Time> started;
    std::optional<Time> exited;
    std::optional<Time> ended;
    std::optional<Reason> reason;  // once exited or ended
    std::string sentence;
    std::string detail;
    std::optional<AttemptOutcome> outcome;  // once exited
    Duration ran{};
    Lamports charge;
    Lamports fee;
    std::optional<double> progress;
    std::map<std::string, double> metrics;
    std::optional<Artifact> log;
};
BOOST_DESCRIBE_STRUCT(AttemptView, (),
                      (lease, job, task, provider, provider_name, phase, price, reserve, granted,
                       deadline, started, exited, ended, reason, sentence, detail, outcome, ran,
                       charge, fee, progress, metrics, log))

struct AttemptPage {
    std::vector<AttemptView> items;
    std::optional<std::string> next;
};
BOOST_DESCRIBE_STRUCT(AttemptPage, (), (items, next))

/// `available`: its bytes are there. `dropped`: since when they are gone, where that is remembered.
struct ArtifactView {
    std::string path;
    TaskId task;
    LeaseId lease;
    Hash blob;
    std::uint64_t size_bytes = 0;
    bool available = true;
    std::optional<Time> dropped;
};
BOOST_DESCRIBE_STRUCT(ArtifactView, (), (path, task, lease, blob, size_bytes, available, dropped))

struct ArtifactPage {
    std::vector<ArtifactView> items;
    std::optional<std::string> next;
};
BOOST_DESCRIBE_STRUCT(ArtifactPage, (), (items, next))

}  // namespace shoal::protocol
