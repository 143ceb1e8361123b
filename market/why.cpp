#include "market/why.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/text.h"
#include "market/matching.h"
#include "market/rules.h"
#include "market/workflows.h"

namespace shoal::market {

namespace {

constexpr std::size_t price_steps = 10;

/// What would let an open job go on.
struct Fit {
    std::vector<protocol::Requirement> requirements;
    std::uint64_t fit = 0;        // pass all that lasts
    std::uint64_t ready = 0;      // pass all
    const Rule* worst = nullptr;  // the lasting rule without which the most would fit
};

/// Asks every rule of one provider, and counts.
void count_provider(const Demand& demand, const Supply& supply, Fit& found) {
    std::size_t failed = 0;
    std::size_t which = 0;
    bool is_free = true;
    for (std::size_t i = 0; i < rules().size(); ++i) {
        if (rules()[i].passes(demand, supply)) {
            ++found.requirements[i].pass;
        } else if (rules()[i].is_lasting) {
            ++failed;
            which = i;
        } else {
            is_free = false;
        }
    }
    if (failed == 0) {
        ++found.fit;
        found.ready += is_free ? 1 : 0;
    } else if (failed == 1) {
        ++found.requirements[which].fit_without;
    }
}

Fit find_fit(const Market& market, const Job& job) {
    const Demand demand = market.demand(job);
    Fit found;
    for (const Rule& rule : rules()) {
        found.requirements.push_back({std::string(rule.name), rule.wanted(demand), 0, 0, 0});
    }
    std::uint64_t online = 0;
    for (const auto& [id, provider] : market.state().providers) {
        if (!market.online(id)) continue;
        ++online;
        count_provider(demand, market.supply(id), found);
    }
    std::uint64_t most = 0;
    for (std::size_t i = 0; i < rules().size(); ++i) {
        protocol::Requirement& it = found.requirements[i];
        it.of = online;
        if (rules()[i].is_lasting && it.fit_without > most) {
            most = it.fit_without;
            found.worst = &rules()[i];
        }
        it.fit_without += found.fit;
    }
    found.requirements.insert(
        found.requirements.begin(),
        {"online", "a provider", online, market.state().providers.size(), found.fit});
    return found;
}

protocol::Turn turn(const Market& market, const Job& job, Time now) {
    constexpr double core_hour = 1'000.0 * 3'600'000.0;
    const Account& account = market.state().accounts.at(job.account);
    const auto [buyers, jobs] = market.dispatch().before(job);
    return {buyers, jobs, worth(account.use, now, limits::use_half_life) / core_hour,
            account.weight};
}

/// The first moment at which one of the job's waiting tasks may begin, if it is not yet.
std::optional<Duration> delay(const Market& market, JobId job, Time now) {
    std::optional<Duration> least;
    for (const TaskId id : market.index().queued().at(job)) {
        const Time from = market.state().tasks.at(id).not_before;
        if (from <= now) return std::nullopt;
        least = std::min(least.value_or(from - now), from - now);
    }
    return least;
}

void explain_misfit(const Fit& found, std::uint64_t online, protocol::JobWhy& answer) {
    if (online == 0) {
        answer.sentence = "no provider is online";
        answer.help.emplace_back("start a provider");
        return;
    }
    answer.sentence = fmt::format("none of {} providers online passes every requirement", online);
    if (found.worst) {
        answer.sentence += fmt::format("; most fail only: {}", found.worst->name);
        answer.help.emplace_back(found.worst->help);
    } else {
        answer.sentence += ", and none fails only one of them";
    }
    answer.help.emplace_back("add a provider that passes");
}

void explain_busy(const Market& market, const Job& job, const Fit& found, Time now,
                  protocol::JobWhy& answer) {
    if (found.ready > 0) {
        answer.sentence = job.spec.tasks.gang > 1
                              ? fmt::format(
                                    "its {} tasks begin together, and there is no room for "
                                    "all of them at once",
                                    job.spec.tasks.gang)
                              : "the room that is free is kept for a task that has waited longer";
        answer.help.emplace_back("wait until an attempt ends, or add a provider");
        return;
    }
    answer.room_at = market.room_at(job, now);
    answer.sentence = fmt::format("all {} providers that fit are busy", found.fit);
    if (answer.room_at) {
        answer.sentence +=
            fmt::format("; one has room in {} at the latest",
                        to_string(Span{std::max(*answer.room_at - now, Duration{})}));
    }
    if (answer.turn && answer.turn->buyers_before > 0) {
        answer.sentence += fmt::format("; {} buyers who have used less for their weight come first",
                                       answer.turn->buyers_before);
    }
    answer.help.emplace_back(rules().back().help);
}

/// What a job whose tasks wait is told.
void explain_waiting(const Market& market, const Job& job, Time now, protocol::JobWhy& answer) {
    Fit found = find_fit(market, job);
    answer.turn = turn(market, job, now);
    answer.position = answer.turn->buyers_before + answer.turn->own_jobs_before + 1;
    answer.fit = found.fit;
    answer.room_is_kept = market.reservations().has(job.id);
    answer.prices = price_steps_for(market, job);
    answer.requirements = std::move(found.requirements);
    const std::uint64_t online = answer.requirements.front().pass;
    if (const auto& frozen = market.state().accounts.at(job.account).frozen) {
        answer.sentence = "its account is frozen, so it begins nothing: " + to_display(*frozen);
        answer.help.emplace_back("ask the operator to unfreeze the account");
        return;
    }
    if (found.fit == 0) return explain_misfit(found, online, answer);
    if (const auto left = delay(market, job.id, now)) {
        answer.sentence = "waits before it is tried again, for " + to_string(Span{*left});
        return;
    }
    explain_busy(market, job, found, now, answer);
}

void explain_end(const Job& job, protocol::JobWhy& answer) {
    const protocol::ReasonRow& row = protocol::row(job.reason);
    answer.reason = job.reason;
    answer.fault = row.fault;
    answer.payer = row.payer;
    if (row.fault == protocol::Fault::buyer && job.state == protocol::JobState::failed) {
        answer.help.emplace_back("look at the failed tasks' attempts and their logs");
    }
    if (job.reason == protocol::Reason::budget_spent) {
        answer.help.emplace_back("submit again with a higher price.max_total");
    }
}

/// What a step is told that waits for others.
void explain_needs(const State& state, const Job& job, protocol::JobWhy& answer) {
    answer.waits_for = open_needs(state, job);
    std::vector<std::string> names;
    for (const auto& [step, id] : answer.waits_for) {
        names.push_back(fmt::format("{} ({})", step, to_string(id)));
        answer.help.emplace_back("shoal why " + to_string(id));
    }
    answer.sentence = fmt::format("waits for {} of its workflow: {}",
                                  names.size() == 1 ? "a step" : "steps", fmt::join(names, ", "));
}

std::string task_sentence(const protocol::TaskWhy& answer) {
    if (answer.not_before) return "it is tried again after a pause";
    if (answer.waits_for) return answer.waits_for->sentence;
    return answer.tries.empty() ? "it was never begun" : answer.tries.back().sentence;
}

}  // namespace

std::vector<protocol::PriceStep> price_steps_for(const Market& market, const Job& job) {
    const Demand demand = market.demand(job);
    std::vector<std::pair<Lamports, bool>> offers;
    for (const auto& [id, provider] : market.state().providers) {
        if (!market.online(id) || !passes_placement(demand, market.supply(id))) continue;
        const auto cost = hourly(provider.offer.price, job.spec.resources);
        if (!cost.ok()) continue;
        offers.emplace_back(cost.value(),
                            has_room(provider.offer, market.index().usage(id), job.spec.resources));
    }
    std::ranges::sort(offers);
    std::vector<protocol::PriceStep> steps;
    std::uint64_t free = 0;
    for (std::size_t i = 0; i < offers.size(); ++i) {
        free += offers[i].second ? 1 : 0;
        const bool is_last = i + 1 == offers.size();
        const std::size_t due = (steps.size() + 1) * offers.size() / price_steps;
        if (!is_last && (offers[i + 1].first == offers[i].first || i + 1 < due)) continue;
        steps.push_back({offers[i].first, i + 1, free});
    }
    return steps;
}

std::string reuse_sentence(const State& state, const Reused& reused) {
    return fmt::format("answered by the {} result of {} of {}, which was the same",
                       reused.verified ? "verified" : "unverified", to_string(reused.lease),
                       to_string(state.attempts.at(reused.lease).job));
}

protocol::TaskCounts count_tasks(const State& state, const Job& job) {
    protocol::TaskCounts counts;
    counts.total = job.tasks.size();
    for (const TaskId id : job.tasks) {
        switch (state.tasks.at(id).state) {
            case protocol::TaskState::queued:
                ++counts.queued;
                break;
            case protocol::TaskState::leased:
                ++counts.leased;
                break;
            case protocol::TaskState::accepted:
                ++counts.accepted;
                break;
            case protocol::TaskState::failed:
                ++counts.failed;
                break;
            case protocol::TaskState::cancelled:
                ++counts.cancelled;
                break;
        }
    }
    return counts;
}

std::string sentence(const Job& job, const protocol::TaskCounts& counts) {
    if (job.state != protocol::JobState::open) {
        return std::string(protocol::row(job.reason).sentence);
    }
    return fmt::format("{} of {} tasks are done, {} run, {} wait",
                       counts.accepted + counts.failed + counts.cancelled, counts.total,
                       counts.leased, counts.queued);
}

protocol::JobWhy why(const Market& market, JobId id, Time now) {
    const Job& job = market.state().jobs.at(id);
    protocol::JobWhy answer;
    answer.job = id;
    answer.state = job.state;
    answer.tasks = count_tasks(market.state(), job);
    answer.sentence = sentence(job, answer.tasks);
    if (job.state != protocol::JobState::open) {
        explain_end(job, answer);
    } else if (job.needs_open) {
        explain_needs(market.state(), job, answer);
    } else if (market.index().queued().contains(id)) {
        explain_waiting(market, job, now, answer);
    }
    return answer;
}

protocol::TaskWhy why(const Market& market, TaskId id, Time now) {
    const State& state = market.state();
    const Task& task = state.tasks.at(id);
    const Job& job = state.jobs.at(task.job);
    protocol::TaskWhy answer;
    answer.task = id;
    answer.job = task.job;
    answer.state = task.state;
    answer.retries_left = job.spec.retries - std::min(job.spec.retries, task.retries);
    for (const LeaseId lease : task.attempts) {
        const Attempt& attempt = state.attempts.at(lease);
        protocol::TryView view{lease, attempt.provider, {}, {}, "it runs"};
        if (attempt.ended) {
            const protocol::ReasonRow& row = protocol::row(attempt.reason);
            view.reason = attempt.reason;
            view.fault = row.fault;
            view.sentence = row.sentence;
        }
        answer.tries.push_back(std::move(view));
    }
    if (task.state == protocol::TaskState::queued) {
        if (task.not_before > now) answer.not_before = task.not_before;
        answer.waits_for = why(market, task.job, now);
    }
    answer.sentence = task_sentence(answer);
    const bool has_no_try = answer.tries.empty() && task.state == protocol::TaskState::failed;
    if (has_no_try || task.state == protocol::TaskState::cancelled) {
        answer.sentence = protocol::row(task.reason).sentence;
    }
    if (task.reused) answer.sentence = reuse_sentence(state, *task.reused);
    return answer;
}

}  // namespace shoal::market
