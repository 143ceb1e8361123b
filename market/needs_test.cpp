#include "market/needs.h"

#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include "core/random.h"
#include "market/matching.h"
#include "market/state.h"

namespace shoal::market {
namespace {

protocol::Price some_price(Random& random) {
    const auto part = [&] {
        constexpr std::uint64_t dearest = 1'000'000;
        return Lamports{static_cast<std::int64_t>(random.percent(20) ? 0 : random.below(dearest))};
    };
    return {part(), part(), part(), part(), part()};
}

protocol::Resources some_needs(Random& random) {
    protocol::Resources needed;
    needed.cores = static_cast<std::uint32_t>(random.below(16));
    needed.memory = Size{random.below(std::uint64_t{1} << random.between(20, 40))};
    needed.gpu.count = static_cast<std::uint32_t>(random.below(3));
    return needed;
}

Machine with_price(const protocol::Price& price) {
    Provider provider;
    provider.offer.price = price;
    return machine(provider, {});
}

TEST_CASE("an hour on one machine is bounded exactly, on several from below") {
    Random random(1);
    for (int round = 0; round < 3'000; ++round) {
        const protocol::Resources needed = some_needs(random);
        std::vector<protocol::Price> prices;
        Machine all = with_price(prices.emplace_back(some_price(random)));
        for (std::uint64_t more = random.below(5); more > 0; --more) {
            all.add(with_price(prices.emplace_back(some_price(random))));
        }
        for (const protocol::Price& price : prices) {
            const Lamports cost = hourly(price, needed).value();
            CHECK(least_hourly(with_price(price), needed) == cost);
            CHECK(least_hourly(all, needed) <= cost);
        }
    }
}

TEST_CASE("for the usual task the bound of several is the lowest price there is") {
    constexpr std::int64_t low = 1;
    constexpr std::int64_t high = 100;
    protocol::Price cheap_cores;
    cheap_cores.core_hour = Lamports{low};
    cheap_cores.gib_hour = Lamports{high};
    protocol::Price cheap_memory;
    cheap_memory.core_hour = Lamports{high};
    cheap_memory.gib_hour = Lamports{low};
    Machine both = with_price(cheap_cores);
    both.add(with_price(cheap_memory));
    CHECK(least_hourly(both, {1, 1_GiB, {}, {}}) == Lamports{low + high});
    CHECK(least_hourly(both, {2, 1_GiB, {}, {}}) == Lamports{low + high + low});
}

TEST_CASE("a price beyond all numbers bounds nothing away wrongly") {
    protocol::Price huge;
    huge.core_hour = Lamports{INT64_MAX};
    huge.gib_hour = Lamports{INT64_MAX};
    Machine both = with_price(huge);
    CHECK(usual_price(huge) == Lamports{INT64_MAX});
    CHECK(least_hourly(both, {UINT32_MAX, Size{UINT64_MAX}, {}, {}}) == Lamports{INT64_MAX});
    both.add(with_price({}));
    CHECK(least_hourly(both, {UINT32_MAX, Size{UINT64_MAX}, {}, {}}) == Lamports{0});
}

}  // namespace
}  // namespace shoal::market
