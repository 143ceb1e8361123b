// What events about providers, jobs, tasks and attempts change.

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "core/limits.h"
#include "market/memory.h"
#include "market/next_id.h"
#include "market/workflows.h"

namespace shoal::market {

using protocol::TaskState;

void Memory::on(const protocol::ProviderRegistered& event) {
    state_.now = event.at;
    Provider provider;
    provider.id = event.provider;
    provider.account = event.account;
    provider.key = event.key;
    provider.registered = event.at;
    index_.provider_added(provider);
    state_.providers.emplace(event.provider, std::move(provider));
    state_.next.provider = after(event.provider);
}

void Memory::on(const protocol::OfferPublished& event) {
    state_.now = event.at;
    Provider& provider = state_.providers.at(event.provider);
    if (provider.offer.hardware != event.offer.hardware) provider.verified = false;
    provider.offer = event.offer;
    show(event.provider);
}

void Memory::on(const protocol::JobSubmitted& event) {
    state_.now = event.at;
    Job job;
    job.id = event.job;
    job.account = event.account;
    job.spec = event.spec;
    job.spec_hash = event.spec_hash;
    job.hold = event.hold;
    job.submitted = event.at;
    job.tasks_open = static_cast<std::uint32_t>(event.tasks.size());
    job.workflow = event.workflow;
    job.step = event.step;
    job.needs_open = !event.spec.needs.empty();
    for (const protocol::PlannedTask& planned : event.tasks) {
        Task task;
        task.id = planned.task;
        task.job = event.job;
        task.parameters = planned.parameters;
        task.not_before = event.at;
        job.tasks.push_back(task.id);
        index_.task_moved({}, task.state);
        if (!job.needs_open) {
            index_.task_queued(task);
            dispatch_.wait(job, task);
        }
        state_.tasks.emplace(task.id, std::move(task));
        state_.next.task = after(planned.task);
    }
    index_.job_added(job);
    holds_.job_begun(job);
    spending_.job_begun(job);
    count_secrets(job, true);
    state_.jobs.emplace(event.job, std::move(job));
    state_.next.job = after(event.job);
}

void Memory::on(const protocol::LeaseGranted& event) {
    state_.now = event.at;
    Attempt attempt;
    attempt.lease = event.lease;
    attempt.job = event.job;
    attempt.task = event.task;
    attempt.provider = event.provider;
    attempt.price = event.price;
    attempt.reserve = event.reserve;
    attempt.time_max = event.time_max;
    attempt.granted = event.at;
    attempt.deadline = event.deadline;
    Task& task = state_.tasks.at(event.task);
    Job& job = state_.jobs.at(event.job);
    index_.task_unqueued(task);
    dispatch_.gone(job, task);
    index_.attempt_begun(attempt, job.spec.resources);
    index_.task_moved(task.state, TaskState::leased);
    index_.attempt_moved({}, attempt);
    task.state = TaskState::leased;
    task.attempts.push_back(event.lease);
    job.reserved = job.reserved + event.reserve;
    state_.attempts.emplace(event.lease, std::move(attempt));
    state_.next.lease = after(event.lease);
    count_use(job, event.deadline - event.at);
    dispatch_.refresh(job);
    show(event.provider);
}

void Memory::on(const protocol::LeaseRenewed& event) {
    Attempt& attempt = state_.attempts.at(event.lease);
    count_use(state_.jobs.at(attempt.job), event.deadline - attempt.deadline);
    index_.deadline_moved(event.lease, attempt.deadline, event.deadline);
    attempt.deadline = event.deadline;
}

void Memory::on(const protocol::AttemptStarted& event) {
    state_.now = event.at;
    Attempt& attempt = state_.attempts.at(event.lease);
    attempt.phase = Phase::running;
    index_.attempt_moved(Phase::fetching, attempt);
    attempt.started = event.at;
}

void Memory::on(const protocol::AttemptExited& event) {
    state_.now = event.at;
    Attempt& attempt = state_.attempts.at(event.lease);
    const Phase before = std::exchange(attempt.phase, Phase::uploading);
    index_.attempt_moved(before, attempt);
    attempt.exited = event.at;
    attempt.outcome = event.outcome;
    attempt.ran = event.ran;
}

void Memory::on(const protocol::AttemptEnded& event) {
    state_.now = event.at;
    Attempt& attempt = state_.attempts.at(event.lease);
    Job& job = state_.jobs.at(attempt.job);
    Provider& provider = state_.providers.at(attempt.provider);
    index_.attempt_ended(attempt, job.spec.resources);
    const Phase before = std::exchange(attempt.phase, Phase::ended);
    attempt.ended = event.at;
    attempt.reason = event.reason;
    index_.attempt_moved(before, attempt);
    attempt.detail = event.detail;
    attempt.artifacts = event.artifacts;
    attempt.log = event.log;
    attempt.metrics = event.metrics;
    attempt.ran = event.ran;
    attempt.charge = event.charge;
    attempt.fee = event.fee;
    attempt.identity = event.identity;
    if (attempt.identity) index_.result_kept(job, attempt);
    holds_.attempt_ended(job.account, attempt);
    attempt.uploads.clear();
    job.reserved = job.reserved - attempt.reserve;
    job.charged = job.charged + event.charge;
    spending_.attempt_charged(job.account, event.charge);
    provider.earned = provider.earned + (event.charge - event.fee);
    ++(event.reason == protocol::Reason::completed ? provider.attempts_accepted
                                                   : provider.attempts_failed);
    if (protocol::row(event.reason).fault == protocol::Fault::provider) ++provider.attempts_faulty;
    count_use(job, std::min(event.at - attempt.deadline, Duration{}));
    dispatch_.refresh(job);
    show(attempt.provider);
}

void Memory::on(const protocol::TaskRequeued& event) {
    state_.now = event.at;
    Task& task = state_.tasks.at(event.task);
    index_.task_moved(task.state, TaskState::queued);
    task.state = TaskState::queued;
    task.reason = event.reason;
    task.not_before = event.not_before;
    if (event.reason != protocol::Reason::gang_broken) ++task.retries;
    index_.task_queued(task);
    dispatch_.wait(state_.jobs.at(task.job), task);
}

void Memory::on(const protocol::TaskEnded& event) {
    state_.now = event.at;
    Task& task = state_.tasks.at(event.task);
    Job& job = state_.jobs.at(task.job);
    if (task.state == TaskState::queued && !job.needs_open) {
        index_.task_unqueued(task);
        dispatch_.gone(job, task);
    }
    index_.task_moved(task.state, event.state);
    task.state = event.state;
    task.reason = event.reason;
    --job.tasks_open;
    spending_.task_ended(job.account);
}

void Memory::on(const protocol::JobEnded& event) {
    state_.now = event.at;
    Job& job = state_.jobs.at(event.job);
    job.state = event.state;
    job.reason = event.reason;
    job.ended = event.at;
    dispatch_.free(reservations_.release(event.job));
    index_.job_ended(job);
    for (const Job* other : dependents(state_, job)) {
        if (other->needs_open) holds_.need_ended(state_, *other, job);
    }
    holds_.job_ended(state_, job);
    spending_.job_ended(job);
    job.needs_open = false;
    count_secrets(job, false);
}

void Memory::on(const protocol::ReceiptIssued& event) {
    state_.now = event.at;
    Job& job = state_.jobs.at(event.job);
    job.receipt = event.receipt;
    job.signature = event.signature;
    state_.next.receipt = after(event.receipt);
}

void Memory::on(const protocol::WorkflowSubmitted& event) {
    state_.now = event.at;
    const Workflow workflow{event.workflow, event.account, event.title, event.steps, event.at};
    index_.workflow_added(workflow);
    state_.workflows.emplace(event.workflow, workflow);
    state_.next.workflow = after(event.workflow);
}

void Memory::on(const protocol::InputsResolved& event) {
    state_.now = event.at;
    Job& job = state_.jobs.at(event.job);
    job.spec.inputs = event.inputs;
    job.needs_open = false;
    holds_.inputs_resolved(state_, job);
    for (const TaskId id : job.tasks) {
        Task& task = state_.tasks.at(id);
        task.not_before = event.at;
        index_.task_queued(task);
        dispatch_.wait(job, task);
    }
}

void Memory::on(const protocol::TaskReused& event) {
    state_.now = event.at;
    Task& task = state_.tasks.at(event.task);
    Job& job = state_.jobs.at(task.job);
    const Attempt& source = state_.attempts.at(event.lease);
    spending_.attempt_charged(job.account, event.charge);
    task.reused = {event.lease, event.identity, event.verified, event.charge, event.fee};
    job.charged = job.charged + event.charge;
    Provider& provider = state_.providers.at(source.provider);
    provider.earned = provider.earned + (event.charge - event.fee);
    holds_.task_reused(job.account, source);
    dispatch_.refresh(job);
}

void Memory::on(const protocol::ProviderVerified& event) {
    state_.now = event.at;
    state_.providers.at(event.provider).verified = event.verified;
    show(event.provider);
}

/// What the buyer's part in the market's machines was, or was less than thought.
void Memory::count_use(const Job& job, Duration held) {
    if (held == Duration{}) return;
    Account& account = state_.accounts.at(job.account);
    const auto amount =
        units(job.spec.resources) * static_cast<std::uint64_t>(std::abs(held.count()));
    const DecayedUse use = use_at(amount, state_.now, limits::use_half_life);
    account.use = held > Duration{} ? account.use + use : account.use - use;
    dispatch_.moved(account);
}

}  // namespace shoal::market
