#include "engine/philox.h"

namespace shoal::engine {

namespace {

struct Halves {
    std::uint32_t high;
    std::uint32_t low;
};

Halves product(std::uint32_t a, std::uint32_t b) {
    const std::uint64_t whole = std::uint64_t{a} * b;
    return {static_cast<std::uint32_t>(whole >> 32), static_cast<std::uint32_t>(whole)};
}

}  // namespace

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                    std::array<std::uint32_t, 2> key) {
    constexpr int rounds = 10;
    for (int round = 0; round < rounds; ++round) {
        const Halves first = product(0xd2511f53, counter[0]);
        const Halves second = product(0xcd9e8d57, counter[2]);
        counter = {second.high ^ counter[1] ^ key[0], second.low, first.high ^ counter[3] ^ key[1],
                   first.low};
        key[0] += 0x9e3779b9;
        key[1] += 0xbb67ae85;
    }
    return counter;
}

float uniform(const Draw& draw, std::uint64_t index) {
    const std::uint64_t block = index / 4;
    const auto numbers = philox({static_cast<std::uint32_t>(block),
                                 static_cast<std::uint32_t>(block >> 32), draw.step, draw.owner},
                                draw.key);
    return static_cast<float>(numbers[index % 4] >> 8) * 0x1p-24F;
}

}  // namespace shoal::engine
