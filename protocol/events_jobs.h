#pragma once

// The events about jobs, their tasks and attempts; see events.h.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
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
#include "protocol/reasons.h"

namespace shoal::protocol {

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
    Hash spec_hash;  // of the job as it was read then; later releases may add fields to it
    Time at;
    WorkflowId workflow{};  // whose step it is, if it is one
    std::string step{};
};
BOOST_DESCRIBE_STRUCT(JobSubmitted, (),
                      (job, account, spec, tasks, hold, spec_hash, at, workflow, step))

struct WorkflowStep {
    std::string step;
    JobId job;

    friend bool operator==(const WorkflowStep&, const WorkflowStep&) = default;
};
BOOST_DESCRIBE_STRUCT(WorkflowStep, (), (step, job))

/// Jobs that need one another begin, each with an event of its own that follows. Each step stands
/// after all that it needs.
struct WorkflowSubmitted {
    static constexpr const char* name = "workflow_submitted";
    WorkflowId workflow;
    AccountId account;
    std::string title;
    std::vector<WorkflowStep> steps;
    Time at;
};
BOOST_DESCRIBE_STRUCT(WorkflowSubmitted, (), (workflow, account, title, steps, at))

/// What the job needs has ended: these are all its inputs, and its tasks may begin.
struct InputsResolved {
    static constexpr const char* name = "inputs_resolved";
    JobId job;
    std::vector<JobInput> inputs;
    Time at;
};
BOOST_DESCRIBE_STRUCT(InputsResolved, (), (job, inputs, at))

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
    std::optional<Hash> identity{};  // of the task, where its result may answer others
};
BOOST_DESCRIBE_STRUCT(AttemptEnded, (),
                      (lease, reason, detail, artifacts, log, metrics, ran, charge, fee, at,
                       identity))

/// The task waits again, for another attempt that may begin at `not_before`.
struct TaskRequeued {
    static constexpr const char* name = "task_requeued";
    TaskId task;
    Reason reason = Reason::lease_expired;
    Time not_before;
    Time at;
};
BOOST_DESCRIBE_STRUCT(TaskRequeued, (), (task, reason, not_before, at))

/// The task is answered by the result of an earlier attempt, `lease`, of a task of that identity.
/// Its provider and the platform get `charge` between them, of the hold of this task's job.
struct TaskReused {
    static constexpr const char* name = "task_reused";
    TaskId task;
    LeaseId lease;
    Hash identity;
    bool verified = false;  // the earlier result was checked
    Lamports charge;
    Lamports fee;
    Time at;
};
BOOST_DESCRIBE_STRUCT(TaskReused, (), (task, lease, identity, verified, charge, fee, at))

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

/// The job has a receipt, whose content follows from the job, and whose signature follows from that
/// and the market's key (Ed25519 signs the same bytes alike: RFC 8032, section 5.1.6). It is made
/// when somebody asks for it; release 0.1 made it at once and left it here.
struct ReceiptIssued {
    static constexpr const char* name = "receipt_issued";
    ReceiptId receipt;
    JobId job;
    std::optional<Signature> signature;
    Time at;
};
BOOST_DESCRIBE_STRUCT(ReceiptIssued, (), (receipt, job, signature, at))

}  // namespace shoal::protocol
