#include "market/dispatch.h"

#include <algorithm>
#include <limits>

#include "core/check.h"
#include "market/matching.h"

namespace shoal::market {

namespace {

constexpr Duration priority_step{10LL * 60'000};

std::uint64_t spread_two(std::uint64_t a, std::uint64_t b) {
    return spread(spread(a) ^ b);
}

/// Whether `low` is so near below `high` that looking further does not pay: within 1 / 1.05.
bool is_near(Lamports low, Lamports high) {
    constexpr std::int64_t twentieth = 20;
    return high.value - low.value <= low.value / twentieth;
}

/// The cheapest for an hour that is accepted, then the one with the fewest attempts, then the
/// first. After `exact` were looked at, what is nearly the best is taken for it.
std::optional<ProviderId> cheapest(const SummaryTree<MachinePlace, Machine>& machines,
                                   const protocol::JobSpec& spec, const Dispatch::Accept& accept,
                                   std::size_t exact) {
    using Rank = std::pair<Lamports, std::uint32_t>;
    const Ask wanted = ask(spec);
    std::optional<std::pair<Rank, ProviderId>> best;
    std::size_t looked_at = 0;
    const auto may = [&](const Machine& several) {
        ++looked_at;
        if (!could_serve(several, wanted)) return false;
        if (!best) return true;
        const Lamports least = least_hourly(several, spec.resources);
        if (looked_at > exact && is_near(least, best->first.first)) return false;
        return Rank{least, several.attempts} < best->first;
    };
    machines.walk(may, [&](const MachinePlace& place, const Machine& one) {
        if (!accept(place.provider)) return false;
        best = {{least_hourly(one, spec.resources), one.attempts}, place.provider};
        return false;
    });
    if (!best) return std::nullopt;
    return best->second;
}

template <class Tree>
auto contents(const Tree& tree) {
    using Key = typename Tree::KeyType;
    using Summary = typename Tree::SummaryType;
    std::vector<std::pair<Key, Summary>> all;
    tree.walk([](const Summary&) { return true; },
              [&](const Key& key, const Summary& leaf) {
                  all.emplace_back(key, leaf);
                  return false;
              });
    return all;
}

}  // namespace

JobPlace place_of(const Job& job) {
    return {job.submitted - priority_step * job.spec.priority, job.id};
}

std::uint64_t spread(const JobPlace& place) {
    return spread(place.job.value);
}

std::uint64_t spread(const BuyerPlace& place) {
    return spread_two(place.account.value, place.share.mantissa);
}

std::uint64_t spread(const MachinePlace& place) {
    return spread(place.provider.value);
}

// --- jobs ----------------------------------------------------------------------------------------

Dispatch::Dispatch(const State& state) {
    for (const auto& [id, account] : state.accounts) moved(account);
    for (const auto& [id, task] : state.tasks) {
        const Job& job = state.jobs.at(task.job);
        if (task.state == protocol::TaskState::queued && !job.needs_open) wait(job, task);
    }
}

void Dispatch::wait(const Job& job, const Task& task) {
    if (task.not_before > job.submitted) {
        later_.emplace(task.not_before, task.id);
    } else {
        ready(job, task.id);
    }
}

void Dispatch::release(const State& state, Time now) {
    while (!later_.empty() && later_.begin()->first <= now) {
        const TaskId id = later_.begin()->second;
        later_.erase(later_.begin());
        ready(state.jobs.at(state.tasks.at(id).job), id);
    }
}

std::optional<Time> Dispatch::next_release() const {
    if (later_.empty()) return std::nullopt;
    return later_.begin()->first;
}

void Dispatch::ready(const Job& job, TaskId task) {
    auto& tasks = waiting_[job.id];
    tasks.insert(task);
    if (tasks.size() == 1) place(job);
    fresh_[job.account].insert(place_of(job));
}

void Dispatch::gone(const Job& job, const Task& task) {
    later_.erase({task.not_before, task.id});
    const auto found = waiting_.find(job.id);
    if (found == waiting_.end()) return;
    found->second.erase(task.id);
    if (!found->second.empty()) return;
    unplace(job);
    waiting_.erase(found);
}

void Dispatch::refresh(const Job& job) {
    if (waiting_.contains(job.id)) fresh_[job.account].insert(place_of(job));
}

void Dispatch::place(const Job& job) {
    Buyer& buyer = buyers_[job.account];
    if (job.spec.tasks.gang > 0) {
        gangs_.insert(place_of(job));
        return;
    }
    buyer.jobs.put(place_of(job), ask(job.spec));
    place_buyer(job.account, buyer);
}

void Dispatch::unplace(const Job& job) {
    const auto fresh = fresh_.find(job.account);
    if (fresh != fresh_.end()) {
        fresh->second.erase(place_of(job));
        if (fresh->second.empty()) fresh_.erase(fresh);
    }
    if (gangs_.erase(place_of(job)) > 0) return;
    Buyer& buyer = buyers_.at(job.account);
    buyer.jobs.erase(place_of(job));
    place_buyer(job.account, buyer);
}

void Dispatch::place_buyer(AccountId account, Buyer& buyer) {
    const BuyerPlace place{buyer.share, account};
    const Ask* least = buyer.jobs.whole();
    if (least && !buyer.is_stopped) {
        fair_.put(place, *least);
    } else {
        fair_.erase(place);
    }
}

void Dispatch::moved(const Account& account) {
    Buyer& buyer = buyers_[account.id];
    fair_.erase({buyer.share, account.id});
    buyer.share = share(account.use, account.weight);
    buyer.is_stopped = !account.is_open();
    place_buyer(account.id, buyer);
}

const std::set<TaskId>& Dispatch::ready_tasks(JobId job) const {
    static const std::set<TaskId> none;
    const auto found = waiting_.find(job);
    return found == waiting_.end() ? none : found->second;
}

bool Dispatch::walk(const Machine* machine, const std::function<bool(JobId)>& take) const {
    const auto may = [&](const Ask& least) { return !machine || could_serve(*machine, least); };
    return fair_.walk(may, [&](const BuyerPlace& buyer, const Ask& /*least*/) {
        return buyers_.at(buyer.account)
            .jobs.walk(
                may, [&](const JobPlace& place, const Ask& /*wanted*/) { return take(place.job); });
    });
}

bool Dispatch::walk_first(const std::function<bool(JobId)>& take) const {
    const auto any = [](const Ask&) { return true; };
    return fair_.walk(any, [&](const BuyerPlace& buyer, const Ask& /*least*/) {
        std::optional<JobId> first;
        buyers_.at(buyer.account).jobs.walk(any, [&](const JobPlace& place, const Ask& /*wanted*/) {
            first = place.job;
            return true;
        });
        return take(first.value());
    });
}

bool Dispatch::walk_waiting(const std::function<bool(JobId)>& take) const {
    return walk(nullptr, take);
}

bool Dispatch::walk_waiting(const Machine& machine, const std::function<bool(JobId)>& take) const {
    return walk(&machine, take);
}

std::pair<std::uint64_t, std::uint64_t> Dispatch::before(const Job& job) const {
    std::uint64_t buyers = 0;
    std::uint64_t jobs = 0;
    const auto any = [](const Ask&) { return true; };
    fair_.walk(any, [&](const BuyerPlace& place, const Ask& /*least*/) {
        if (place.account == job.account) return true;
        ++buyers;
        return false;
    });
    const auto buyer = buyers_.find(job.account);
    if (buyer == buyers_.end()) return {buyers, jobs};
    buyer->second.jobs.walk(any, [&](const JobPlace& place, const Ask& /*wanted*/) {
        if (place >= place_of(job)) return true;
        ++jobs;
        return false;
    });
    return {buyers, jobs};
}

// --- machines ------------------------------------------------------------------------------------

void Dispatch::put(const Provider& provider, const Usage& usage) {
    const Machine now = market::machine(provider, usage);
    const MachinePlace place{usual_price(provider.offer.price), provider.id};
    const auto known = places_.find(provider.id);
    if (known != places_.end() && known->second != place) {
        machines_.erase(known->second);
        offers_.erase(known->second);
        places_.erase(known);
    }
    const Machine* before = machines_.find(place);
    // What only got fuller can take nothing that it could not take before.
    const bool is_fuller = before && before->attempts < now.attempts;
    machines_.put(place, now);
    offers_.put(place, market::machine(provider, {}));
    places_.insert_or_assign(provider.id, place);
    if (!is_fuller) freed_.insert(provider.id);
}

void Dispatch::take_back(const Provider& provider, const Usage& usage) {
    const bool was_freed = freed_.contains(provider.id);
    put(provider, usage);
    if (!was_freed) freed_.erase(provider.id);
}

void Dispatch::remove(ProviderId provider) {
    const auto known = places_.find(provider);
    if (known == places_.end()) return;
    machines_.erase(known->second);
    offers_.erase(known->second);
    places_.erase(known);
    freed_.erase(provider);
}

void Dispatch::free(const std::set<ProviderId>& providers) {
    for (const ProviderId provider : providers) {
        if (places_.contains(provider)) freed_.insert(provider);
    }
}

const Machine* Dispatch::machine(ProviderId provider) const {
    const auto known = places_.find(provider);
    return known == places_.end() ? nullptr : machines_.find(known->second);
}

std::optional<ProviderId> Dispatch::best(const Job& job, const Accept& accept) const {
    constexpr std::size_t exact = 100;
    return cheapest(machines_, job.spec, accept, exact);
}

std::optional<ProviderId> Dispatch::cheapest_offer(const Job& job, const Accept& accept) const {
    return cheapest(offers_, job.spec, accept, std::numeric_limits<std::size_t>::max());
}

std::optional<ProviderId> Dispatch::dearest_offer(const Job& job, const Accept& accept) const {
    const Ask wanted = ask(job.spec);
    const auto cost = [&](const protocol::Price& price) {
        return ledger::quote(price, footprint(job.spec.resources), job.spec.limits.time.length);
    };
    std::optional<std::pair<Lamports, ProviderId>> dearest;
    const auto may = [&](const Machine& several) {
        if (!could_serve(several, wanted)) return false;
        const auto most = cost(several.dearest);
        return !dearest || !most.ok() || most.value() > dearest->first;
    };
    offers_.walk_back(may, [&](const MachinePlace& place, const Machine& one) {
        const auto most = cost(one.price);
        if (most.ok() && accept(place.provider)) dearest = {most.value(), place.provider};
        return false;
    });
    if (!dearest) return std::nullopt;
    return dearest->second;
}

void Dispatch::walk_offers(const Job& job, const Accept& take) const {
    const Ask wanted = ask(job.spec);
    offers_.walk(
        [&](const Machine& several) { return could_serve(several, wanted); },
        [&](const MachinePlace& place, const Machine& /*one*/) { return take(place.provider); });
}

// --- what is new ---------------------------------------------------------------------------------

std::map<AccountId, std::set<JobPlace>> Dispatch::take_fresh() {
    return std::exchange(fresh_, {});
}

std::set<ProviderId> Dispatch::take_freed() {
    return std::exchange(freed_, {});
}

bool operator==(const Dispatch& a, const Dispatch& b) {
    const auto same_buyers = [&] {
        return std::ranges::all_of(a.buyers_, [&](const auto& entry) {
            const auto other = b.buyers_.find(entry.first);
            return other != b.buyers_.end()
                       ? contents(entry.second.jobs) == contents(other->second.jobs)
                       : entry.second.jobs.empty();
        });
    };
    return a.waiting_ == b.waiting_ && a.later_ == b.later_ && a.gangs_ == b.gangs_ &&
           same_buyers() && contents(a.fair_) == contents(b.fair_) && a.places_ == b.places_ &&
           contents(a.machines_) == contents(b.machines_) &&
           contents(a.offers_) == contents(b.offers_);
}

}  // namespace shoal::market
