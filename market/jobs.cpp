// The Market's commands about jobs: submitting, granting leases, cancelling.

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/limits.h"
#include "market/market.h"

namespace shoal::market {

using protocol::LedgerAccount;

namespace {

using protocol::JobSpec;

Error refused(std::string_view path, std::string_view what) {
    return {Code::denied, fmt::format("{}: {}", path, what)};
}

/// The job as the rules see it before it exists.
Job planned(AccountId account, const JobSpec& spec) {
    Job job;
    job.account = account;
    job.spec = spec;
    job.hold = spec.price.max_total.value_or(Lamports{});
    return job;
}

}  // namespace

Status Market::check_inputs(AccountId account, JobSpec& spec) const {
    const auto fill = [&](const std::string& path, const Hash& hash,
                          std::uint64_t& size_bytes) -> Status {
        const auto blob = state_.blobs.find(hash);
        const bool has =
            blob != state_.blobs.end() &&
            std::ranges::find(blob->second.accounts, account) != blob->second.accounts.end();
        if (!has) {
            return Error{
                Code::not_found,
                path + ": no such blob in this account; upload it first: " + to_string(hash)};
        }
        size_bytes = blob->second.size_bytes;
        return Done{};
    };
    for (std::size_t i = 0; i < spec.inputs.size(); ++i) {
        protocol::JobInput& input = spec.inputs[i];
        if (input.blob) {
            TRY(fill(fmt::format("inputs[{}].blob", i), *input.blob, input.size_bytes));
        }
        for (std::size_t k = 0; k < input.files.size(); ++k) {
            TRY(fill(fmt::format("inputs[{}].files[{}].blob", i, k), input.files[k].blob,
                     input.files[k].size_bytes));
        }
    }
    return Done{};
}

Result<Lamports> Market::hold_by_quote(const Job& job, std::size_t tasks) const {
    const auto dearest = dispatch_.dearest_offer(job, [&](ProviderId id) {
        return passes_terms({job, tasks, settings_.paid_time_min}, supply(id));
    });
    if (!dearest) {
        return refused("price.max_total",
                       "missing, and no provider that fits is online to quote a price; say what "
                       "the job may cost at most, and it will wait for one");
    }
    const Lamports one = ledger::quote(state_.providers.at(*dearest).offer.price,
                                       footprint(job.spec.resources), job.spec.limits.time.length)
                             .value();
    Lamports total;
    if (__builtin_mul_overflow(one.value, static_cast<std::int64_t>(tasks), &total.value)) {
        return refused("price.max_total", "missing, and the quote does not fit 64 bits");
    }
    return total;
}

Result<Lamports> Market::hold_for(AccountId account, const JobSpec& spec, std::size_t tasks) const {
    const Job job = planned(account, spec);
    TRY(check_caps(job, tasks));
    if (spec.price.max_total) return *spec.price.max_total;
    return hold_by_quote(job, tasks);
}

Status Market::check_caps(const Job& job, std::size_t tasks) const {
    const protocol::PriceCaps& caps = job.spec.price;
    const Demand wanted{job, tasks, settings_.paid_time_min};
    const auto cheapest = dispatch_.cheapest_offer(
        job, [&](ProviderId id) { return passes_placement(wanted, supply(id)); });
    if (!cheapest) return Done{};  // nobody fits now: the job waits, and why() says so
    const protocol::Price& price = state_.providers.at(*cheapest).offer.price;
    const std::string asked = to_decimal(hourly(price, job.spec.resources).value());
    if (!within_cap(price, job.spec)) {
        return refused("price.max_hour",
                       fmt::format("{} is below every offer that fits; the cheapest asks {} credit "
                                   "for the first hour of a task",
                                   to_decimal(*caps.max_hour), asked));
    }
    if (!caps.max_total) return Done{};
    const auto paid = dispatch_.cheapest_offer(
        job, [&](ProviderId id) { return passes_lasting(wanted, supply(id)); });
    if (paid) return Done{};
    return refused("price.max_total",
                   fmt::format("{} is below every offer that fits: it does not buy {} of {} each; "
                               "the cheapest asks {} credit for the first hour of a task",
                               to_decimal(*caps.max_total),
                               tasks == 1 ? "1 task" : fmt::format("{} tasks", tasks),
                               to_string(Span{settings_.paid_time_min}), asked));
}

/// All that can be refused of a job; its ids are given when it begins.
Result<protocol::JobSubmitted> Market::plan(AccountId account, JobSpec spec, Time now) const {
    TRY(check_inputs(account, spec));
    TRY(check_secrets(account, spec));
    protocol::JobSubmitted event;
    event.account = account;
    event.at = now;
    for (protocol::Parameters& parameters : protocol::expand(spec.tasks)) {
        event.tasks.push_back({TaskId{}, std::move(parameters)});
    }
    event.hold = TRY(hold_for(account, spec, event.tasks.size()));
    if (event.hold <= Lamports{}) {
        return Error{Code::invalid, "expected an amount above zero, got " + to_string(event.hold)};
    }
    event.spec_hash = sha256(json::print(spec));
    event.spec = std::move(spec);
    return event;
}

/// Whether the account may begin anything.
Status Market::check_buyer(AccountId account) const {
    const Account& payer = *TRY(unerased(account));
    TRY(check_open(payer));
    return check_blobs_kept(payer);
}

Status Market::check_funds(AccountId account, const Need& need, Time now) const {
    TRY(check_quota(most(state_.accounts.at(account)), spending_.of(account), need, now));
    const Lamports hold = need.hold;
    const Lamports available = ledger_.balance(LedgerAccount::available(account));
    if (hold <= available) return Done{};
    return Error{Code::exhausted,
                 fmt::format("the job sets {} credit aside, and {} credit is available",
                             to_decimal(hold), to_decimal(available))};
}

JobId Market::begin_job(protocol::JobSubmitted event, const Moment& moment, Batch& batch) {
    event.job = state_.next.job;
    TaskId task = state_.next.task;
    for (protocol::PlannedTask& planned : event.tasks) {
        planned.task = task;
        ++task.value;
    }
    ledger::TransferRequest hold;
    hold.key = "hold:" + to_string(event.job);
    hold.purpose = protocol::TransferPurpose::hold_placed;
    hold.from = LedgerAccount::available(event.account);
    hold.to = LedgerAccount::held(event.job);
    hold.amount = event.hold;
    hold.job = event.job;
    const JobId job = event.job;
    record(std::move(event), batch);
    post({hold}, moment, batch);
    return job;
}

Result<JobId> Market::submit(AccountId account, JobSpec spec, const Moment& moment, Batch& batch) {
    TRY(check_buyer(account));
    TRY(protocol::validate(spec, protocol::SpecSource::api));
    protocol::JobSubmitted planned = TRY(plan(account, std::move(spec), moment.now));
    TRY(check_funds(account, {planned.hold, planned.tasks.size()}, moment.now));
    const JobId job = begin_job(std::move(planned), moment, batch);
    reuse_results(job, moment, batch);
    match(moment, batch);
    return job;
}

void Market::grant(const Task& task, const Choice& choice, const Moment& moment, Batch& batch) {
    protocol::LeaseGranted event;
    event.lease = state_.next.lease;
    event.job = task.job;
    event.task = task.id;
    event.provider = choice.provider;
    event.price = state_.providers.at(choice.provider).offer.price;
    event.reserve = choice.allowance.reserve;
    event.time_max = choice.allowance.time_max;
    event.deadline = moment.now + settings_.lease_term;
    event.at = moment.now;
    const LeaseId lease = event.lease;
    const JobId job = task.job;
    record(event, batch);
    dispatch_.free(reservations_.release(job));
    send(choice.provider, protocol::session::Granted{order(state_.attempts.at(lease), moment.now)},
         batch);
}

protocol::session::Order Market::order(const Attempt& attempt, Time now) const {
    const Task& task = state_.tasks.at(attempt.task);
    const Job& job = state_.jobs.at(attempt.job);
    protocol::session::Order order;
    order.lease = attempt.lease;
    order.job = job.id;
    order.task = task.id;
    for (const std::string& word : job.spec.command) {
        order.command.push_back(protocol::substitute(word, task.parameters));
    }
    for (const auto& [name, value] : job.spec.environment) {
        order.environment.emplace(name, protocol::substitute(value, task.parameters));
    }
    order.environment.emplace("SHOAL_JOB_ID", to_string(job.id));
    order.environment.emplace("SHOAL_JOB_TASK", to_string(task.id));
    order.environment.emplace("SHOAL_JOB_LEASE", to_string(attempt.lease));
    order.inputs = job.spec.inputs;
    for (protocol::JobInput& input : order.inputs) {  // where it came from is the market's affair
        if (std::exchange(input.from, {})) input.path.reset();
    }
    order.outputs = job.spec.outputs;
    order.resources = job.spec.resources;
    order.limits = job.spec.limits;
    order.time_max = attempt.time_max;
    order.left = std::max(attempt.deadline - now, Duration{});
    if (attempt.phase == Phase::fetching) order.secrets = secrets_of(job);
    return order;
}

Status Market::cancel(JobId id, const Moment& moment, Batch& batch) {
    const auto found = state_.jobs.find(id);
    if (found == state_.jobs.end()) return Error{Code::not_found, "no such job"};
    end_open_tasks(id, protocol::Reason::cancelled_by_buyer, moment, batch);
    match(moment, batch);
    return Done{};
}

void Market::end_open_tasks(JobId id, protocol::Reason reason, const Moment& moment, Batch& batch) {
    const std::vector<TaskId> tasks = state_.jobs.at(id).tasks;
    for (const TaskId task_id : tasks) {
        const Task& task = state_.tasks.at(task_id);
        if (task.state == protocol::TaskState::queued) {
            end_task(task_id, reason, moment, batch);
        } else if (task.state == protocol::TaskState::leased) {
            end_one(task.attempts.back(), {reason, {}, {}, {}, {}}, moment, batch);
        }
    }
}

}  // namespace shoal::market
