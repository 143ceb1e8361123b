#include "market/api/views.h"

#include <algorithm>
#include <cmath>

#include "core/text.h"
#include "market/api/rate_limits.h"
#include "market/matching.h"
#include "market/why.h"
#include "market/workflows.h"

namespace shoal::market {

using protocol::LedgerAccount;
using protocol::Price;

namespace {

std::string to_string(Phase phase) {
    return boost::describe::enum_to_string(phase, "");
}

std::string sentence_of(protocol::Reason reason) {
    return std::string(protocol::row(reason).sentence);
}

Lamports earned(const Market& market, AccountId account) {
    Lamports sum;
    for (const auto& [id, provider] : market.state().providers) {
        if (provider.account == account) sum = sum + provider.earned;
    }
    return sum;
}

/// How far the job is: tasks that ended count whole, running ones as far as they say.
double progress_of(const Market& market, const Live& live, const Job& job) {
    double done = 0;
    for (const TaskId id : job.tasks) {
        const Task& task = market.state().tasks.at(id);
        switch (task.state) {
            case protocol::TaskState::queued:
                break;
            case protocol::TaskState::leased:
                done += live.progress(task.attempts.back()).value_or(0);
                break;
            case protocol::TaskState::accepted:
            case protocol::TaskState::failed:
            case protocol::TaskState::cancelled:
                done += 1;
                break;
        }
    }
    return job.tasks.empty() ? 1 : done / static_cast<double>(job.tasks.size());
}

std::optional<protocol::BestTask> best_task(const Market& market, const Job& job) {
    if (!job.spec.result) return std::nullopt;
    std::optional<protocol::BestTask> best;
    for (const TaskId id : job.tasks) {
        const Task& task = market.state().tasks.at(id);
        const auto value = result_value(market.state(), job, task);
        if (!value) continue;
        const bool leads =
            !best || (job.spec.result->best == protocol::Best::max ? *value > best->value
                                                                   : *value < best->value);
        const LeaseId lease = result_attempt(market.state(), task)->lease;
        if (leads) best = {id, lease, task.parameters, *value};
    }
    return best;
}

/// The last attempt's side of a task.
void show_attempt(const Market& market, const Live& live, const Attempt& attempt,
                  protocol::TaskView& view) {
    view.lease = attempt.lease;
    view.provider = attempt.provider;
    view.phase = to_string(attempt.phase);
    const bool is_live = attempt.phase != Phase::ended;
    view.progress = live.progress(attempt.lease);
    view.metrics = is_live ? live.values(attempt.lease) : attempt.metrics;
    if (view.state != protocol::TaskState::leased) return;
    const std::string name = to_display(market.state().providers.at(attempt.provider).offer.name);
    view.sentence = *view.phase + " on " + name;
}

/// That the task is answered by an earlier result, and what that cost.
void show_reuse(const Market& market, const Task& task, protocol::TaskView& view) {
    const Attempt& source = market.state().attempts.at(task.reused->lease);
    view.reused = protocol::ReusedResult{source.job, task.reused->identity, task.reused->verified};
    view.charged = view.charged + task.reused->charge;
    view.sentence = reuse_sentence(market.state(), *task.reused);
}

}  // namespace

protocol::AccountView account_view(const Market& market, const Account& account) {
    protocol::AccountView view;
    view.account = account.id;
    view.created = account.created;
    view.available = market.ledger().balance(LedgerAccount::available(account.id));
    view.held = market.spending().of(account.id).held;
    view.earned = earned(market, account.id);
    view.blob_bytes = account.blob_bytes;
    view.weight = account.weight;
    view.frozen = account.frozen;
    view.erased = account.erased;
    return view;
}

protocol::KeyView key_view(const ApiKey& key) {
    return {key.id, key.account, key.role, key.created, key.revoked, {}, rate_of(key)};
}

protocol::JobView job_view(const Market& market, const Live& live, const Job& job) {
    protocol::JobView view;
    view.job = job.id;
    view.account = job.account;
    view.name = job.spec.name;
    view.state = job.state;
    view.tasks = count_tasks(market.state(), job);
    view.sentence = sentence(job, view.tasks);
    view.progress = progress_of(market, live, job);
    view.hold = job.hold;
    view.reserved = job.reserved;
    view.charged = job.charged;
    view.submitted = job.submitted;
    view.ended = job.ended;
    view.best = best_task(market, job);
    if (job.workflow != WorkflowId{}) {
        view.workflow = job.workflow;
        view.step = job.step;
    }
    if (job.state != protocol::JobState::open) {
        view.reason = job.reason;
        view.released = job.hold - job.charged;
    }
    return view;
}

protocol::TaskView task_view(const Market& market, const Live& live, const Task& task) {
    protocol::TaskView view;
    view.task = task.id;
    view.job = task.job;
    view.parameters = task.parameters;
    view.state = task.state;
    view.attempts = task.attempts.size();
    view.retries = task.retries;
    view.not_before = task.not_before;
    const bool waits_again = task.state == protocol::TaskState::queued && task.retries > 0;
    const bool has_ended =
        task.state != protocol::TaskState::queued && task.state != protocol::TaskState::leased;
    if (waits_again || has_ended) view.reason = task.reason;
    view.sentence = has_ended     ? sentence_of(task.reason)
                    : waits_again ? "waits to be tried again: " + sentence_of(task.reason)
                    : market.state().jobs.at(task.job).needs_open
                        ? "waits for other steps of its workflow"
                        : "waits for a provider";
    for (const LeaseId lease : task.attempts) {
        view.charged = view.charged + market.state().attempts.at(lease).charge;
    }
    if (const Attempt* last = result_attempt(market.state(), task)) {
        show_attempt(market, live, *last, view);
    }
    if (task.reused) show_reuse(market, task, view);
    return view;
}

protocol::AttemptView attempt_view(const Market& market, const Live& live, const Attempt& attempt) {
    protocol::AttemptView view;
    view.lease = attempt.lease;
    view.job = attempt.job;
    view.task = attempt.task;
    view.provider = attempt.provider;
    view.provider_name = to_display(market.state().providers.at(attempt.provider).offer.name);
    view.phase = to_string(attempt.phase);
    view.price = attempt.price;
    view.reserve = attempt.reserve;
    view.granted = attempt.granted;
    view.deadline = attempt.deadline;
    view.started = attempt.started;
    view.exited = attempt.exited;
    view.ended = attempt.ended;
    view.sentence = view.phase;
    if (attempt.exited) view.outcome = attempt.outcome;
    if (attempt.ended) {
        view.reason = attempt.reason;
        view.sentence = sentence_of(attempt.reason);
    }
    view.detail = to_display(attempt.detail);
    view.ran = attempt.ran;
    view.charge = attempt.charge;
    view.fee = attempt.fee;
    view.progress = live.progress(attempt.lease);
    view.metrics = attempt.ended ? attempt.metrics : live.values(attempt.lease);
    view.log = attempt.log;
    return view;
}

protocol::ProviderView provider_view(const Call& call, const Provider& provider) {
    const auto less = [](std::uint64_t whole, std::uint64_t used) {
        return whole > used ? whole - used : 0;
    };
    const Usage usage = call.market.index().usage(provider.id);
    const protocol::Resources& capacity = provider.offer.capacity;
    protocol::ProviderView view;
    view.provider = provider.id;
    view.name = to_display(provider.offer.name);
    view.online = call.market.online(provider.id);
    view.draining = call.market.draining(provider.id);
    view.tier = provider.offer.tier;
    view.price = provider.offer.price;
    view.capacity = capacity;
    view.free.cores = static_cast<std::uint32_t>(less(capacity.cores, usage.cores));
    view.free.memory.bytes = less(capacity.memory.bytes, usage.memory_bytes);
    view.free.disk.bytes = less(capacity.disk.bytes, usage.disk_bytes);
    view.attempts_max = provider.offer.attempts_max;
    view.attempts_live = usage.attempts;
    view.attempts_accepted = provider.attempts_accepted;
    view.attempts_failed = provider.attempts_failed;
    view.free.gpu = capacity.gpu;
    view.free.gpu.count = static_cast<std::uint32_t>(less(capacity.gpu.count, usage.gpus));
    view.reputation = reputation(provider);
    view.region = to_display(provider.offer.region);
    view.cpu_features = provider.offer.cpu_features;
    view.pools = provider.offer.pools;
    if (provider.verified) view.hardware_is = protocol::HardwareStanding::verified;
    view.hardware = provider.offer.hardware;
    view.isolation = provider.offer.isolation;
    view.registered = provider.registered;
    if (may_see(call, provider.account)) {
        view.account = provider.account;
        view.earned = provider.earned;
    }
    return view;
}

std::optional<double> result_value(const State& state, const Job& job, const Task& task) {
    const Attempt* last = result_attempt(state, task);
    if (!job.spec.result || !last || task.state != protocol::TaskState::accepted) {
        return std::nullopt;
    }
    const auto found = last->metrics.find(job.spec.result->metric);
    if (found == last->metrics.end() || std::isnan(found->second)) return std::nullopt;
    return found->second;
}

namespace {

/// The price of `count` tasks that all run as long as one.
Result<Price> times(const Price& price, std::uint64_t count) {
    Price product = price;
    for (Lamports* part : {&product.start, &product.hour, &product.core_hour, &product.gpu_hour,
                           &product.gib_hour}) {
        if (__builtin_mul_overflow(part->value, static_cast<std::int64_t>(count), &part->value)) {
            return Error{Code::exhausted, "the quote does not fit 64 bits"};
        }
    }
    return product;
}

}  // namespace

Result<protocol::Quote> quote_for(const Market& market, AccountId account,
                                  const protocol::JobSpec& spec) {
    protocol::Quote quote;
    Job job;  // as the rules would see it
    job.account = account;
    job.spec = spec;
    const Demand demand = market.demand(job);
    quote.prices = price_steps_for(market, job);
    quote.tasks = protocol::expand(spec.tasks).size();
    quote.verify = "none: the result is not checked";
    for (const auto& [id, provider] : market.state().providers) {
        if (!market.online(id)) continue;
        ++quote.providers_online;
        const protocol::Offer& offer = provider.offer;
        if (!passes_terms(demand, market.supply(id))) continue;
        ++quote.providers_fit;
        const ledger::Footprint used = footprint(spec.resources);
        const Duration time = spec.limits.time.length;
        const Lamports task = TRY(ledger::quote(offer.price, used, time));
        const Price whole = TRY(times(offer.price, quote.tasks));
        const Lamports total = TRY(ledger::quote(whole, used, time));
        quote.cheapest_task = std::min(quote.cheapest_task.value_or(task), task);
        quote.cheapest_total = std::min(quote.cheapest_total.value_or(total), total);
        quote.dearest_task = std::max(quote.dearest_task.value_or(task), task);
        quote.dearest_total = std::max(quote.dearest_total.value_or(total), total);
    }
    return quote;
}

}  // namespace shoal::market
