// How the Market gives waiting tasks to providers: in fair order, to the cheapest that fits, gangs
// as wholes, and with room kept for those who would wait for ever.

#include <algorithm>

#include "market/market.h"

namespace shoal::market {

namespace {

using protocol::TaskState;

constexpr std::size_t gangs_at_once = 1'000;  // looked at in one round
constexpr std::size_t kept_jobs = 16;         // that have room kept at a time
constexpr std::size_t candidates = 64;        // providers that are looked at to keep room on

bool failed_there(const State& state, const Task& task, ProviderId provider) {
    return std::ranges::any_of(task.attempts, [&](LeaseId lease) {
        return state.attempts.at(lease).provider == provider;
    });
}

Time last_end(const Attempt& attempt, Time now) {
    return attempt.started.value_or(now) + attempt.time_max;
}

std::vector<Occupant> occupants(const Market& market, ProviderId provider, Time now) {
    std::vector<Occupant> all;
    for (const LeaseId lease : market.index().live(provider)) {
        const Attempt& attempt = market.state().attempts.at(lease);
        const Job& job = market.state().jobs.at(attempt.job);
        all.push_back({job.spec.resources, last_end(attempt, now)});
    }
    return all;
}

/// The tasks of the job's first gang that could begin now as a whole; none if there is no such.
std::vector<TaskId> whole_gang(const Market& market, const Job& job, std::size_t first) {
    const std::set<TaskId>& ready = market.dispatch().ready_tasks(job.id);
    std::vector<TaskId> gang;
    for (std::size_t i = first; i < first + job.spec.tasks.gang; ++i) {
        const TaskState state = market.state().tasks.at(job.tasks.at(i)).state;
        if (state == TaskState::accepted) continue;
        if (!ready.contains(job.tasks[i])) return {};
        gang.push_back(job.tasks[i]);
    }
    return gang;
}

}  // namespace

Demand Market::demand(const Job& job) const {
    const auto waiting = index_.queued().find(job.id);
    const std::size_t count = waiting == index_.queued().end() ? 1 : waiting->second.size();
    return {job, count, settings_.paid_time_min, !state_.accounts.at(job.account).is_open()};
}

Supply Market::supply(ProviderId provider) const {
    const Provider& it = state_.providers.at(provider);
    return {it, index_.usage(provider), draining(provider),
            !state_.accounts.at(it.account).is_open()};
}

bool Market::is_kept_from(const Job& job, ProviderId provider, Time now) const {
    const Reservations::Kept* kept = reservations_.on(provider);
    if (!kept || kept->job == job.id) return false;
    const Job& other = state_.jobs.at(kept->job);
    const Occupant fresh{job.spec.resources, now + job.spec.limits.time.length};
    return !leaves_room(state_.providers.at(provider).offer, occupants(*this, provider, now), fresh,
                        other.spec.resources, kept->tasks, now);
}

std::optional<Market::Choice> Market::choose(const Job& job, const Task& task, Time now) const {
    const Demand wanted = demand(job);
    for (const bool avoid : {true, false}) {  // where it failed before it is tried last
        if (!avoid && task.attempts.empty()) break;
        const auto best = dispatch_.best(job, [&](ProviderId id) {
            return !(avoid && failed_there(state_, task, id)) && passes_all(wanted, supply(id)) &&
                   !is_kept_from(job, id, now);
        });
        if (!best) continue;
        const protocol::Price& price = state_.providers.at(*best).offer.price;
        return Choice{*best, *allowance(job, wanted.waiting, price, settings_.paid_time_min)};
    }
    return std::nullopt;
}

void Market::match(const Moment& moment, Batch& batch) {
    place_news(moment, batch);
    const auto due = next_look_round();
    if (!due || *due > moment.now) return;
    looked_round_ = moment.now;
    has_changed_ = false;
    place_gangs(moment, batch);
    keep_room(moment.now);
    place_news(moment, batch);  // where room is kept no more
}

void Market::place_news(const Moment& moment, Batch& batch) {
    while (dispatch_.has_news()) {
        place_fresh(moment, batch);
        for (const ProviderId provider : dispatch_.take_freed()) serve(provider, moment, batch);
    }
}

std::optional<Time> Market::next_look_round() const {
    constexpr Duration apart{1'000};
    if (dispatch_.is_empty()) return std::nullopt;
    if (has_changed_) return looked_round_ + apart;
    return next_starving_;
}

/// Buyers in fair order take one task each, so that who comes with many does not pass by others.
void Market::place_fresh(const Moment& moment, Batch& batch) {
    auto fresh = dispatch_.take_fresh();
    if (!fresh.empty()) has_changed_ = true;
    std::set<BuyerPlace> order;
    const auto place_of = [&](AccountId id) {
        const Account& account = state_.accounts.at(id);
        return BuyerPlace{share(account.use, account.weight), id};
    };
    for (const auto& [account, jobs] : fresh) order.insert(place_of(account));
    while (!order.empty()) {
        const AccountId account = order.begin()->account;
        order.erase(order.begin());
        auto& jobs = fresh.at(account);
        if (!place_one(jobs.begin()->job, moment, batch)) jobs.erase(jobs.begin());
        if (!jobs.empty()) order.insert(place_of(account));
    }
}

/// Whether one more task of the job could be placed, or one more gang.
bool Market::place_one(JobId id, const Moment& moment, Batch& batch) {
    const Job& job = state_.jobs.at(id);
    const std::set<TaskId>& ready = dispatch_.ready_tasks(id);
    if (ready.empty() || !state_.accounts.at(job.account).is_open()) return false;
    if (job.spec.tasks.gang > 0) return place_gang(id, moment, batch);
    const Task& task = state_.tasks.at(*ready.begin());
    const auto choice = choose(job, task, moment.now);
    if (!choice) return false;
    grant(task, *choice, moment, batch);
    return true;
}

/// The provider has room that it did not have: whoever could use it is asked in fair order.
void Market::serve(ProviderId provider, const Moment& moment, Batch& batch) {
    for (;;) {
        const Machine* free = dispatch_.machine(provider);
        if (!free || free->slots == 0) return;
        std::optional<JobId> next;
        dispatch_.walk_waiting(*free, [&](JobId id) {
            const Job& job = state_.jobs.at(id);
            const bool fits = passes_all(demand(job), supply(provider)) &&
                              !is_kept_from(job, provider, moment.now);
            if (fits) next = id;
            return fits;
        });
        if (!next || !place_one(*next, moment, batch)) return;
    }
}

// --- gangs ---------------------------------------------------------------------------------------

void Market::place_gangs(const Moment& moment, Batch& batch) {
    std::vector<JobId> gangs;
    for (const JobPlace& place : dispatch_.gangs()) {
        if (gangs.size() == gangs_at_once) break;
        gangs.push_back(place.job);
    }
    for (const JobId job : gangs) {
        while (place_gang(job, moment, batch)) {
        }
    }
}

/// All of a gang begin, or nothing is held: so two gangs can never wait for each other.
bool Market::place_gang(JobId id, const Moment& moment, Batch& batch) {
    const Job& job = state_.jobs.at(id);
    if (!state_.accounts.at(job.account).is_open()) return false;
    for (std::size_t first = 0; first < job.tasks.size(); first += job.spec.tasks.gang) {
        const std::vector<TaskId> gang = whole_gang(*this, job, first);
        if (gang.empty()) continue;
        const auto choices = choose_gang(job, gang, moment.now);
        if (!choices) return false;  // the job's other gangs want the same
        for (std::size_t i = 0; i < gang.size(); ++i) {
            grant(state_.tasks.at(gang[i]), (*choices)[i], moment, batch);
        }
        return true;
    }
    return false;
}

/// As if each were granted before the next is chosen; all of it is taken back.
std::optional<std::vector<Market::Choice>> Market::choose_gang(const Job& job,
                                                               const std::vector<TaskId>& gang,
                                                               Time now) {
    std::vector<Choice> choices;
    std::map<ProviderId, Usage> tried;
    const Demand wanted = demand(job);
    while (choices.size() < gang.size()) {
        const auto best = dispatch_.best(job, [&](ProviderId id) {
            Supply there = supply(id);
            if (const auto more = tried.find(id); more != tried.end()) there.usage = more->second;
            return passes_all(wanted, there) && !is_kept_from(job, id, now);
        });
        if (!best) break;
        Usage& usage = tried.try_emplace(*best, index_.usage(*best)).first->second;
        usage.add(job.spec.resources);
        const Provider& provider = state_.providers.at(*best);
        dispatch_.put(provider, usage);
        choices.push_back({*best, *allowance(job, wanted.waiting, provider.offer.price,
                                             settings_.paid_time_min)});
    }
    for (const auto& [provider, usage] : tried)
        dispatch_.take_back(state_.providers.at(provider), index_.usage(provider));
    if (choices.size() < gang.size()) return std::nullopt;
    return choices;
}

// --- room that is kept ---------------------------------------------------------------------------

std::optional<Time> Market::waits_since(const Job& job) const {
    const std::set<TaskId>& ready = dispatch_.ready_tasks(job.id);
    if (ready.empty() || !state_.accounts.at(job.account).is_open()) return std::nullopt;
    return std::max(state_.tasks.at(*ready.begin()).not_before, job.submitted);
}

/// Who waits no more, or can no longer be served where room was kept.
void Market::release_room() {
    const auto kept = reservations_.jobs();
    for (const auto& [id, providers] : kept) {
        const Job& job = state_.jobs.at(id);
        const bool holds = std::ranges::all_of(providers, [&](ProviderId provider) {
            return passes_lasting(demand(job), supply(provider));
        });
        if (holds && !dispatch_.ready_tasks(id).empty()) continue;
        dispatch_.free(reservations_.release(id));
    }
}

/// For the first jobs in fair order, one of each buyer, that have waited long: on the machines on
/// which they could begin first.
void Market::keep_room(Time now) {
    release_room();
    next_starving_.reset();
    std::vector<JobId> starving;
    const auto consider = [&](JobId id) {
        const auto since = waits_since(state_.jobs.at(id));
        if (!since) return false;
        const Time from = *since + settings_.starving_after;
        if (from > now) {
            next_starving_ = std::min(next_starving_.value_or(from), from);
        } else {
            starving.push_back(id);
        }
        return starving.size() >= kept_jobs;
    };
    for (const JobPlace& place : dispatch_.gangs()) {
        if (starving.size() >= kept_jobs / 2 || consider(place.job)) break;
    }
    dispatch_.walk_first(consider);
    for (const JobId id : starving) {
        if (reservations_.jobs().size() >= kept_jobs) return;
        if (!reservations_.has(id)) keep_room_for(state_.jobs.at(id), now);
    }
}

std::optional<Time> Market::room_at(const Job& job, Time now) const {
    if (job.spec.tasks.gang > 1) return std::nullopt;
    std::optional<Time> soonest;
    std::size_t looked_at = 0;
    const Demand asked = demand(job);
    dispatch_.walk_offers(job, [&](ProviderId id) {
        if (!passes_lasting(asked, supply(id))) return false;
        const auto begin = market::room_at(state_.providers.at(id).offer, occupants(*this, id, now),
                                           job.spec.resources, 1, now);
        if (begin) soonest = std::min(soonest.value_or(*begin), *begin);
        return ++looked_at == candidates;
    });
    return soonest;
}

void Market::keep_room_for(const Job& job, Time now) {
    const std::uint32_t wanted = std::max(1U, job.spec.tasks.gang);
    struct Place {
        Time begin;
        ProviderId provider;
        std::uint32_t tasks;
        std::size_t order;  // cheaper ones first
    };
    std::vector<Place> places;
    std::size_t looked_at = 0;
    const Demand asked = demand(job);
    dispatch_.walk_offers(job, [&](ProviderId id) {
        if (reservations_.on(id) || !passes_lasting(asked, supply(id))) return false;
        const protocol::Offer& offer = state_.providers.at(id).offer;
        const auto there = occupants(*this, id, now);
        for (std::uint32_t tasks = 1; tasks <= wanted; ++tasks) {
            const auto begin = market::room_at(offer, there, job.spec.resources, tasks, now);
            if (!begin) break;
            places.push_back({*begin, id, tasks, places.size()});
        }
        return ++looked_at == candidates;
    });
    std::ranges::sort(places, {}, [](const Place& it) { return std::pair(it.begin, it.order); });
    std::map<ProviderId, std::uint32_t> chosen;
    std::uint32_t have = 0;
    for (const Place& place : places) {
        if (have == wanted) break;
        chosen[place.provider] = place.tasks;  // one more than before
        ++have;
    }
    if (have == wanted) reservations_.keep(job.id, chosen);
}

}  // namespace shoal::market
