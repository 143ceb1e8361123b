#include "market/fair_share.h"

#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include "core/random.h"

namespace shoal::market {

namespace {

using namespace std::chrono_literals;

constexpr Duration day{86'400'000};
constexpr Time start{Duration{1'790'000'000'000}};

TEST_CASE("use counts half after a half-life, whoever is looked at when") {
    const DecayedUse old = use_at(1'000'000, start, day);
    const DecayedUse half = use_at(500'000, start + day, day);
    CHECK(old == half);
    CHECK(use_at(500'001, start + day, day) > old);
    CHECK(worth(old, start, day) == doctest::Approx(1'000'000).epsilon(0.02));
    CHECK(worth(old, start + 3 * day, day) == doctest::Approx(125'000).epsilon(0.02));
}

TEST_CASE("the sum of uses is near their exact decayed sum") {
    Random random(3);
    DecayedUse sum;
    std::vector<std::pair<Time, double>> uses;
    Time now = start;
    for (int i = 0; i < 2'000; ++i) {
        now += Duration{random.below(3'600'000)};
        const std::uint64_t amount = random.below(1'000'000'000'000);
        sum = sum + use_at(amount, now, day);
        uses.emplace_back(now, static_cast<double>(amount));
    }
    double exact = 0;
    for (const auto& [time, amount] : uses) {
        exact += amount * std::exp2(-static_cast<double>((now - time).count()) / 86'400'000.0);
    }
    CHECK(worth(sum, now, day) == doctest::Approx(exact).epsilon(0.02));
}

TEST_CASE("what was not used is given back, and never more than was there") {
    const DecayedUse first = use_at(60'000, start, day);
    CHECK((first + use_at(40'000, start, day)) - use_at(40'000, start, day) == first);
    CHECK(first - first == DecayedUse{});
    CHECK(first - use_at(60'001, start, day) == DecayedUse{});
    CHECK(DecayedUse{} - first == DecayedUse{});
    CHECK(first - DecayedUse{} == first);
}

TEST_CASE("who has twice the weight may use twice as much") {
    const DecayedUse one = use_at(1'000, start, day);
    const DecayedUse two = use_at(2'000, start, day);
    CHECK(share(one, 100) == share(two, 200));
    CHECK(share(one, 100) < share(two, 199));
    CHECK(share({}, 100) == DecayedUse{});
    CHECK(share(one, 1) > share(one, 10'000));
}

TEST_CASE("what is too small beside the rest is dropped, and order is by size") {
    const DecayedUse large = use_at(~std::uint64_t{0} >> 8U, start + 1'000 * day, day);
    CHECK(large + use_at(1, start, day) == large);
    CHECK(large > use_at(1, start, day));
    CHECK(DecayedUse{} < use_at(1, start, day));
    CHECK(use_at(0, start, day) == DecayedUse{});
}

TEST_CASE("a task occupies by its cores, memory and GPUs") {
    protocol::Resources needed{2, 4_GiB, 1_GiB, {}};
    CHECK(units(needed) == 2 * 1'000 + 4 * 256);
    needed.gpu.count = 1;
    CHECK(units(needed) == 2 * 1'000 + 4 * 256 + 16'000);
}

}  // namespace

}  // namespace shoal::market
