// What one account may make the market remember.

#include <doctest/doctest.h>

#include "core/limits.h"
#include "market/world_for_test.h"

namespace shoal::market {

namespace {

std::array<std::uint8_t, 32> seed(std::size_t number) {
    return {1, static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(number >> 8U)};
}

TEST_CASE("an account has so many providers, and another one is refused") {
    World world;
    const AccountId owner = world.account();
    const AccountId other = world.account();
    protocol::Offer offer;
    offer.name = "machine";
    offer.capacity = {1, 1_GiB, 1_GiB, {}};
    const auto join = [&](AccountId account, std::size_t number) {
        const PublicKey key = SecretKey(seed(number)).public_key();
        auto joined = world.market.join(account, key, offer, world.moment(), world.batch);
        if (joined.ok()) world.market.leave(joined.value());
        return joined;
    };
    for (std::size_t i = 0; i < limits::providers_per_account; ++i) REQUIRE(join(owner, i).ok());
    const auto refused = join(owner, limits::providers_per_account);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == Code::exhausted);
    CHECK(join(owner, 0).ok());  // one that is known
    CHECK(join(other, limits::providers_per_account).ok());
}

TEST_CASE("tasks that have not ended are counted for their account alone") {
    World world;
    const AccountId other = world.account();
    const JobId job = world.submit(simple_job(5)).value();
    CHECK(world.submit(simple_job(2)).ok());
    CHECK(world.market.spending().of(world.buyer).tasks_open == 7);
    CHECK(world.market.spending().of(other).tasks_open == 0);
    CHECK(world.market.cancel(job, world.moment(), world.batch).ok());
    world.flush();
    CHECK(world.market.spending().of(world.buyer).tasks_open == 2);
    world.replay();
}

}  // namespace

}  // namespace shoal::market
