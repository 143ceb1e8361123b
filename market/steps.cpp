// The Market's commands about workflows: steps that wait for one another, and tasks that are
// answered by earlier results.

#include <algorithm>

#include <fmt/format.h>

#include "market/market.h"
#include "market/workflows.h"
#include "protocol/identity.h"

namespace shoal::market {

using protocol::Reason;

namespace {

/// Why the steps together may not set so much aside.
Status check_total(const protocol::WorkflowPrice& price, Lamports total) {
    if (!price.max_total || total <= *price.max_total) return Done{};
    return Error{Code::denied,
                 fmt::format("price.max_total: the steps set {} credit aside, above {} credit",
                             to_decimal(total), to_decimal(*price.max_total))};
}

/// The part of what a result cost that its answer costs.
Lamports price_of(Lamports charge, std::uint32_t basis_points) {
    return ledger::split(charge, basis_points).fee;
}

}  // namespace

// --- steps ---------------------------------------------------------------------------------------

Result<WorkflowId> Market::submit_workflow(AccountId account, protocol::WorkflowSpec spec,
                                           const Moment& moment, Batch& batch) {
    TRY(check_buyer(account));
    TRY(protocol::validate(spec, protocol::SpecSource::api));
    std::vector<protocol::JobSubmitted> jobs;
    protocol::WorkflowSubmitted event{state_.next.workflow, account, spec.name, {}, moment.now};
    Need total{{}, 0, spec.steps.size()};
    JobId next = state_.next.job;
    for (const std::string& step : protocol::order_of(spec)) {
        auto planned = plan(account, std::move(spec.steps.at(step)), moment.now);
        if (!planned.ok()) {
            return Error{planned.error().code, "steps." + step + "." + planned.error().what};
        }
        jobs.push_back(std::move(planned).value());
        jobs.back().workflow = event.workflow;
        jobs.back().step = step;
        total.hold = TRY(add(total.hold, jobs.back().hold));
        total.tasks += jobs.back().tasks.size();
        event.steps.push_back({step, next});
        ++next.value;
    }
    TRY(check_total(spec.price, total.hold));
    TRY(check_funds(account, total, moment.now));
    const auto steps = event.steps;
    const WorkflowId workflow = event.workflow;
    record(std::move(event), batch);
    for (protocol::JobSubmitted& job : jobs) begin_job(std::move(job), moment, batch);
    for (const auto& [step, job] : steps) {
        if (!state_.jobs.at(job).needs_open) reuse_results(job, moment, batch);
    }
    match(moment, batch);
    return workflow;
}

/// Those that need others first: they are cancelled too, and not for what became of their needs.
Status Market::cancel_workflow(WorkflowId id, const Moment& moment, Batch& batch) {
    const auto found = state_.workflows.find(id);
    if (found == state_.workflows.end()) return Error{Code::not_found, "no such workflow"};
    const auto steps = found->second.steps;
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
        TRY(cancel(step->job, moment, batch));
    }
    return Done{};
}

/// What becomes of those that waited for this job.
void Market::follow_needs(JobId ended, const Moment& moment, Batch& batch) {
    for (const Job* other : dependents(state_, state_.jobs.at(ended))) {
        if (!other->needs_open) continue;
        switch (fate_of(state_, *other)) {
            case Fate::wait:
                break;
            case Fate::begin:
                begin_step(other->id, moment, batch);
                break;
            case Fate::fail:
                end_open_tasks(other->id, Reason::need_failed, moment, batch);
                break;
            case Fate::skip:
                end_open_tasks(other->id, Reason::step_skipped, moment, batch);
                break;
        }
    }
}

void Market::begin_step(JobId id, const Moment& moment, Batch& batch) {
    auto inputs = resolve_inputs(state_, state_.jobs.at(id));
    if (!inputs.ok()) return end_open_tasks(id, Reason::handover_failed, moment, batch);
    record(protocol::InputsResolved{id, std::move(inputs).value(), moment.now}, batch);
    ticked_ = std::max(ticked_, moment.now);
    dispatch_.release(state_, ticked_);
    reuse_results(id, moment, batch);
}

// --- earlier results -----------------------------------------------------------------------------

/// The job's tasks that somebody has done before, if it takes their results. A frozen account gets
/// none: its job waits as any other.
void Market::reuse_results(JobId id, const Moment& moment, Batch& batch) {
    const Job& job = state_.jobs.at(id);
    if (job.spec.cache == protocol::Cache::off || !state_.accounts.at(job.account).is_open())
        return;
    const std::vector<TaskId> tasks = job.tasks;
    for (const TaskId task : tasks) {
        const bool is_queued = state_.tasks.at(task).state == protocol::TaskState::queued;
        if (!is_queued || !reuse_result(job, state_.tasks.at(task), moment, batch)) continue;
        end_task(task, Reason::completed, moment, batch);
    }
}

/// Whether there is a result, and the task's part of the hold pays for it.
bool Market::reuse_result(const Job& job, const Task& task, const Moment& moment, Batch& batch) {
    const Hash identity = protocol::task_identity(job.spec, task.parameters);
    const auto lease = index_.results().find(job.account, identity);
    if (!lease) return false;
    const Attempt& source = state_.attempts.at(*lease);
    const Lamports charge = price_of(source.charge, settings_.cache_basis_points);
    const Lamports left = job.hold - job.charged - job.reserved;
    if (charge.value > left.value / static_cast<std::int64_t>(job.tasks_open)) return false;
    const ledger::Split parts = ledger::split(charge, settings_.fee_basis_points);
    record(protocol::TaskReused{task.id, *lease, identity, false, charge, parts.fee, moment.now},
           batch);
    const std::string name = to_string(task.id);
    pay({"reuse:" + name, "reuse_fee:" + name, job.id, {}, source.provider, parts}, moment, batch);
    return true;
}

}  // namespace shoal::market
