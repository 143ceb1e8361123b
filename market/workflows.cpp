#include "market/workflows.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "core/check.h"
#include "core/limits.h"

namespace shoal::market {

namespace {

using protocol::JobState;
using protocol::OnFailure;

/// Where an artifact comes to lie in the input: nothing if it is not of it; empty if it is the
/// whole of it.
std::optional<std::string> place_in(const protocol::JobInput& input, const std::string& path) {
    if (!input.path) return path;
    if (path == *input.path) return "";
    if (!path.starts_with(*input.path + "/")) return std::nullopt;
    return path.substr(input.path->size() + 1);
}

/// Puts one task's files into the input; `folder` is that task's in it, or empty.
void add_files(const Attempt& attempt, const std::string& folder, protocol::JobInput& input) {
    for (const protocol::Artifact& artifact : attempt.artifacts) {
        const auto place = place_in(input, artifact.path);
        if (!place) continue;
        if (place->empty() && folder.empty()) {
            input.blob = artifact.blob;
            input.size_bytes = artifact.size_bytes;
            return;
        }
        // One file of a task among others keeps its own name.
        const std::string name =
            place->empty() ? artifact.path.substr(artifact.path.rfind('/') + 1) : *place;
        input.files.push_back({folder.empty() ? name : folder + "/" + name, artifact.blob,
                               artifact.size_bytes, input.executable});
    }
}

std::size_t file_count(const protocol::JobInput& input) {
    return input.blob ? 1 : input.files.size();
}

/// Whether the step need not have left it.
bool may_lack(const Job& source, const protocol::JobInput& input) {
    if (source.state != JobState::finished) return true;
    return std::ranges::all_of(source.spec.outputs, [&](const protocol::JobOutput& output) {
        const bool is_of_it =
            !input.path || *input.path == output.path || input.path->starts_with(output.path + "/");
        return !is_of_it || output.optional;
    });
}

void resolve(const State& state, const Job& source, protocol::JobInput& input) {
    const bool has_matrix = !source.spec.tasks.matrix.empty();
    for (std::size_t i = 0; i < source.tasks.size(); ++i) {
        const Task& task = state.tasks.at(source.tasks[i]);
        if (input.files.size() > limits::inputs_per_job) return;  // too many as it is
        if (task.state != protocol::TaskState::accepted) continue;
        const std::string folder = has_matrix ? std::to_string(i) : "";
        add_files(*result_attempt(state, task), folder, input);
    }
}

/// Whether every step that needs it, and there is one, goes on without it.
bool is_handled(const State& state, const Job& job) {
    const auto others = dependents(state, job);
    return !others.empty() && std::ranges::all_of(others, [&](const Job* other) {
        return other->spec.needs.at(job.step).on_failure != OnFailure::fail;
    });
}

}  // namespace

JobId job_of(const Workflow& workflow, std::string_view step) {
    const auto found = std::ranges::find(workflow.steps, step, &protocol::WorkflowStep::step);
    check(found != workflow.steps.end());
    return found->job;
}

std::vector<const Job*> dependents(const State& state, const Job& job) {
    std::vector<const Job*> others;
    if (job.workflow == WorkflowId{}) return others;
    for (const auto& [step, id] : state.workflows.at(job.workflow).steps) {
        const auto other = state.jobs.find(id);
        if (other == state.jobs.end()) continue;
        if (other->second.spec.needs.contains(job.step)) others.push_back(&other->second);
    }
    return others;
}

std::vector<const Job*> needed(const State& state, const Job& job) {
    std::vector<const Job*> others;
    if (job.workflow == WorkflowId{}) return others;
    const Workflow& workflow = state.workflows.at(job.workflow);
    for (const auto& [step, need] : job.spec.needs) {
        others.push_back(&state.jobs.at(job_of(workflow, step)));
    }
    return others;
}

std::vector<protocol::WorkflowStep> open_needs(const State& state, const Job& job) {
    std::vector<protocol::WorkflowStep> open;
    if (!job.needs_open) return open;
    for (const Job* other : needed(state, job)) {
        if (!other->ended) open.push_back({other->step, other->id});
    }
    return open;
}

Fate fate_of(const State& state, const Job& job) {
    bool is_skipped = false;
    bool is_waiting = false;
    for (const Job* other : needed(state, job)) {
        if (!other->ended) is_waiting = true;
        if (!other->ended || other->state == JobState::finished) continue;
        switch (job.spec.needs.at(other->step).on_failure) {
            case OnFailure::fail:
                return Fate::fail;
            case OnFailure::skip:
                is_skipped = true;
                break;
            case OnFailure::run:
                break;
        }
    }
    if (is_skipped) return Fate::skip;
    return is_waiting ? Fate::wait : Fate::begin;
}

const Attempt* result_attempt(const State& state, const Task& task) {
    if (task.reused) return &state.attempts.at(task.reused->lease);
    return task.attempts.empty() ? nullptr : &state.attempts.at(task.attempts.back());
}

Result<std::vector<protocol::JobInput>> resolve_inputs(const State& state, const Job& job) {
    std::vector<protocol::JobInput> inputs;
    std::size_t files = 0;
    for (protocol::JobInput input : job.spec.inputs) {
        if (input.from) {
            const Workflow& workflow = state.workflows.at(job.workflow);
            const Job& source = state.jobs.at(job_of(workflow, *input.from));
            resolve(state, source, input);
            const bool is_empty = file_count(input) == 0;
            if (is_empty && may_lack(source, input)) continue;
            if (is_empty) {
                return Error{Code::not_found,
                             fmt::format("{}: {} left no such file", input.as, *input.from)};
            }
        }
        files += file_count(input);
        inputs.push_back(std::move(input));
    }
    const bool fit = std::ranges::all_of(inputs, [](const protocol::JobInput& input) {
        return std::ranges::all_of(input.files, [](const protocol::InputFile& file) {
            return protocol::is_relative_path(file.path);
        });
    });
    if (!fit) return Error{Code::exhausted, "a file's path is too long below its task's folder"};
    if (files <= limits::inputs_per_job) return inputs;
    return Error{Code::exhausted, fmt::format("expected at most {} input files, got {}",
                                              limits::inputs_per_job, files)};
}

std::vector<protocol::Artifact> handed_over(const Job& job) {
    std::vector<protocol::Artifact> all;
    for (const protocol::JobInput& input : job.spec.inputs) {
        if (!input.from) continue;
        if (input.blob) all.push_back({input.as, *input.blob, input.size_bytes});
        for (const protocol::InputFile& file : input.files) {
            all.push_back({input.as + "/" + file.path, file.blob, file.size_bytes});
        }
    }
    return all;
}

JobState state_of(const State& state, const Workflow& workflow) {
    JobState whole = JobState::finished;
    for (const auto& [step, id] : workflow.steps) {
        const Job& job = state.jobs.at(id);
        if (job.state == JobState::open) return JobState::open;
        if (job.reason == protocol::Reason::cancelled_by_buyer) whole = JobState::cancelled;
        const bool is_failure = job.state == JobState::failed && !is_handled(state, job);
        if (is_failure && whole != JobState::cancelled) whole = JobState::failed;
    }
    return whole;
}

}  // namespace shoal::market
