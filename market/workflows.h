#pragma once

#include <string_view>
#include <vector>

#include "core/result.h"
#include "market/state.h"

namespace shoal::market {

/// The job of that step; the workflow has it.
JobId job_of(const Workflow&, std::string_view step);

/// The jobs that need this one, and those that it needs; none for a job that is no step.
std::vector<const Job*> dependents(const State&, const Job&);
std::vector<const Job*> needed(const State&, const Job&);

/// Each job that this one needs.
template <class Visit>
void visit_needs(const State& state, const Job& job, Visit visit) {
    for (const Job* other : needed(state, job)) visit(*other);
}

/// Those of them that have not ended, while the job waits for them.
std::vector<protocol::WorkflowStep> open_needs(const State&, const Job&);

/// What is to become of a step that waits: a need that did not finish decides at once, by what the
/// step says of it; else all of them must have ended.
enum class Fate { wait, begin, fail, skip };
Fate fate_of(const State&, const Job&);

/// The attempt whose files are the task's result: its own last one, or the earlier one that
/// answered it. Null while there is none.
const Attempt* result_attempt(const State&, const Task&);

/// The job's inputs, with each `from` as the hashes of what that step's accepted tasks left. From
/// a step with a matrix each task's files lie in a folder of their own, named by the task's place
/// in it, from 0. Left out is what may be absent: an optional output, and what a step did not leave
/// that did not finish.
/// not_found: another file is missing. exhausted: a job cannot have so many files.
Result<std::vector<protocol::JobInput>> resolve_inputs(const State&, const Job&);

/// The files that other steps handed over, by their paths below /in.
std::vector<protocol::Artifact> handed_over(const Job&);

/// How the workflow stands: open while a step is; cancelled if one was by the buyer; failed if one
/// failed, unless others need it and every one of them goes on without it; else finished.
protocol::JobState state_of(const State&, const Workflow&);

}  // namespace shoal::market
