#include "market/why.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/check.h"
#include "market/matching.h"

namespace shoal::market {

namespace {

using protocol::Requirement;

/// A waiting task's side and a provider's side.
struct Pair {
    const Market& market;
    const Job& job;
    std::size_t waiting;  // tasks of the job without a lease, at least one
    const Provider& provider;
};

bool is_paid(const Pair& pair) {
    const Duration time_min = pair.market.settings().paid_time_min;
    return allowance(pair.job, pair.waiting, pair.provider.offer.price, time_min).has_value();
}

bool has_room_now(const Pair& pair) {
    const Usage usage = pair.market.index().usage(pair.provider.id);
    return has_room(pair.provider.offer, usage, pair.job.spec.resources);
}

/// What a provider that is online must pass to be given a task. `is_lasting`: waiting for a task's
/// end elsewhere does not help.
struct Rule {
    std::string_view name;
    bool is_lasting;
    bool (*passes)(const Pair&);
    std::string (*wanted)(const Job&);
    std::string_view help;
};

std::string wanted_price(const Job& job) {
    const auto& cap = job.spec.price.max_hour;
    return cap ? "at most " + to_string(*cap) + " an hour" : "any price";
}

std::string wanted_money(const Job& job) {
    return "paid from " + to_string(job.hold - job.charged - job.reserved) + " that is left";
}

std::string wanted_cores(const Job& job) {
    return std::to_string(job.spec.resources.cores);
}

std::string wanted_memory(const Job& job) {
    return to_string(job.spec.resources.memory);
}

std::string wanted_disk(const Job& job) {
    return to_string(job.spec.resources.disk);
}

std::string wanted_room(const Job& job) {
    return fmt::format("{} cores, {} memory, {} disk not in use", job.spec.resources.cores,
                       to_string(job.spec.resources.memory), to_string(job.spec.resources.disk));
}

std::string wanted_work(const Job& /*job*/) {
    return "takes work";
}

constexpr std::array rules{
    Rule{"not draining", true,
         [](const Pair& pair) { return !pair.market.draining(pair.provider.id); }, wanted_work,
         "wait for a provider that takes work again"},
    Rule{"cores", true,
         [](const Pair& pair) {
             return pair.job.spec.resources.cores <= pair.provider.offer.capacity.cores;
         },
         wanted_cores, "ask for fewer cores"},
    Rule{"memory", true,
         [](const Pair& pair) {
             return pair.job.spec.resources.memory <= pair.provider.offer.capacity.memory;
         },
         wanted_memory, "ask for less memory"},
    Rule{"disk", true,
         [](const Pair& pair) {
             return pair.job.spec.resources.disk <= pair.provider.offer.capacity.disk;
         },
         wanted_disk, "ask for less disk"},
    Rule{"price", true,
         [](const Pair& pair) { return within_cap(pair.provider.offer.price, pair.job.spec); },
         wanted_price, "raise price.max_hour"},
    Rule{"money", true, is_paid, wanted_money,
         "submit again with a higher price.max_total or a shorter limits.time"},
    Rule{"free", false, has_room_now, wanted_room, "wait until an attempt ends, or add a provider"},
};

std::vector<const Provider*> online_providers(const Market& market) {
    std::vector<const Provider*> online;
    for (const auto& [id, provider] : market.state().providers) {
        if (market.online(id)) online.push_back(&provider);
    }
    return online;
}

std::size_t waiting_tasks(const Market& market, JobId job) {
    const auto found = market.index().queued().find(job);
    return found == market.index().queued().end() ? 0 : found->second.size();
}

/// What would let an open job go on, found in the order of the rules.
struct Fit {
    std::vector<Requirement> requirements;
    std::uint64_t fit = 0;        // pass all that lasts
    std::uint64_t ready = 0;      // pass all
    const Rule* worst = nullptr;  // the lasting rule that the fewest pass
};

Fit find_fit(const Market& market, const Job& job, std::size_t waiting) {
    const auto online = online_providers(market);
    Fit found;
    found.requirements.push_back(
        {"online", "a provider", online.size(), market.state().providers.size()});
    std::uint64_t fewest = online.size();
    for (const Rule& rule : rules) {
        const auto passes = [&](const Provider* provider) {
            return rule.passes({market, job, waiting, *provider});
        };
        const auto count = static_cast<std::uint64_t>(std::ranges::count_if(online, passes));
        found.requirements.push_back(
            {std::string(rule.name), rule.wanted(job), count, online.size()});
        if (rule.is_lasting && count < fewest) {
            fewest = count;
            found.worst = &rule;
        }
    }
    for (const Provider* provider : online) {
        const auto passes = [&](const Rule& rule) {
            return rule.passes({market, job, waiting, *provider});
        };
        const bool fits = std::ranges::all_of(
            rules, [&](const Rule& rule) { return !rule.is_lasting || passes(rule); });
        found.fit += fits ? 1 : 0;
        found.ready += fits && std::ranges::all_of(rules, passes) ? 1 : 0;
    }
    return found;
}

/// Waiting tasks of older jobs stand before it.
std::uint64_t position(const Market& market, JobId job) {
    std::uint64_t before = 0;
    for (const auto& [other, tasks] : market.index().queued()) {
        if (other == job) break;
        before += tasks.size();
    }
    return before + 1;
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

/// What a job whose tasks wait is told.
void explain_waiting(const Market& market, const Job& job, Time now, protocol::JobWhy& answer) {
    const std::size_t waiting = waiting_tasks(market, job.id);
    Fit found = find_fit(market, job, waiting);
    answer.position = position(market, job.id);
    answer.fit = found.fit;
    answer.requirements = std::move(found.requirements);
    const std::uint64_t online = answer.requirements.front().pass;
    if (online == 0) {
        answer.sentence = "no provider is online";
        answer.help.emplace_back("start a provider");
        return;
    }
    if (found.fit == 0) {
        const std::string_view what = found.worst ? found.worst->name : "all at once";
        answer.sentence = fmt::format(
            "none of {} providers online passes every requirement; the "
            "fewest pass: {}",
            online, what);
        if (found.worst) answer.help.emplace_back(found.worst->help);
        answer.help.emplace_back("add a provider that passes");
        return;
    }
    if (const auto left = delay(market, job.id, now)) {
        answer.sentence = "waits before it is tried again, for " + to_string(Span{*left});
        return;
    }
    if (found.ready == 0) {
        answer.sentence = fmt::format("all {} providers that fit are busy", found.fit);
        answer.help.emplace_back(rules.back().help);
        return;
    }
    answer.sentence = "is about to be given to a provider";
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

/// What a provider could do to be given more work, by the rule that the fewest tasks pass.
std::string provider_help(std::string_view rule) {
    if (rule == "price" || rule == "money") return "ask a lower price";
    if (rule == "free") return "wait until an attempt ends";
    if (rule == "not draining") return "end draining";
    return fmt::format("offer more: {}", rule);
}

void count_fitting_tasks(const Market& market, const Provider& provider,
                         protocol::ProviderWhy& answer) {
    std::array<std::uint64_t, rules.size()> passed{};
    for (const auto& [id, tasks] : market.index().queued()) {
        const Pair pair{market, market.state().jobs.at(id), tasks.size(), provider};
        bool all = true;
        for (std::size_t i = 0; i < rules.size(); ++i) {
            const bool passes = rules[i].passes(pair);
            passed[i] += passes ? tasks.size() : 0;
            all = all && (passes || !rules[i].is_lasting);
        }
        answer.tasks_waiting += tasks.size();
        answer.tasks_fit += all ? tasks.size() : 0;
    }
    const Rule* worst = nullptr;
    std::uint64_t fewest = answer.tasks_waiting;
    for (std::size_t i = 0; i < rules.size(); ++i) {
        answer.requirements.push_back({std::string(rules[i].name), "waiting tasks that pass",
                                       passed[i], answer.tasks_waiting});
        if (passed[i] >= fewest) continue;
        fewest = passed[i];
        worst = &rules[i];
    }
    if (worst) answer.help.push_back(provider_help(worst->name));
}

std::string provider_sentence(const protocol::ProviderWhy& answer) {
    if (!answer.online) return "it is not online";
    if (answer.draining) return "it is draining and takes no more work";
    if (answer.tasks_waiting == 0) {
        return answer.attempts_live > 0 ? "it works, and no other task waits" : "no task waits";
    }
    if (answer.tasks_fit == 0) {
        return fmt::format("{} tasks wait, none of them fits it", answer.tasks_waiting);
    }
    return fmt::format("{} of {} waiting tasks fit it", answer.tasks_fit, answer.tasks_waiting);
}

}  // namespace

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
    } else if (waiting_tasks(market, id) > 0) {
        explain_waiting(market, job, now, answer);
    }
    return answer;
}

protocol::ProviderWhy why(const Market& market, ProviderId id) {
    const Provider& provider = market.state().providers.at(id);
    protocol::ProviderWhy answer;
    answer.provider = id;
    answer.online = market.online(id);
    answer.draining = market.draining(id);
    answer.attempts_live = market.index().live(id).size();
    count_fitting_tasks(market, provider, answer);
    if (!answer.online) answer.help = {"start the provider, and look at its log"};
    answer.sentence = provider_sentence(answer);
    return answer;
}

}  // namespace shoal::market
