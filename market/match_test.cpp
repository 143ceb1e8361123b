// Who is given what: the properties of matching, held against a scan of everything.

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/random.h"
#include "market/farm_for_test.h"
#include "market/matching.h"

namespace shoal::market {

namespace {

using namespace std::chrono_literals;

/// A random market: machines and jobs of every kind, some of which can never meet.
class Matching {
public:
    explicit Matching(std::uint64_t seed) : random_(seed) {
        for (int i = 0; i < 4; ++i) {
            buyers_.push_back(world.account());
            CHECK(world.market
                      .issue_credit(buyers_.back(), Lamports{World::wealth},
                                    "buyer" + std::to_string(i), world.moment(), world.batch)
                      .ok());
        }
        world.flush();
        for (std::uint64_t i = 0; i < 6 + random_.below(10); ++i) add_machine();
    }

    void run(int steps) {
        for (int step = 0; step < steps; ++step) {
            move();
            world.advance(0ms);  // the shell ticks before each command
            check_grants();
            check_nobody_is_forgotten();
        }
        world.replay();
    }

    World world;

private:
    void move() {
        switch (random_.below(8)) {
            case 0:
            case 1:
            case 2:
                return submit();
            case 3:
                return toggle();
            case 4:
                return world.advance(Duration{random_.below(20'000)});
            case 5:
                return weigh();
            default:
                return end_one();
        }
    }

    std::string label(const char* kind) { return kind + std::to_string(random_.below(3)); }

    void add_machine() {
        protocol::Offer offer;
        offer.name = "machine";
        offer.capacity = {static_cast<std::uint32_t>(random_.between(1, 16)),
                          Size{random_.between(1, 16) << 30U},
                          Size{random_.between(1, 16) << 30U},
                          {}};
        if (random_.percent(40)) offer.capacity.gpu = {4, 16_GiB, "NVIDIA H100 PCIe"};
        offer.attempts_max = static_cast<std::uint32_t>(random_.between(1, 8));
        const auto part = [&] { return Lamports{static_cast<std::int64_t>(random_.below(1'000))}; };
        offer.price = {part(), part(), part(), part(), part()};
        offer.tier = static_cast<protocol::Tier>(random_.below(4));
        offer.region = label("region");
        offer.cpu_features = {label("feature"), label("feature")};
        if (random_.percent(50)) offer.pools = {label("pool")};
        if (random_.percent(20)) offer.buyers = {any_buyer()};
        if (random_.percent(20)) offer.block_accounts = {any_buyer()};
        machines_.push_back(world.provider(offer));
    }

    AccountId any_buyer() { return buyers_[random_.below(buyers_.size())]; }

    void submit() {
        protocol::JobSpec spec =
            simple_job(static_cast<std::int64_t>(random_.between(1, 6)),
                       static_cast<std::int64_t>(random_.between(500, 90'000)));
        spec.resources = {static_cast<std::uint32_t>(random_.between(1, 12)),
                          Size{random_.between(1, 12) << 30U},
                          Size{random_.between(1, 4) << 30U},
                          {}};
        spec.limits.time = Span{Duration{random_.between(1'000, 7'200'000)}};
        spec.priority = static_cast<std::int32_t>(random_.below(20)) - 10;
        if (random_.percent(30)) spec.price.max_hour = Lamports{5'000};
        if (random_.percent(20)) spec.resources.gpu = {2, 8_GiB, random_.percent(50) ? "h100" : ""};
        protocol::Placement& where = spec.placement;
        if (random_.percent(20)) where.cpu_features = {label("feature")};
        if (random_.percent(20)) where.regions = {label("region")};
        if (random_.percent(10)) where.regions = {label("region"), label("region")};
        if (random_.percent(20)) where.tier = static_cast<protocol::Tier>(random_.below(4));
        if (random_.percent(10)) where.pool = label("pool");
        if (random_.percent(10)) where.reputation = 60;
        if (random_.percent(5)) where.verified = true;
        if (random_.percent(10)) where.block_providers = {machines_.front()};
        if (random_.percent(20)) {
            spec.tasks.gang = static_cast<std::uint32_t>(spec.tasks.matrix.at("n").size());
        }
        static_cast<void>(world.market.submit(any_buyer(), spec, world.moment(), world.batch));
        world.flush();
    }

    void toggle() {
        const ProviderId id = machines_[random_.below(machines_.size())];
        if (world.market.online(id)) {
            world.market.leave(id);
            return;
        }
        world.rejoin(id);
        if (random_.percent(30)) {
            CHECK(world.hear(id, protocol::session::Alive{{}, random_.percent(50)}).ok());
        }
        CHECK(world.market.verify_provider(id, random_.percent(50), world.moment(), world.batch)
                  .ok());
        world.flush();
    }

    void weigh() {
        CHECK(world.market
                  .weigh_account(any_buyer(), static_cast<std::uint32_t>(random_.between(1, 300)),
                                 world.moment(), world.batch)
                  .ok());
        world.flush();
    }

    void end_one() {
        const auto live = world.live();
        if (live.empty()) return submit();
        const LeaseId lease = live[random_.below(live.size())];
        const ProviderId provider = world.market.state().attempts.at(lease).provider;
        if (!world.market.online(provider)) return;
        if (random_.percent(70)) return world.work(lease, Duration{random_.below(5'000)});
        protocol::session::Finished lost;
        lost.lease = lease;
        lost.reason = protocol::Reason::runner_lost;
        CHECK(world.hear(provider, lost).ok());
    }

    /// Each grant of the step: the machine was one that the job may have, within its caps. Had
    /// another one been 5 % cheaper, it would have no room for it afterwards either.
    void check_grants() {
        const State& state = world.market.state();
        for (; checked_ < state.next.lease.value; ++checked_) {
            const Attempt& attempt = state.attempts.at(LeaseId{checked_});
            const Job& job = state.jobs.at(attempt.job);
            const Demand demand = world.market.demand(job);
            const Supply supply = world.market.supply(attempt.provider);
            for (const Rule& rule : rules()) {
                const bool is_settled = rule.is_price || !rule.is_lasting ||
                                        rule.name == "not draining" || rule.name == "reputation";
                CAPTURE(rule.name);
                if (!is_settled) CHECK(rule.passes(demand, supply));
            }
            check_price(job, attempt);
            ++granted;
        }
    }

    void check_price(const Job& job, const Attempt& attempt) {
        if (job.spec.tasks.gang > 0 || attempt.phase == Phase::ended) return;
        const auto paid = hourly(attempt.price, job.spec.resources).value();
        for (const ProviderId other : machines_) {
            const Provider& machine = world.market.state().providers.at(other);
            if (!world.market.online(other) || other == attempt.provider) continue;
            const auto cost = hourly(machine.offer.price, job.spec.resources).value();
            if (static_cast<double>(paid.value) <= 1.05 * static_cast<double>(cost.value)) continue;
            const auto& tried = world.market.state().tasks.at(attempt.task).attempts;
            const bool failed_there = std::ranges::any_of(tried, [&](LeaseId lease) {
                return world.market.state().attempts.at(lease).provider == other;
            });
            CHECK((failed_there ||
                   !passes_all(world.market.demand(job), world.market.supply(other))));
        }
    }

    /// After every step, by looking at every pair: no waiting task has a machine that would take
    /// it.
    void check_nobody_is_forgotten() {
        const Market& market = world.market;
        for (const auto& [id, tasks] : market.index().queued()) {
            const Job& job = market.state().jobs.at(id);
            if (job.spec.tasks.gang > 0) continue;
            const bool is_ready = std::ranges::any_of(tasks, [&](TaskId task) {
                return market.state().tasks.at(task).not_before <= world.clock;
            });
            if (!is_ready) continue;
            for (const ProviderId machine : machines_) {
                if (!market.online(machine)) continue;
                CAPTURE(id.value);
                CAPTURE(machine.value);
                CHECK((!passes_all(market.demand(job), market.supply(machine)) ||
                       market.is_kept_from(job, machine, world.clock)));
            }
        }
    }

    Random random_;
    std::vector<AccountId> buyers_;
    std::vector<ProviderId> machines_;
    std::uint64_t checked_ = 1;

public:
    std::uint64_t granted = 0;
};

TEST_CASE("no task waits while a machine that would take it is free, and none pays too much") {
    std::uint64_t granted = 0;
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        CAPTURE(seed);
        Matching matching(seed);
        matching.run(120);
        granted += matching.granted;
    }
    CHECK(granted > 300);
}

TEST_CASE("two buyers share a full market by their weights, however many tasks each brings") {
    Farm farm(1);
    const AccountId many = farm.rich("many");
    const AccountId few = farm.rich("few");
    CHECK(farm.market.weigh_account(few, 200, farm.moment(), farm.batch).ok());
    farm.flush();
    farm.submit_for(many, one_core(90));
    for (int i = 0; i < 60; ++i) farm.submit_for(few, one_core(1));
    std::map<AccountId, int> served;
    for (int i = 0; i < 75; ++i) {
        const LeaseId lease = farm.live().at(0);
        const Attempt& attempt = farm.market.state().attempts.at(lease);
        ++served[farm.job(attempt.job).account];
        farm.work(lease, 60s);
    }
    CHECK(served[few] >= 47);
    CHECK(served[few] <= 53);
    farm.replay();
}

TEST_CASE("of one buyer's jobs the one of higher priority is first, but waiting counts too") {
    Farm farm(1);
    const JobId first = farm.submit_for(farm.buyer, one_core(1));
    protocol::JobSpec spec = one_core(1);
    const JobId plain = farm.submit_for(farm.buyer, spec);
    spec.priority = 5;
    const JobId urgent = farm.submit_for(farm.buyer, spec);
    farm.work(farm.live().at(0), 1s);
    CHECK(farm.leased(urgent) == 1);
    farm.clock += 51min;  // five points are fifty minutes of waiting
    const JobId late = farm.submit_for(farm.buyer, spec);
    farm.work(farm.live().at(0), 1s);
    CHECK(farm.leased(plain) == 1);
    CHECK(farm.leased(late) == 0);
    CHECK(farm.job(first).state == protocol::JobState::finished);
}

TEST_CASE("a gang begins as a whole or not at all, and two that want the same do not lock") {
    Farm farm(4);
    const JobId small = farm.submit_for(farm.buyer, one_core(2));
    protocol::JobSpec gang = one_core(3);
    gang.tasks.gang = 3;
    const JobId one = farm.submit_for(farm.buyer, gang);
    const JobId other = farm.submit_for(farm.buyer, gang);
    CHECK(farm.leased(small) == 2);
    CHECK(farm.leased(one) + farm.leased(other) == 0);
    farm.work(farm.live().at(0), 1s);
    farm.advance(1s);
    CHECK(farm.leased(one) == 3);
    CHECK(farm.leased(other) == 0);
    while (farm.job(one).state == protocol::JobState::open) farm.work(farm.live().back(), 1s);
    farm.advance(1s);
    CHECK(farm.leased(other) == 3);
    farm.replay();
}

TEST_CASE("who loses one of a gang loses all, and tries again with all of it") {
    Farm farm(3);
    protocol::JobSpec gang = one_core(3);
    gang.tasks.gang = 3;
    gang.retries = 1;
    const JobId job = farm.submit_for(farm.buyer, gang);
    const auto lose_one = [&] {
        protocol::session::Finished lost;
        lost.lease = farm.live().at(1);
        lost.reason = protocol::Reason::runner_lost;
        CHECK(farm.hear(farm.ids.at(0), lost).ok());
    };
    lose_one();
    CHECK(farm.live().empty());
    CHECK(farm.job(job).state == protocol::JobState::open);
    farm.advance(5s);
    CHECK(farm.leased(job) == 3);
    lose_one();  // its only retry is used up
    CHECK(farm.live().empty());
    CHECK(farm.job(job).state == protocol::JobState::failed);
    for (const TaskId id : farm.job(job).tasks) {
        CHECK(farm.market.state().tasks.at(id).state == protocol::TaskState::failed);
    }
    farm.replay();
}

TEST_CASE("a gang of which one is done goes on with the others only") {
    Farm farm(2);
    protocol::JobSpec gang = one_core(2);
    gang.tasks.gang = 2;
    const JobId job = farm.submit_for(farm.buyer, gang);
    farm.work(farm.live().at(0), 1s);
    protocol::session::Finished lost;
    lost.lease = farm.live().at(0);
    lost.reason = protocol::Reason::runner_lost;
    CHECK(farm.hear(farm.ids.at(0), lost).ok());
    farm.advance(5s);
    CHECK(farm.leased(job) == 1);
    farm.work(farm.live().at(0), 1s);
    CHECK(farm.job(job).state == protocol::JobState::finished);
}

/// Small tasks come without end; each ends after its time. Until the big job is served, or `most`.
Duration wait_for_big(Farm& farm, JobId big, Duration most) {
    const Time begin = farm.clock;
    std::map<LeaseId, Time> ends;
    while (farm.leased(big) < farm.job(big).tasks.size() && farm.clock - begin < most) {
        for (const LeaseId lease : farm.live()) {
            const auto [at, is_new] = ends.try_emplace(lease, farm.clock + 40s);
            if (is_new) {
                CHECK(farm.hear(farm.market.state().attempts.at(lease).provider,
                                protocol::session::Started{lease})
                          .ok());
            }
            if (at->second > farm.clock) continue;
            protocol::AttemptOutcome outcome;
            outcome.reason = protocol::Reason::completed;
            outcome.started = true;
            outcome.ran_ms = 40'000;
            const ProviderId provider = farm.market.state().attempts.at(lease).provider;
            CHECK(farm.hear(provider, protocol::session::Exited{lease, outcome}).ok());
            protocol::session::Finished finished;
            finished.lease = lease;
            CHECK(farm.hear(provider, finished).ok());
        }
        protocol::JobSpec small = one_core(1);
        small.limits.time = Span{40s};
        farm.submit_for(farm.buyer, small);
        farm.advance(5s);
    }
    return farm.clock - begin;
}

/// Four cores, each in use from another moment on.
void fill_with_small(Farm& farm) {
    for (int i = 0; i < 4; ++i) {
        protocol::JobSpec small = one_core(1);
        small.limits.time = Span{40s};
        farm.submit_for(farm.buyer, small);
        farm.advance(10s);
    }
}

TEST_CASE("a big task does not starve among small ones that never end") {
    Farm farm(4);
    fill_with_small(farm);
    protocol::JobSpec spec = one_core(1);
    spec.resources.cores = 4;
    const JobId big = farm.submit_for(farm.rich("big"), spec);
    CHECK(wait_for_big(farm, big, 1h) < 3min);
    CHECK(farm.leased(big) == 1);
}

TEST_CASE("a gang over two machines does not starve either") {
    Farm farm(2, 2);
    fill_with_small(farm);
    protocol::JobSpec spec = one_core(4);
    spec.tasks.gang = 4;
    const JobId big = farm.submit_for(farm.rich("big"), spec);
    CHECK(wait_for_big(farm, big, 1h) < 3min);
    CHECK(farm.leased(big) == 4);
}

}  // namespace

}  // namespace shoal::market
