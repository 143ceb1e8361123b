#include <chrono>

#include <doctest/doctest.h>

#include "market/farm_for_test.h"

namespace shoal::market {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a task that ends before kept room is needed may use it meanwhile, a longer one not") {
    Farm farm(4);
    protocol::JobSpec hour = one_core(1);
    hour.limits.time = Span{1h};
    farm.submit_for(farm.buyer, hour);
    CHECK(farm.hear(farm.ids.at(0), protocol::session::Started{farm.live().at(0)}).ok());
    protocol::JobSpec spec = one_core(1);
    spec.resources.cores = 4;
    const JobId big = farm.submit_for(farm.rich("big"), spec);
    farm.stay(61s);
    REQUIRE(farm.market.reservations().has(big));
    protocol::JobSpec long_one = hour;
    const JobId delayed = farm.submit_for(farm.buyer, long_one);
    CHECK(farm.leased(delayed) == 0);
    protocol::JobSpec quick = one_core(1);
    quick.limits.time = Span{30min};
    const JobId filler = farm.submit_for(farm.buyer, quick);
    CHECK(farm.leased(filler) == 1);
    farm.replay();
}

/// One machine of four cores, of which one is in use for an hour; room is kept for `big`, and
/// `delayed` waits because of that alone.
struct KeptRoom {
    KeptRoom() {
        protocol::JobSpec hour = one_core(1);
        hour.limits.time = Span{1h};
        farm.submit_for(farm.buyer, hour);
        CHECK(farm.hear(farm.ids.at(0), protocol::session::Started{farm.live().at(0)}).ok());
        protocol::JobSpec spec = one_core(1);
        spec.resources.cores = 4;
        big = farm.submit_for(farm.rich("big"), spec);
        farm.stay(61s);
        REQUIRE(farm.market.reservations().has(big));
        delayed = farm.submit_for(farm.buyer, hour);
        REQUIRE(farm.leased(delayed) == 0);
    }
    Farm farm{4};
    JobId big;
    JobId delayed;
};

TEST_CASE("who was held back by kept room has it as soon as nobody needs it any more") {
    KeptRoom room;
    CHECK(room.farm.market.cancel(room.big, room.farm.moment(), room.farm.batch).ok());
    room.farm.flush();
    CHECK(room.farm.leased(room.delayed) == 1);
    room.farm.replay();
}

TEST_CASE("who was held back by kept room has it when it is served elsewhere") {
    KeptRoom room;
    room.farm.provider(4, {});
    CHECK(room.farm.leased(room.big) == 1);
    CHECK(room.farm.leased(room.delayed) == 1);
    CHECK_FALSE(room.farm.market.reservations().has(room.big));
    room.farm.replay();
}

TEST_CASE("room is kept for nobody who has gone, nor on a machine that has") {
    Farm farm(4, 2);
    protocol::JobSpec spec = one_core(2);
    spec.resources.cores = 3;
    farm.submit_for(farm.buyer, spec);
    spec.resources.cores = 4;
    const JobId big = farm.submit_for(farm.rich("big"), spec);
    farm.stay(61s);
    REQUIRE(farm.market.reservations().has(big));
    for (const ProviderId id : farm.ids) farm.market.leave(id);
    CHECK_FALSE(farm.market.reservations().has(big));
    for (const ProviderId id : farm.ids) farm.rejoin(id);
    farm.advance(1s);
    REQUIRE(farm.market.reservations().has(big));
    CHECK(farm.market.cancel(big, farm.moment(), farm.batch).ok());
    farm.flush();
    farm.advance(1s);
    CHECK_FALSE(farm.market.reservations().has(big));
    const JobId next = farm.submit_for(farm.buyer, one_core(1));
    CHECK(farm.leased(next) == 1);
}

}  // namespace
}  // namespace shoal::market
