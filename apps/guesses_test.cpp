#include "apps/guesses.h"

#include <doctest/doctest.h>

namespace shoal::apps {

namespace {

Time at(std::int64_t ms) {
    return Time{Duration{1'000'000 + ms}};
}

TEST_CASE("a few wrong keys cost nothing, more wait longer and longer, up to a bound") {
    Guesses guesses;
    for (std::uint32_t i = 0; i < Guesses::free_of_charge; ++i) {
        CHECK(guesses.note("10.0.0.1", at(i)) == Duration{0});
    }
    Duration before{0};
    for (int i = 0; i < 20; ++i) {
        const Duration wait = guesses.note("10.0.0.1", at(100 + i));
        CHECK(wait >= before);
        CHECK(wait > Duration{0});
        before = wait;
    }
    CHECK(before == Guesses::wait_most);
    CHECK(guesses.note("10.0.0.2", at(200)) == Duration{0});
}

TEST_CASE("who has not guessed for a while is forgotten") {
    Guesses guesses;
    for (int i = 0; i < 20; ++i) guesses.note("10.0.0.1", at(i));
    CHECK(guesses.note("10.0.0.1", at(20) + Guesses::forgotten_after) == Duration{0});
    CHECK(guesses.note("10.0.0.2", at(20) + 3 * Guesses::forgotten_after) == Duration{0});
    CHECK(guesses.size() == 1);
}

TEST_CASE("however many guess, so many are remembered, and the others wait longest") {
    Guesses guesses;
    for (std::size_t i = 0; i < Guesses::peers_most; ++i) guesses.note(std::to_string(i), at(0));
    CHECK(guesses.note("another", at(1)) == Guesses::wait_most);
    CHECK(guesses.size() == Guesses::peers_most);
}

}  // namespace

}  // namespace shoal::apps
