#pragma once

#include <array>
#include <cstdint>

namespace shoal::engine {

/// The key of a job and the place that numbers are drawn for: which op or tensor, at which step.
struct Draw {
    std::array<std::uint32_t, 2> key{};
    std::uint32_t owner = 0;
    std::uint32_t step = 0;
};

/// Philox4x32-10 (Salmon, Moraes, Dror, Shaw, 2011): four numbers that look random, of a counter
/// and a key. Nothing is kept from draw to draw, so any op can be done again alone, and on any
/// thread.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                    std::array<std::uint32_t, 2> key);

/// The number `index` of a draw, from 0 to below 1, a multiple of 2^-24.
float uniform(const Draw&, std::uint64_t index);

}  // namespace shoal::engine
