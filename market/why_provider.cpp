#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/text.h"
#include "market/rules.h"
#include "market/why.h"

namespace shoal::market {

namespace {

constexpr std::uint32_t whole = 100;        // percent
constexpr std::size_t jobs_priced = 1'000;  // waiting jobs whose price is looked for, in fair order

protocol::Price part_of(const protocol::Price& price, std::uint32_t percent) {
    const auto cut = [&](Lamports part) {
        constexpr std::uint32_t basis_points_per_percent = 100;
        return basis_points(part, percent * basis_points_per_percent);
    };
    return {cut(price.start), cut(price.hour), cut(price.core_hour), cut(price.gpu_hour),
            cut(price.gib_hour)};
}

/// Whether the provider would fit the job's tasks if it asked only so much.
bool would_fit(const Demand& demand, const Supply& supply, std::uint32_t percent) {
    Provider cheaper = supply.provider;
    cheaper.offer.price = part_of(cheaper.offer.price, percent);
    return passes_lasting(demand, {cheaper, supply.usage, supply.draining});
}

/// The highest percentage at which it would; zero if only for nothing, nothing if not even then.
std::optional<std::uint32_t> fitting_price(const Demand& demand, const Supply& supply) {
    if (!would_fit(demand, supply, 0)) return std::nullopt;
    std::uint32_t low = 0;
    std::uint32_t high = whole;  // does not fit
    while (high - low > 1) {
        const std::uint32_t middle = (low + high) / 2;
        (would_fit(demand, supply, middle) ? low : high) = middle;
    }
    return low;
}

struct Counted {
    std::vector<std::uint64_t> passed = std::vector<std::uint64_t>(rules().size());
    std::vector<std::uint64_t> only_failed = std::vector<std::uint64_t>(rules().size());
};

/// One job's waiting tasks beside the provider.
void count_job(const Demand& demand, const Supply& supply, Counted& counted,
               protocol::ProviderWhy& answer) {
    std::size_t failed = 0;
    std::size_t which = 0;
    for (std::size_t i = 0; i < rules().size(); ++i) {
        if (rules()[i].passes(demand, supply)) {
            counted.passed[i] += demand.waiting;
        } else if (rules()[i].is_lasting) {
            ++failed;
            which = i;
        }
    }
    answer.tasks_waiting += demand.waiting;
    if (failed == 0) answer.tasks_fit += demand.waiting;
    if (failed == 1) counted.only_failed[which] += demand.waiting;
}

void count_jobs(const Market& market, const Supply& supply, protocol::ProviderWhy& answer) {
    Counted counted;
    for (const auto& [id, tasks] : market.index().queued()) {
        count_job(market.demand(market.state().jobs.at(id)), supply, counted, answer);
    }
    const Rule* worst = nullptr;
    std::uint64_t most = 0;
    for (std::size_t i = 0; i < rules().size(); ++i) {
        answer.requirements.push_back({std::string(rules()[i].name), "waiting tasks that pass",
                                       counted.passed[i], answer.tasks_waiting,
                                       answer.tasks_fit + counted.only_failed[i]});
        if (counted.only_failed[i] <= most) continue;
        most = counted.only_failed[i];
        worst = &rules()[i];
    }
    if (worst) answer.help.emplace_back(worst->offer_help);
}

/// For the first of the jobs that wait, in fair order: those that would be served next.
void price_jobs(const Market& market, const Supply& supply, protocol::ProviderWhy& answer) {
    std::map<std::uint32_t, std::uint64_t, std::greater<>> tasks;  // by percent
    std::size_t looked_at = 0;
    market.dispatch().walk_waiting([&](JobId id) {
        const Demand demand = market.demand(market.state().jobs.at(id));
        if (!passes_lasting(demand, supply)) {
            if (const auto percent = fitting_price(demand, supply)) {
                tasks[*percent] += demand.waiting;
            }
        }
        return ++looked_at == jobs_priced;
    });
    constexpr std::size_t cuts_max = 5;
    std::uint64_t sum = answer.tasks_fit;
    for (const auto& [percent, count] : tasks) {
        if (answer.price_cuts.size() == cuts_max) return;
        sum += count;
        answer.price_cuts.push_back({percent, sum});
    }
}

std::string sentence(const protocol::ProviderWhy& answer) {
    if (!answer.online) return "it is not online";
    if (answer.draining) return "it is draining and takes no more work";
    if (answer.tasks_waiting == 0) {
        return answer.attempts_live > 0 ? "it works, and no other task waits" : "no task waits";
    }
    if (answer.tasks_fit > 0) {
        return fmt::format("{} of {} waiting tasks fit it", answer.tasks_fit, answer.tasks_waiting);
    }
    std::string said = fmt::format("{} tasks wait, none of them fits it", answer.tasks_waiting);
    if (!answer.price_cuts.empty()) {
        said += fmt::format("; at {} % of its price {} would", answer.price_cuts.front().percent,
                            answer.price_cuts.front().tasks);
    }
    return said;
}

}  // namespace

protocol::ProviderWhy why(const Market& market, ProviderId id) {
    protocol::ProviderWhy answer;
    answer.provider = id;
    answer.online = market.online(id);
    answer.draining = market.draining(id);
    answer.attempts_live = market.index().live(id).size();
    const Supply supply = market.supply(id);
    count_jobs(market, supply, answer);
    price_jobs(market, supply, answer);
    if (!answer.online) answer.help = {"start the provider, and look at its log"};
    answer.sentence = sentence(answer);
    const AccountId owner = market.state().providers.at(id).account;
    if (const auto& frozen = market.state().accounts.at(owner).frozen) {
        answer.sentence = "its account is frozen, so it gets no work: " + to_display(*frozen);
        answer.help = {"ask the operator to unfreeze the account"};
    }
    return answer;
}

}  // namespace shoal::market
