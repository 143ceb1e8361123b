#include "apps/pace.h"

#include <doctest/doctest.h>

namespace shoal::apps {

namespace {

constexpr Time begin{Duration{5'000'000}};

TEST_CASE("who keeps to the pace never waits") {
    Pace pace(1'000);
    for (std::int64_t ms = 0; ms < 5'000; ++ms) {
        CHECK(pace.spend(1, begin + Duration{ms}) <= Duration{1});
    }
}

TEST_CASE("who is faster waits until all that came would have been in time") {
    Pace pace(100);
    pace.spend(1, begin);
    Duration wait{0};
    for (int i = 0; i < 399; ++i) wait = pace.spend(1, begin);
    CHECK(wait == Duration{4'000});
    CHECK(pace.spend(1, begin + Duration{4'000}) <= Duration{10});
}

TEST_CASE("a quiet time saves up a second's worth and no more") {
    Pace pace(100);
    pace.spend(1, begin);
    const Time later = begin + Duration{60'000};
    CHECK(pace.spend(100, later) == Duration{0});
    CHECK(pace.spend(100, later) == Duration{1'000});
}

TEST_CASE("small parts of a unit's time are not lost") {
    Pace pace(3'000);
    pace.spend(1, begin);
    for (int i = 0; i < 2'999; ++i) pace.spend(1, begin);
    CHECK(pace.spend(0, begin) == Duration{1'000});
}

}  // namespace

}  // namespace shoal::apps
