#pragma once

// A market in which workflows run, for tests of steps and of earlier results.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

#include "market/workflows.h"
#include "market/world_for_test.h"

namespace shoal::market {

using Files = std::map<std::string, std::string>;  // paths and contents

inline protocol::JobInput taken(std::string from, std::optional<std::string> path = {}) {
    protocol::JobInput input;
    input.as = from;
    input.from = std::move(from);
    input.path = std::move(path);
    return input;
}

inline protocol::JobSpec make_step(std::int64_t tasks = 1) {
    protocol::JobSpec spec = simple_job(tasks);
    if (tasks == 1) {
        spec.tasks.matrix.clear();
        spec.command = {"./work"};
    }
    spec.outputs = {{"model", true}};
    spec.retries = 0;
    return spec;
}

/// A market in which workflows run, with one provider.
class Flows : public World {
public:
    explicit Flows(Settings settings = {}) : World(settings) {
        machine = provider(8, core_price(3'600));
    }

    Result<WorkflowId> submit_flow(protocol::WorkflowSpec spec) {
        spec.name = "flow";
        auto id = market.submit_workflow(buyer, std::move(spec), moment(), batch);
        flush();
        return id;
    }

    /// The only live attempt of the step runs for a second, leaves the files and ends so.
    void finish(WorkflowId flow, const std::string& step, const Files& files = {},
                protocol::Reason reason = protocol::Reason::completed) {
        const Job& job = this->step(flow, step);
        for (const TaskId id : job.tasks) {
            const Task& task = market.state().tasks.at(id);
            if (task.state != protocol::TaskState::leased) continue;
            return finish(task.attempts.back(), files, reason);
        }
        FAIL("the step has no live attempt: " << step);
    }

    void finish(LeaseId lease, const Files& files,
                protocol::Reason reason = protocol::Reason::completed) {
        const ProviderId provider = market.state().attempts.at(lease).provider;
        CHECK(hear(provider, protocol::session::Started{lease}).ok());
        clock += std::chrono::seconds{1};
        protocol::AttemptOutcome outcome;
        outcome.reason = reason;
        outcome.started = true;
        outcome.ran_ms = 100'000'000;  // the market's clock says less
        CHECK(hear(provider, protocol::session::Exited{lease, outcome}).ok());
        protocol::session::Finished finished;
        finished.lease = lease;
        finished.reason = reason;
        for (const auto& [path, content] : files) {
            CHECK(store(content, lease).ok());
            finished.artifacts.push_back({path, sha256(content), content.size()});
        }
        CHECK(hear(provider, finished).ok());
    }

    const Job& step(WorkflowId flow, std::string_view name) const {
        return job(job_of(market.state().workflows.at(flow), name));
    }
    protocol::JobState state(WorkflowId flow) const {
        return state_of(market.state(), market.state().workflows.at(flow));
    }
    bool runs(WorkflowId flow, std::string_view name) const {
        return market.state().tasks.at(step(flow, name).tasks.front()).state ==
               protocol::TaskState::leased;
    }
    const Task& task(JobId id, std::size_t place = 0) const {
        return market.state().tasks.at(job(id).tasks.at(place));
    }

    ProviderId machine;
};

/// prepare <- train <- judge, and each takes what the one before left.
inline protocol::WorkflowSpec three_steps() {
    protocol::WorkflowSpec spec;
    spec.steps["prepare"] = make_step();
    spec.steps["train"] = make_step();
    spec.steps["train"].needs["prepare"] = {};
    spec.steps["train"].inputs = {taken("prepare", "model")};
    spec.steps["judge"] = make_step();
    spec.steps["judge"].needs["train"] = {};
    spec.steps["judge"].inputs = {taken("train")};
    return spec;
}

}  // namespace shoal::market
