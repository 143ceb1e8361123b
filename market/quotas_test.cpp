#include "market/quotas.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/limits.h"
#include "core/random.h"
#include "market/world_for_test.h"

namespace shoal::market {
namespace {

using protocol::AccountLimits;
using protocol::LimitedBy;

constexpr Duration day{86'400'000};

Spent spent_of(const World& world) {
    return world.market.spending().of(world.buyer);
}

void limit(World& world, const AccountLimits& limits, LimitedBy by = LimitedBy::market) {
    const Status set =
        world.market.limit_account({world.buyer, limits, by, world.clock}, world.batch);
    CHECK_MESSAGE(set.ok(), (set.ok() ? "" : set.error().what));
    world.flush();
}

void refused(World& world, const protocol::JobSpec& spec, const std::string& words) {
    const State before = world.market.snapshot();
    const auto job = world.submit(spec);
    REQUIRE_FALSE(job.ok());
    CHECK(job.error().code == Code::exhausted);
    CHECK(job.error().what == words);
    CHECK(world.market.snapshot() == before);
}

TEST_CASE("what is set aside counts at once, what is spent for ever, what returns no more") {
    World world;
    world.provider(4, core_price(3'600'000));
    const JobId job = world.submit(simple_job(1, 10'000'000)).value();
    CHECK(spent_of(world).held == Lamports{10'000'000});
    CHECK(spent_of(world).jobs_open == 1);
    CHECK(spent_of(world).tasks_open == 1);
    world.work(world.live().at(0), Duration{2'000});
    const Lamports charged = world.job(job).charged;
    CHECK(charged == Lamports{2'000});
    CHECK(spent_of(world).spent == charged);
    CHECK(spent_of(world).held == Lamports{});
    CHECK(spent_of(world).placed_on(world.clock) == charged);
    CHECK(spent_of(world).placed_on(world.clock + day) == Lamports{});
    CHECK(spent_of(world).jobs_open == 0);
    world.replay();
}

TEST_CASE("a budget holds jobs back before they begin") {
    World world;
    limit(world, {Lamports{2'000'000'000}, {}, {}, {}, {}});
    AccountLimits limits;
    limits.budget_total = Lamports{5'000'000};
    limit(world, limits);
    CHECK(world.submit(simple_job(1, 3'000'000)).ok());
    refused(world, simple_job(1, 2'000'001),
            "budget_total: the account's limit is 0.005 credit, of which 0.003 credit is used; the "
            "job needs 0.002000001 credit");
    const JobId job = world.submit(simple_job(1, 2'000'000)).value();
    refused(world, simple_job(1, 1'000),
            "budget_total: the account's limit is 0.005 credit, of which 0.005 credit is used; the "
            "job needs 0.000001 credit");
    // What a job did not use may be used again.
    CHECK(world.market.cancel(job, world.moment(), world.batch).ok());
    world.flush();
    CHECK(world.submit(simple_job(1, 2'000'000)).ok());
    world.replay();
}

TEST_CASE("a day's budget is that of the day on which the job came, and begins anew at midnight") {
    World world;
    AccountLimits limits;
    limits.budget_day = Lamports{1'000'000};
    limit(world, limits);
    world.clock = Time{20 * day - Duration{1}};
    const JobId before = world.submit(simple_job(1, 900'000)).value();
    refused(world, simple_job(1, 200'000),
            "budget_day: the account's limit is 0.001 credit, of which 0.0009 credit is used; the "
            "job needs 0.0002 credit");
    world.advance(Duration{1});
    const JobId today = world.submit(simple_job(1, 1'000'000)).value();
    refused(world, simple_job(1, 1'000),
            "budget_day: the account's limit is 0.001 credit, of which 0.001 credit is used; the "
            "job needs 0.000001 credit");
    // What returns of yesterday's gives today nothing; what returns of today's does.
    CHECK(world.market.cancel(before, world.moment(), world.batch).ok());
    world.flush();
    CHECK_FALSE(world.submit(simple_job(1, 1'000)).ok());
    CHECK(world.market.cancel(today, world.moment(), world.batch).ok());
    world.flush();
    CHECK(world.submit(simple_job(1, 1'000)).ok());
    world.replay();
}

TEST_CASE("no more jobs and tasks are open than the account may have") {
    World world;
    AccountLimits limits;
    limits.jobs_open = 2;
    limits.tasks_open = 5;
    limit(world, limits);
    const JobId first = world.submit(simple_job(4)).value();
    refused(world, simple_job(2),
            "tasks_open: the account's limit is 5, of which 4 is used; the job needs 2");
    CHECK(world.submit(simple_job(1)).ok());
    refused(world, simple_job(1),
            "jobs_open: the account's limit is 2, of which 2 is used; the job needs 1");
    CHECK(world.market.cancel(first, world.moment(), world.batch).ok());
    world.flush();
    CHECK(world.submit(simple_job(4)).ok());
    world.replay();
}

TEST_CASE("an account's blobs take no more than it may have, and the operator may allow more") {
    World world;
    AccountLimits limits;
    limits.blobs = Size{10};
    limit(world, limits);
    CHECK(world.store("1234567").ok());
    CHECK(world.store("1234567").ok());
    const Status more = world.store("12345");
    REQUIRE_FALSE(more.ok());
    CHECK(more.error().what ==
          "blobs: the account's limit is 10B, of which 7 bytes are used; this one needs 5");
    limits.blobs = Size{limits::account_blobs.bytes * 2};
    limit(world, limits);
    CHECK(world.store("12345").ok());
    CHECK(most(world.market.state().accounts.at(world.buyer)).blobs == limits.blobs);
    world.replay();
}

TEST_CASE("what runs may leave its outputs when a limit was lowered, and nothing new begins") {
    World world;
    world.provider(1, core_price(1'000));
    CHECK(world.submit(simple_job()).ok());
    AccountLimits limits;
    limits.blobs = Size{3};
    limit(world, limits);
    CHECK(world.store("12345").error().code == Code::exhausted);
    CHECK(world.submit(simple_job()).ok());
    CHECK(world.store("12345", world.live().at(0)).ok());
    refused(world, simple_job(),
            "blobs: the account's limit is 3B, and it has 5 bytes; no job begins until some are "
            "dropped");
    world.replay();
}

TEST_CASE("an account gives itself only limits within the operator's, and the tighter holds") {
    World world;
    AccountLimits market;
    market.budget_day = Lamports{1'000};
    market.jobs_open = 10;
    limit(world, market);
    AccountLimits own;
    own.budget_day = Lamports{1'001};
    const Status above = world.market.limit_account(
        {world.buyer, own, LimitedBy::account, world.clock}, world.batch);
    REQUIRE_FALSE(above.ok());
    CHECK(above.error().code == Code::denied);
    CHECK(above.error().what ==
          "budget_day: expected at most what the operator allows, 0.000001 credit");
    own = {Lamports{500}, Lamports{1'000}, 3, {}, {}};
    limit(world, own, LimitedBy::account);
    const Account& account = world.market.state().accounts.at(world.buyer);
    CHECK(most(account).budget_total == Lamports{500});
    CHECK(most(account).jobs_open == 3U);
    CHECK(most(account).blobs == limits::account_blobs);
    // The operator's word later is the tighter one.
    market.jobs_open = 1;
    limit(world, market);
    CHECK(most(account).jobs_open == 1U);
    limit(world, {}, LimitedBy::account);
    CHECK_FALSE(most(account).budget_total);
    CHECK(most(account).budget_day == Lamports{1'000});
    AccountLimits below;
    below.budget_total = Lamports{-1};
    CHECK(world.market
              .limit_account({world.buyer, below, LimitedBy::market, world.clock}, world.batch)
              .error()
              .code == Code::invalid);
    const AccountId nobody{999};
    CHECK(world.market.limit_account({nobody, {}, LimitedBy::market, world.clock}, world.batch)
              .error()
              .code == Code::not_found);
    world.replay();
}

/// A buyer and an operator who do what they like.
class Player {
public:
    explicit Player(std::uint64_t seed) : random_(seed) {
        world_.provider(3, core_price(3'600'000));
    }

    void act() {
        const std::uint64_t dice = random_.below(10);
        if (dice == 0) return change();
        if (dice < 5) return submit();
        if (dice < 7 && !jobs_.empty()) return cancel();
        if (dice < 9 && !world_.live().empty()) {
            const auto ran = static_cast<std::int64_t>(random_.between(1, 30'000));
            return world_.work(world_.live().front(), Duration{ran});
        }
        world_.advance(Duration{static_cast<std::int64_t>(random_.below(50'000'000))});
    }

    void replay() const { world_.replay(); }

private:
    void change() {
        limits_.budget_total = Lamports{static_cast<std::int64_t>(random_.below(40'000'000))};
        limits_.budget_day = Lamports{static_cast<std::int64_t>(random_.below(20'000'000))};
        limits_.jobs_open = random_.below(6);
        limits_.tasks_open = random_.below(12);
        limit(world_, limits_);
    }

    void submit() {
        const auto tasks = static_cast<std::int64_t>(random_.between(1, 5));
        const auto hold = static_cast<std::int64_t>(random_.between(1, 9'000'000));
        const Spent before = spent_of(world_);
        const auto job = world_.submit(simple_job(tasks, hold));
        const Spent now = spent_of(world_);
        if (!job.ok()) {
            CHECK(now == before);
            return;
        }
        jobs_.push_back(job.value());
        const Lamports none_passed = limits_.budget_total.value_or(now.spent + now.held);
        CHECK(now.spent + now.held <= none_passed);
        CHECK(now.placed <= limits_.budget_day.value_or(now.placed));
        CHECK(now.jobs_open <= limits_.jobs_open.value_or(now.jobs_open));
        CHECK(now.tasks_open <= limits_.tasks_open.value_or(now.tasks_open));
    }

    void cancel() {
        const JobId job = random_.pick(jobs_);
        CHECK(world_.market.cancel(job, world_.moment(), world_.batch).ok());
        world_.flush();
    }

    Random random_;
    World world_;
    std::vector<JobId> jobs_;
    AccountLimits limits_;
};

TEST_CASE("whatever happens, no limit is passed, and the sums are those of the jobs") {
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        Player player(seed);
        for (int i = 0; i < 60; ++i) player.act();
        player.replay();
    }
}

}  // namespace
}  // namespace shoal::market
