#include "engine/arena.h"

#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "core/random.h"

namespace shoal::engine {
namespace {

TEST_CASE("a buffer goes back to its arena with its last holder, and is given out again") {
    Arena arena;
    Buffer first = arena.take(1000);
    Buffer second = first;
    std::byte* bytes = first.bytes();
    first = Buffer();
    CHECK(arena.use().live_bytes > 0);
    Buffer last = std::move(second);
    CHECK(last.bytes() == bytes);
    last = Buffer();
    CHECK(arena.use().live_bytes == 0);
    CHECK(arena.take(900).bytes() == bytes);
}

TEST_CASE("the same sizes again take nothing from the system") {
    Arena arena;
    const auto step = [&arena] {
        std::vector<Buffer> held;
        for (const std::size_t size : {1UL, 64UL, 300UL, 4096UL, 5000UL, 1'000'000UL}) {
            held.push_back(arena.take(size));
        }
    };
    step();
    const Arena::Use first = arena.use();
    step();
    CHECK(arena.use().system_requests == first.system_requests);
    CHECK(arena.use().peak_bytes == first.peak_bytes);
    CHECK(arena.use().live_bytes == 0);
    arena.trim();
    CHECK(arena.use().held_bytes == 0);
}

TEST_CASE("a buffer has what was asked for, a quarter of waste at most, and is aligned") {
    Arena arena;
    Random random(3);
    for (int draw = 0; draw < 500; ++draw) {
        const std::size_t wanted = 256 + random.below(1ULL << random.between(1, 22));
        const std::size_t before = arena.use().live_bytes;
        const Buffer buffer = arena.take(wanted);
        const std::size_t given = arena.use().live_bytes - before;
        CHECK(given >= wanted);
        CHECK(given <= wanted + wanted / 4 + 64);
        CHECK(reinterpret_cast<std::uintptr_t>(buffer.bytes()) % 64 == 0);
        std::memset(buffer.bytes(), 0x5a, wanted);  // the sanitizer sees what is too little
    }
}

}  // namespace
}  // namespace shoal::engine
