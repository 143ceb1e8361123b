#pragma once

// All that the market remembers, as plain structs: a snapshot is this, written as JSON. Every
// change of it is an event; what can be found again from it lies in Index.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/describe.hpp>

#include "core/hash.h"
#include "core/id.h"
#include "core/id_map.h"
#include "core/json.h"
#include "core/result.h"
#include "core/time.h"
#include "market/state_accounts.h"
#include "protocol/events.h"
#include "protocol/ledger.h"

namespace shoal::market {

struct Provider {
    ProviderId id;
    AccountId account;
    PublicKey key;
    protocol::Offer offer;
    Time registered;
    std::uint64_t attempts_accepted = 0;
    std::uint64_t attempts_failed = 0;
    std::uint64_t attempts_faulty = 0;  // of the failed: by the provider's fault
    Lamports earned;
    bool verified = false;

    friend bool operator==(const Provider&, const Provider&) = default;
};
BOOST_DESCRIBE_STRUCT(Provider, (),
                      (id, account, key, offer, registered, attempts_accepted, attempts_failed,
                       attempts_faulty, earned, verified))

/// Where an attempt stands. Only `running` is billed.
enum class Phase { fetching, running, uploading, ended };
BOOST_DESCRIBE_ENUM(Phase, fetching, running, uploading, ended)

/// One try of a task on one provider; its id is its lease's, the fencing token.
struct Attempt {
    LeaseId lease;
    JobId job;
    TaskId task;
    ProviderId provider;
    protocol::Price price;
    Lamports reserve;
    Duration time_max{};
    Time granted;
    Time deadline;
    Phase phase = Phase::fetching;
    std::optional<Time> started;
    std::optional<Time> exited;
    std::optional<Time> ended;
    protocol::AttemptOutcome outcome;  // once exited
    protocol::Reason reason = protocol::Reason::completed;
    std::string detail;
    std::vector<protocol::Artifact> artifacts;
    std::optional<protocol::Artifact> log;
    std::map<std::string, double> metrics;
    std::vector<Hash> uploads;  // until it ends: what was stored for it
    Duration ran{};
    Lamports charge;
    Lamports fee;
    std::optional<Hash> identity{};  // while its result may answer other tasks

    friend bool operator==(const Attempt&, const Attempt&) = default;
};
BOOST_DESCRIBE_STRUCT(Attempt, (),
                      (lease, job, task, provider, price, reserve, time_max, granted, deadline,
                       phase, started, exited, ended, outcome, reason, detail, artifacts, log,
                       metrics, uploads, ran, charge, fee, identity))

/// The earlier attempt whose result a task was given, and what that cost.
struct Reused {
    LeaseId lease;
    Hash identity;
    bool verified = false;
    Lamports charge;
    Lamports fee;

    friend bool operator==(const Reused&, const Reused&) = default;
};
BOOST_DESCRIBE_STRUCT(Reused, (), (lease, identity, verified, charge, fee))

struct Task {
    TaskId id;
    JobId job;
    protocol::Parameters parameters;
    protocol::TaskState state = protocol::TaskState::queued;
    protocol::Reason reason = protocol::Reason::completed;
    std::uint32_t retries = 0;
    Time not_before;
    std::vector<LeaseId> attempts;
    std::optional<Reused> reused{};

    friend bool operator==(const Task&, const Task&) = default;
};
BOOST_DESCRIBE_STRUCT(Task, (),
                      (id, job, parameters, state, reason, retries, not_before, attempts, reused))

struct Job {
    JobId id;
    AccountId account;
    protocol::JobSpec spec;
    Hash spec_hash;
    std::vector<TaskId> tasks;
    Lamports hold;      // placed at the beginning
    Lamports reserved;  // of it, for live attempts
    Lamports charged;   // of it, paid for ended ones
    protocol::JobState state = protocol::JobState::open;
    protocol::Reason reason = protocol::Reason::completed;
    Time submitted;
    std::optional<Time> ended;
    std::uint32_t tasks_open = 0;
    ReceiptId receipt;
    std::optional<Signature> signature;  // of a receipt of release 0.1
    WorkflowId workflow{};               // whose step it is, if it is one
    std::string step{};                  // its name there
    bool needs_open = false;             // what it needs has not ended: its tasks may not begin

    friend bool operator==(const Job&, const Job&) = default;
};
BOOST_DESCRIBE_STRUCT(Job, (),
                      (id, account, spec, spec_hash, tasks, hold, reserved, charged, state, reason,
                       submitted, ended, tasks_open, receipt, signature, workflow, step,
                       needs_open))

/// Jobs that need one another, each after all that it needs.
struct Workflow {
    WorkflowId id;
    AccountId account;
    std::string name;
    std::vector<protocol::WorkflowStep> steps;
    Time submitted;

    friend bool operator==(const Workflow&, const Workflow&) = default;
};
BOOST_DESCRIBE_STRUCT(Workflow, (), (id, account, name, steps, submitted))

/// The next number of each kind of id.
struct Counters {
    AccountId account{1};
    KeyId key{1};
    ProviderId provider{1};
    JobId job{1};
    TaskId task{1};
    LeaseId lease{1};
    ReceiptId receipt{1};
    ActionId action{1};
    WorkflowId workflow{1};

    friend bool operator==(const Counters&, const Counters&) = default;
};
BOOST_DESCRIBE_STRUCT(Counters, (),
                      (account, key, provider, job, task, lease, receipt, action, workflow))

struct State {
    Time now;  // of the last event
    Counters next;
    IdMap<AccountId, Account> accounts;
    IdMap<KeyId, ApiKey> keys;
    std::map<Hash, Blob> blobs;
    std::map<Hash, std::map<AccountId, Time>> dropped;  // as long as it is remembered
    IdMap<ProviderId, Provider> providers;
    IdMap<JobId, Job> jobs;
    IdMap<TaskId, Task> tasks;
    IdMap<LeaseId, Attempt> attempts;
    std::map<std::string, Answered> answered;
    IdMap<ActionId, protocol::OperatorActed> audit;              // as long as it is kept
    std::map<AccountId, std::map<std::string, Secret>> secrets;  // of those who have some
    protocol::LedgerState ledger;
    IdMap<WorkflowId, Workflow> workflows;

    friend bool operator==(const State&, const State&) = default;
};
BOOST_DESCRIBE_STRUCT(State, (),
                      (now, next, accounts, keys, blobs, dropped, providers, jobs, tasks, attempts,
                       answered, audit, secrets, ledger, workflows))

/// A snapshot's bytes, and back. corrupt: not the JSON of a state.
std::string write_state(const State&);
Result<State> read_state(std::string_view text);

/// The same for equal states, on every machine. For tests and for comparing replays.
Hash state_hash(const State&);

}  // namespace shoal::market
