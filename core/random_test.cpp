#include "core/random.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>
#include <vector>

#include <doctest/doctest.h>

namespace shoal {
namespace {

TEST_CASE("a seed gives the same numbers everywhere") {
    // SplitMix64's published sequence for the seed 1234567.
    Random random(1'234'567);
    CHECK(random.between(0, UINT64_MAX) == 6'457'827'717'110'365'317U);
    CHECK(random.between(0, UINT64_MAX) == 3'203'168'211'198'807'973U);
    CHECK(random.between(0, UINT64_MAX) == 9'817'491'932'198'370'423U);
}

TEST_CASE("every number below the bound comes, none above, about equally often") {
    Random random(5);
    std::array<int, 7> counts{};
    for (int i = 0; i < 70'000; ++i) ++counts.at(random.below(counts.size()));
    for (const int count : counts) CHECK(std::abs(count - 10'000) < 500);
    CHECK(random.below(1) == 0);
}

TEST_CASE("a bound near 2^64 favours no half") {
    // A plain remainder would give the lower half of these two thirds of the time.
    constexpr std::uint64_t bound = 3ULL << 62;
    Random random(6);
    int low = 0;
    for (int i = 0; i < 10'000; ++i) low += random.below(bound) < bound / 3 ? 1 : 0;
    CHECK(std::abs(low - 3'333) < 300);
}

TEST_CASE("between includes both ends") {
    Random random(7);
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 200; ++i) seen.insert(random.between(3, 5));
    CHECK(seen == std::set<std::uint64_t>{3, 4, 5});
    CHECK(random.between(9, 9) == 9);
}

TEST_CASE("percent 0 is never and percent 100 always") {
    Random random(8);
    for (int i = 0; i < 100; ++i) {
        CHECK_FALSE(random.percent(0));
        CHECK(random.percent(100));
    }
}

TEST_CASE("a shuffle keeps the items and reaches every order") {
    Random random(9);
    std::set<std::vector<int>> orders;
    for (int i = 0; i < 200; ++i) {
        std::vector items{1, 2, 3};
        random.shuffle(items);
        orders.insert(items);
        std::ranges::sort(items);
        CHECK(items == std::vector{1, 2, 3});
    }
    CHECK(orders.size() == 6);
}

TEST_CASE("pick gives an item that can be changed") {
    Random random(10);
    std::vector items{1, 1, 1};
    random.pick(items) = 2;
    CHECK(std::ranges::count(items, 2) == 1);
    const std::set<int> one{4};
    CHECK(random.pick(one) == 4);
}

TEST_CASE("a fork goes its own way") {
    Random random(11);
    Random first = random.fork();
    Random second = random.fork();
    CHECK(first.between(0, UINT64_MAX) != second.between(0, UINT64_MAX));
}

}  // namespace
}  // namespace shoal
