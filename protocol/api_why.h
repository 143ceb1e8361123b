#pragma once

// Why a job, a task or a provider waits: answers of the API, all of them counted from what the
// market knows.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/describe.hpp>

#include "core/id.h"
#include "core/json.h"
#include "core/time.h"
#include "protocol/api.h"
#include "protocol/reasons.h"

namespace shoal::protocol {

/// One thing that is asked for, and how many pass it (of `of`). `fit_without`: how many would fit
/// if this alone were not asked for; of those that `fit` it is the same number or more.
struct Requirement {
    std::string name;    // "memory"
    std::string wanted;  // "4GiB"
    std::uint64_t pass = 0;
    std::uint64_t of = 0;
    std::uint64_t fit_without = 0;
};
BOOST_DESCRIBE_STRUCT(Requirement, (), (name, wanted, pass, of, fit_without))

/// A job's place in the fair order. Buyers take turns: who has used the least for its weight is
/// next. `used_core_hours` counts machines by their size, and what was used a day ago half.
struct Turn {
    std::uint64_t buyers_before = 0;
    std::uint64_t own_jobs_before = 0;
    double used_core_hours = 0;
    std::uint32_t weight = 0;
};
BOOST_DESCRIBE_STRUCT(Turn, (), (buyers_before, own_jobs_before, used_core_hours, weight))

/// With a cap of so much for an hour of a task, so many providers would pass that are otherwise
/// what is asked for; so many of them have room now.
struct PriceStep {
    Lamports hour;
    std::uint64_t providers = 0;
    std::uint64_t free = 0;
};
BOOST_DESCRIBE_STRUCT(PriceStep, (), (hour, providers, free))

/// Why a job waits, or why it ended. While it waits each requirement counts the providers that
/// pass it, `fit` those that pass all but being free, `position` its place in the queue. `room_at`:
/// when the first of those that fit has room at the latest, if what runs there takes all the time
/// that it may; absent where none has, or the job is a gang.
struct JobWhy {
    JobId job;
    JobState state = JobState::open;
    std::string sentence;
    TaskCounts tasks;
    std::optional<std::uint64_t> position;
    std::optional<Turn> turn;
    std::optional<std::uint64_t> fit;
    std::optional<Time> room_at;
    bool room_is_kept = false;  // for it, on machines that others may use until then
    std::vector<Requirement> requirements;
    std::vector<PriceStep> prices;  // at most ten, the cheapest first
    std::optional<Reason> reason;
    std::optional<Fault> fault;
    std::optional<Payer> payer;
    std::vector<std::string> help;
    std::vector<WorkflowStep> waits_for{};  // the steps that must end before it may begin
};
BOOST_DESCRIBE_STRUCT(JobWhy, (),
                      (job, state, sentence, tasks, position, turn, fit, room_at, room_is_kept,
                       requirements, prices, reason, fault, payer, help, waits_for))

/// How one attempt of a task ended, or that it runs.
struct TryView {
    LeaseId lease;
    ProviderId provider;
    std::optional<Reason> reason;
    std::optional<Fault> fault;
    std::string sentence;
};
BOOST_DESCRIBE_STRUCT(TryView, (), (lease, provider, reason, fault, sentence))

/// Why a task waits, runs or ended: its own tries, and while it waits what its job waits for.
/// `not_before`: when it may be tried again, if that is not yet.
struct TaskWhy {
    TaskId task;
    JobId job;
    TaskState state = TaskState::queued;
    std::string sentence;
    std::uint32_t retries_left = 0;
    std::optional<Time> not_before;
    std::vector<TryView> tries;
    std::optional<JobWhy> waits_for;
};
BOOST_DESCRIBE_STRUCT(TaskWhy, (),
                      (task, job, state, sentence, retries_left, not_before, tries, waits_for))

/// At so many percent of the provider's present price, so many waiting tasks would fit it.
struct PriceCut {
    std::uint32_t percent = 0;
    std::uint64_t tasks = 0;
};
BOOST_DESCRIBE_STRUCT(PriceCut, (), (percent, tasks))

/// Why a provider gets no work. Each requirement counts the waiting tasks that it passes.
/// `price_cuts`: the least cuts that would get it more work, each for more tasks than the one
/// before; empty where no price would.
struct ProviderWhy {
    ProviderId provider;
    bool online = false;
    bool draining = false;
    std::string sentence;
    std::uint64_t attempts_live = 0;
    std::uint64_t tasks_waiting = 0;
    std::uint64_t tasks_fit = 0;
    std::vector<Requirement> requirements;
    std::vector<PriceCut> price_cuts;
    std::vector<std::string> help;
};
BOOST_DESCRIBE_STRUCT(ProviderWhy, (),
                      (provider, online, draining, sentence, attempts_live, tasks_waiting,
                       tasks_fit, requirements, price_cuts, help))

}  // namespace shoal::protocol
