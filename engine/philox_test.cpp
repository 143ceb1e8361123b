#include "engine/philox.h"

#include <doctest/doctest.h>

namespace shoal::engine {
namespace {

using Four = std::array<std::uint32_t, 4>;

TEST_CASE("Philox gives the numbers that its authors published") {
    CHECK(philox({0, 0, 0, 0}, {0, 0}) == Four{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
    constexpr std::uint32_t ones = 0xffffffff;
    CHECK(philox({ones, ones, ones, ones}, {ones, ones}) ==
          Four{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
    CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
          Four{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("uniform numbers lie from 0 to below 1 and differ by owner, step and place") {
    double sum = 0;
    for (std::uint64_t i = 0; i < 4000; ++i) {
        const float number = uniform({{1, 2}, 3, 4}, i);
        CHECK(number >= 0);
        CHECK(number < 1);
        sum += static_cast<double>(number);
    }
    CHECK(sum / 4000 == doctest::Approx(0.5).epsilon(0.03));
    CHECK(uniform({{1, 2}, 3, 4}, 7) != uniform({{1, 2}, 3, 5}, 7));
    CHECK(uniform({{1, 2}, 3, 4}, 7) != uniform({{1, 2}, 4, 4}, 7));
    CHECK(uniform({{1, 2}, 3, 4}, 7) != uniform({{1, 3}, 3, 4}, 7));
}

}  // namespace
}  // namespace shoal::engine
