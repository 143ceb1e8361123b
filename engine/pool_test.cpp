#include "engine/pool.h"

#include <atomic>
#include <cfenv>
#include <vector>

#include <doctest/doctest.h>

#include "engine/environment.h"

namespace shoal::engine {
namespace {

TEST_CASE("each tile is done once, by slots that nobody shares") {
    for (const int threads : {1, 2, 3}) {
        Pool pool(threads);
        CHECK(pool.threads() == threads);
        for (Index count = 0; count < 40; ++count) {
            std::vector<std::atomic<int>> done(static_cast<std::size_t>(count));
            std::vector<std::atomic<int>> users(static_cast<std::size_t>(threads));
            std::atomic<bool> shared = false;
            pool.run(count, [&](Index tile, int slot) {
                auto& user = users[static_cast<std::size_t>(slot)];
                if (++user != 1) shared = true;
                ++done[static_cast<std::size_t>(tile)];
                --user;
            });
            for (const auto& times : done) CHECK(times == 1);
            CHECK(!shared);
        }
    }
}

TEST_CASE("what a tile hands to the pool runs on the spot") {
    Pool pool(3);
    std::atomic<int> inner = 0;
    pool.run(8, [&](Index, int) { pool.run(5, [&](Index, int) { ++inner; }); });
    CHECK(inner == 40);
}

TEST_CASE("jobs in quick succession, and pools that end at once") {
    for (int round = 0; round < 20; ++round) {
        Pool pool(3);
        std::atomic<int> done = 0;
        for (int job = 0; job < 50; ++job) pool.run(3, [&](Index, int) { ++done; });
        CHECK(done == 150);
    }
}

TEST_CASE("another rounding mode is noticed") {
    CHECK(arithmetic_is_right());
    std::fesetround(FE_TOWARDZERO);
    const bool right = arithmetic_is_right();
    std::fesetround(FE_UPWARD);
    const bool up = arithmetic_is_right();
    std::fesetround(FE_TONEAREST);
    CHECK(!right);
    CHECK(!up);
    CHECK(arithmetic_is_right());
}

}  // namespace
}  // namespace shoal::engine
