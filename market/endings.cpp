// How attempts, tasks and jobs end in the Market: who pays, what is tried again, the receipt.

#include <algorithm>

#include "market/market.h"
#include "market/workflows.h"
#include "protocol/identity.h"

namespace shoal::market {

using protocol::LedgerAccount;
using protocol::TransferPurpose;

namespace {

using protocol::JobState;
using protocol::Reason;
using protocol::TaskState;

Duration retry_delay(const Settings& settings, std::uint32_t retries) {
    Duration delay = settings.retry_delay;
    for (std::uint32_t i = 0; i < retries && delay < settings.retry_delay_max; ++i) delay *= 2;
    return std::min(delay, settings.retry_delay_max);
}

TaskState end_state(Reason reason) {
    if (reason == Reason::completed) return TaskState::accepted;
    if (reason == Reason::cancelled_by_buyer || reason == Reason::step_skipped) {
        return TaskState::cancelled;
    }
    return TaskState::failed;
}

protocol::ReceiptLine line_of(const State& state, TaskId task, const Attempt& attempt) {
    return {attempt.lease,
            task,
            attempt.provider,
            state.providers.at(attempt.provider).key,
            attempt.reason,
            attempt.started.value_or(Time{}),
            attempt.ran,
            attempt.charge,
            attempt.fee,
            attempt.artifacts,
            {}};
}

/// Of the task's attempts, and of the earlier one that answered it.
void add_lines(const State& state, const Task& task, std::vector<protocol::ReceiptLine>& lines) {
    for (const LeaseId lease : task.attempts) {
        lines.push_back(line_of(state, task.id, state.attempts.at(lease)));
    }
    if (!task.reused) return;
    const Attempt& source = state.attempts.at(task.reused->lease);
    protocol::ReceiptLine line = line_of(state, task.id, source);
    line.charge = task.reused->charge;
    line.fee = task.reused->fee;
    line.reused = protocol::ReusedResult{source.job, task.reused->identity, task.reused->verified};
    lines.push_back(std::move(line));
}

/// What makes the attempt's result one that may answer other tasks; nothing if it is not.
std::optional<Hash> identity_of(const Job& job, const Task& task,
                                const protocol::AttemptEnded& event) {
    const bool is_result = event.reason == Reason::completed && !event.artifacts.empty() &&
                           job.spec.secrets.empty();  // what they were is not compared
    if (!is_result || job.spec.determinism != protocol::Determinism::bits) return std::nullopt;
    return protocol::task_identity(job.spec, task.parameters);
}

}  // namespace

void Market::end_attempt(LeaseId lease, End end, const Moment& moment, Batch& batch) {
    const TaskId task = state_.attempts.at(lease).task;
    end_one(lease, std::move(end), moment, batch);
    break_gang(task, moment, batch);
}

void Market::end_one(LeaseId lease, End end, const Moment& moment, Batch& batch) {
    const Attempt attempt = state_.attempts.at(lease);
    const Job& job = state_.jobs.at(attempt.job);
    protocol::AttemptEnded event;
    event.lease = lease;
    event.reason = end.reason;
    event.detail = std::move(end.detail);
    event.artifacts = std::move(end.artifacts);
    event.log = std::move(end.log);
    event.metrics = std::move(end.metrics);
    event.ran = billed(attempt, moment.now);
    event.at = moment.now;
    if (attempt.started && protocol::row(end.reason).payer == protocol::Payer::buyer) {
        event.charge =
            std::min(ledger::charge(attempt.price, footprint(job.spec.resources), event.ran),
                     attempt.reserve);
    }
    const ledger::Split parts = ledger::split(event.charge, settings_.fee_basis_points);
    event.fee = parts.fee;
    event.identity = identity_of(job, state_.tasks.at(attempt.task), event);
    record(std::move(event), batch);

    const std::string name = to_string(lease);
    pay({"charge:" + name, "fee:" + name, attempt.job, lease, attempt.provider, parts}, moment,
        batch);
    send(attempt.provider, protocol::session::Ended{lease, end.reason}, batch);
    end_task(attempt.task, end.reason, moment, batch);
}

void Market::pay(Payment payment, const Moment& moment, Batch& batch) {
    ledger::TransferRequest charge;
    charge.key = std::move(payment.key);
    charge.purpose = TransferPurpose::charge_provider;
    charge.from = LedgerAccount::held(payment.job);
    charge.to = LedgerAccount::available(state_.providers.at(payment.provider).account);
    charge.amount = payment.parts.provider;
    charge.job = payment.job;
    charge.lease = payment.lease;
    ledger::TransferRequest fee = charge;
    fee.key = std::move(payment.fee_key);
    fee.purpose = TransferPurpose::charge_fee;
    fee.to = LedgerAccount::fees();
    fee.amount = payment.parts.fee;
    post({std::move(charge), std::move(fee)}, moment, batch);
}

void Market::end_task(TaskId id, Reason reason, const Moment& moment, Batch& batch) {
    const Task& task = state_.tasks.at(id);
    const JobId job = task.job;
    const std::uint32_t retries = task.retries;
    const bool may_retry = reason == Reason::gang_broken ||  // counted for the one that broke it
                           retries < state_.jobs.at(job).spec.retries;
    if (protocol::row(reason).retried && may_retry) {
        const Time not_before = moment.now + retry_delay(settings_, retries);
        record(protocol::TaskRequeued{id, reason, not_before, moment.now}, batch);
        return;
    }
    record(protocol::TaskEnded{id, end_state(reason), reason, moment.now}, batch);
    end_job_if_done(job, moment, batch);
}

/// The others of a gang do not go on without this task. If it is not tried again, nor are they.
void Market::break_gang(TaskId id, const Moment& moment, Batch& batch) {
    const Task& task = state_.tasks.at(id);
    const Job& job = state_.jobs.at(task.job);
    const std::size_t size = job.spec.tasks.gang;
    if (size < 2 || task.state == TaskState::accepted) return;
    const bool is_over = task.state != TaskState::queued;
    const std::size_t place = id.value - job.tasks.front().value;  // a job's tasks are numbered on
    const std::size_t first = place - place % size;
    for (std::size_t i = first; i < first + size; ++i) {
        const Task& other = state_.tasks.at(job.tasks[i]);
        if (other.state == TaskState::leased) {
            end_one(other.attempts.back(), {Reason::gang_broken, {}, {}, {}, {}}, moment, batch);
        }
        if (is_over && other.state == TaskState::queued) {
            record(
                protocol::TaskEnded{other.id, TaskState::failed, Reason::gang_broken, moment.now},
                batch);
            end_job_if_done(job.id, moment, batch);
        }
    }
}

void Market::end_job_if_done(JobId id, const Moment& moment, Batch& batch) {
    const Job& job = state_.jobs.at(id);
    if (job.tasks_open > 0) return;
    protocol::JobEnded ended{id, JobState::finished, Reason::completed, moment.now};
    for (const TaskId task_id : job.tasks) {
        const Task& task = state_.tasks.at(task_id);
        if (task.state == TaskState::accepted) continue;
        if (ended.state == JobState::cancelled) continue;
        ended.state = task.state == TaskState::cancelled ? JobState::cancelled : JobState::failed;
        if (ended.reason == Reason::completed || ended.state == JobState::cancelled) {
            ended.reason = task.reason;
        }
    }
    record(ended, batch);

    ledger::TransferRequest release;
    release.key = "release:" + to_string(id);
    release.purpose = TransferPurpose::hold_released;
    release.from = LedgerAccount::held(id);
    release.to = LedgerAccount::available(job.account);
    release.amount = job.hold - job.charged;
    release.job = id;
    post({release}, moment, batch);

    record(protocol::ReceiptIssued{state_.next.receipt, id, {}, moment.now}, batch);
    follow_needs(id, moment, batch);
}

Result<protocol::Receipt> Market::receipt(JobId id) const {
    const auto found = state_.jobs.find(id);
    if (found == state_.jobs.end()) return Error{Code::not_found, "no such job"};
    const Job& job = found->second;
    if (!job.ended) return Error{Code::not_found, "the job has not ended: it has no receipt yet"};
    if (state_.accounts.at(job.account).erased) {
        return Error{Code::not_found,
                     "the receipt is gone: the buyer's data was erased; a copy "
                     "from before can still be verified"};
    }
    protocol::Receipt receipt;
    receipt.receipt = job.receipt;
    receipt.job = id;
    receipt.buyer = job.account;
    receipt.job_name = job.spec.name;
    receipt.spec = job.spec_hash;
    receipt.state = job.state;
    receipt.reason = job.reason;
    receipt.submitted = job.submitted;
    receipt.ended = *job.ended;
    receipt.held = job.hold;
    receipt.charged = job.charged;
    receipt.released = job.hold - job.charged;
    receipt.market = signer_.public_key();
    if (job.workflow != WorkflowId{}) {
        receipt.step = protocol::ReceiptStep{job.workflow, job.step, handed_over(job)};
    }
    for (const TaskId task : job.tasks) add_lines(state_, state_.tasks.at(task), receipt.lines);
    std::ranges::sort(receipt.lines, {}, [](const protocol::ReceiptLine& line) {
        return std::pair(line.lease, line.task);
    });
    receipt.signature = job.signature ? *job.signature : signer_.sign(receipt_bytes(receipt));
    return receipt;
}

}  // namespace shoal::market
