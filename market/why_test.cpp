#include "market/why.h"

#include <algorithm>

#include <doctest/doctest.h>

#include "market/world_for_test.h"

namespace shoal::market {

namespace {

using namespace std::chrono_literals;

protocol::JobSpec wants(std::uint32_t cores) {
    protocol::JobSpec spec = simple_job();
    spec.resources.cores = cores;
    return spec;
}

protocol::Offer offer(std::uint32_t cores, std::int64_t core_hour, const std::string& region) {
    protocol::Offer made;
    made.name = "machine";
    made.capacity = {cores, 8_GiB, 8_GiB, {}};
    made.attempts_max = 4;
    made.tier = protocol::Tier::b;
    made.region = region;
    made.price.core_hour = Lamports{core_hour};
    return made;
}

const protocol::Requirement& row(const std::vector<protocol::Requirement>& all,
                                 std::string_view name) {
    return *std::ranges::find(all, name, &protocol::Requirement::name);
}

TEST_CASE("why counts who passes alone, and who would fit without it") {
    World world;
    world.provider(offer(2, 10, "south"));
    world.provider(offer(8, 10, "north"));
    world.provider(offer(8, 10, "north"));
    protocol::JobSpec spec = wants(4);
    spec.placement.regions = {"south"};
    const JobId job = world.submit(spec).value();
    const protocol::JobWhy answer = why(world.market, job, world.clock);
    CHECK(answer.fit == 0);
    CHECK(row(answer.requirements, "cores").pass == 2);
    CHECK(row(answer.requirements, "cores").fit_without == 1);
    CHECK(row(answer.requirements, "region").pass == 1);
    CHECK(row(answer.requirements, "region").fit_without == 2);
    CHECK(row(answer.requirements, "memory").fit_without == 0);
    CHECK(answer.sentence ==
          "none of 3 providers online passes every requirement; most fail only: region");
    CHECK(answer.help.at(0) == "name more regions");
}

TEST_CASE("why says whose turn it is and when there is room at the latest") {
    World world;
    const ProviderId machine = world.provider(offer(1, 10, ""));
    protocol::JobSpec spec = wants(1);
    spec.limits.time = Span{30min};
    CHECK(world.submit(spec).ok());
    CHECK(world.hear(machine, protocol::session::Started{world.live().at(0)}).ok());
    const JobId second = world.submit(spec).value();
    const JobId third = world.submit(spec).value();
    world.advance(50s);  // within the lease's term
    const protocol::JobWhy answer = why(world.market, third, world.clock);
    REQUIRE(answer.turn.has_value());
    CHECK(answer.turn->own_jobs_before == 1);
    CHECK(answer.turn->buyers_before == 0);
    CHECK(answer.turn->used_core_hours > 0);
    CHECK(answer.position == 2);
    CHECK(answer.fit == 1);
    CHECK(why(world.market, second, world.clock).position == 1);
}

TEST_CASE("a busy machine has room when what runs there has used its time") {
    World world;
    const ProviderId machine = world.provider(offer(1, 10, ""));
    protocol::JobSpec spec = wants(1);
    spec.limits.time = Span{30min};
    CHECK(world.submit(spec).ok());
    CHECK(world.hear(machine, protocol::session::Started{world.live().at(0)}).ok());
    const Time begun = world.clock;
    const JobId waits = world.submit(spec).value();
    world.advance(20s);
    const protocol::JobWhy answer = why(world.market, waits, world.clock);
    CHECK(answer.room_at == begun + 30min);
    CHECK(answer.sentence ==
          "all 1 providers that fit are busy; one has room in 29m40s at the latest");
}

TEST_CASE("prices are the steps at which more providers would pass") {
    World world;
    for (const std::int64_t price : {10, 20, 20, 90}) world.provider(offer(4, price, ""));
    protocol::JobSpec spec = wants(1);
    spec.resources.memory = 1_GiB;
    Job job;
    job.account = world.buyer;
    job.spec = spec;
    const auto steps = price_steps_for(world.market, job);
    REQUIRE(steps.size() == 3);
    CHECK(steps[0].hour == Lamports{10});
    CHECK(steps[0].providers == 1);
    CHECK(steps[1].hour == Lamports{20});
    CHECK(steps[1].providers == 3);
    CHECK(steps[2].hour == Lamports{90});
    CHECK(steps[2].providers == 4);
    CHECK(steps[2].free == 4);
}

TEST_CASE("a provider without work learns at which part of its price it would have some") {
    World world;
    const ProviderId dear = world.provider(offer(4, 1'000, ""));
    protocol::JobSpec spec = wants(1);
    spec.price.max_hour = Lamports{600};
    world.market.leave(dear);  // else it would be refused: below every offer
    CHECK(world.submit(spec).ok());
    spec.price.max_hour = Lamports{300};
    CHECK(world.submit(spec).ok());
    world.rejoin(dear);
    const protocol::ProviderWhy answer = why(world.market, dear);
    CHECK(answer.tasks_waiting == 2);
    CHECK(answer.tasks_fit == 0);
    REQUIRE(answer.price_cuts.size() == 2);
    CHECK(answer.price_cuts[0].percent == 60);
    CHECK(answer.price_cuts[0].tasks == 1);
    CHECK(answer.price_cuts[1].percent == 30);
    CHECK(answer.price_cuts[1].tasks == 2);
    CHECK(row(answer.requirements, "price").pass == 0);
    CHECK(answer.help.at(0) == "ask a lower price");
}

TEST_CASE("a task tells its tries, and what its job waits for") {
    World world;
    const ProviderId machine = world.provider(offer(1, 10, ""));
    const JobId job = world.submit(wants(1)).value();
    const TaskId task = world.job(job).tasks.at(0);
    CHECK(why(world.market, task, world.clock).sentence == "it runs");
    protocol::session::Finished lost;
    lost.lease = world.live().at(0);
    lost.reason = protocol::Reason::runner_lost;
    CHECK(world.hear(machine, lost).ok());
    const protocol::TaskWhy answer = why(world.market, task, world.clock);
    REQUIRE(answer.tries.size() == 1);
    CHECK(answer.tries[0].reason == protocol::Reason::runner_lost);
    CHECK(answer.retries_left == 1);
    CHECK(answer.not_before.has_value());
    CHECK(answer.waits_for.has_value());
    CHECK(answer.sentence == "it is tried again after a pause");
}

}  // namespace

}  // namespace shoal::market
