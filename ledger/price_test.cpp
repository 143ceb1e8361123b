#include "ledger/price.h"

#include <limits>
#include <string>

#include <doctest/doctest.h>

#include "core/random.h"

namespace shoal::ledger {

using protocol::Price;

namespace {

constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();

Price price(std::int64_t start, std::int64_t hour, std::int64_t core, std::int64_t gpu,
            std::int64_t gib) {
    return {Lamports{start}, Lamports{hour}, Lamports{core}, Lamports{gpu}, Lamports{gib}};
}

/// "charge quote", or the quote's refusal in its place.
std::string costs(const Price& asked, const Footprint& footprint, Duration time) {
    const auto quoted = quote(asked, footprint, time);
    return to_string(charge(asked, footprint, time)) + " " +
           (quoted.ok() ? to_string(quoted.value()) : "refused");
}

TEST_CASE("charges are rounded down once and quotes up once") {
    using std::chrono::hours;
    using std::chrono::seconds;
    struct Row {
        Price price;
        Footprint footprint;
        Duration time;
        const char* charge_and_quote;
    };
    const Row rows[] = {
        // start hour core gpu gib     cores gpus memory     time                  charge quote
        {price(0, 0, 0, 0, 0), {1, 0, 1_GiB}, hours{1}, "0 0"},
        {price(5, 0, 0, 0, 0), {1, 0, 1_GiB}, hours{0}, "5 5"},
        {price(0, 3'600, 0, 0, 0), {0, 0, {}}, seconds{1}, "1 1"},
        {price(0, 3'600, 0, 0, 0), {0, 0, {}}, Duration{999}, "0 1"},
        {price(0, 3'600, 0, 0, 0), {0, 0, {}}, Duration{1'001}, "1 2"},
        {price(7, 100, 10, 1'000, 1), {4, 2, 8_GiB}, hours{1}, "2155 2155"},
        {price(0, 0, 0, 0, 1), {0, 0, {1}}, hours{1}, "0 1"},
        {price(0, 0, 0, 0, 1), {0, 0, 512_MiB}, hours{2}, "1 1"},
        {price(0, 0, 0, 0, 1), {0, 0, 512_MiB}, hours{3}, "1 2"},
        // Two halves of a lamport make one: the parts are not rounded, only their sum.
        {price(0, 0, 1, 0, 1), {1, 0, 1_GiB}, Duration{1'800'000}, "1 1"},
        {price(1, 30, 0, 0, 0), {0, 0, {}}, hours{24 * 365}, "262801 262801"},
        // What does not fit is the largest amount, which every hold caps; it is never quoted.
        {price(0, most, 0, 0, 0), {0, 0, {}}, hours{1}, "9223372036854775807 9223372036854775807"},
        {price(1, most, 0, 0, 0), {0, 0, {}}, hours{1}, "9223372036854775807 refused"},
        {price(most, most, most, most, most),
         {~0U, ~0U, {~0ULL}},
         hours{24 * 3'650},
         "9223372036854775807 refused"},
    };
    for (const Row& row : rows) {
        CHECK(costs(row.price, row.footprint, row.time) == row.charge_and_quote);
    }
}

TEST_CASE("a charge never exceeds the quote, and the two differ by one lamport at most") {
    Random random(11);
    for (int i = 0; i < 2'000; ++i) {
        const auto part = [&] { return static_cast<std::int64_t>(random.below(1'000'000'000)); };
        const Price asked = price(part(), part(), part(), part(), part());
        const Footprint footprint{static_cast<std::uint32_t>(random.below(256)),
                                  static_cast<std::uint32_t>(random.below(8)),
                                  Size{random.below(1ULL << 40)}};
        const Duration time{static_cast<std::int64_t>(random.below(86'400'000))};
        const Lamports charged = charge(asked, footprint, time);
        const Lamports quoted = quote(asked, footprint, time).value();
        CHECK(charged <= quoted);
        CHECK(quoted.value - charged.value <= 1);
        CHECK(charged <= charge(asked, footprint, time + Duration{1}));
    }
}

TEST_CASE("a price below zero is refused") {
    CHECK(check_price(price(0, 0, 0, 0, 0)).ok());
    for (const Price& wrong : {price(-1, 0, 0, 0, 0), price(0, -1, 0, 0, 0), price(0, 0, -1, 0, 0),
                               price(0, 0, 0, -1, 0), price(0, 0, 0, 0, -1)}) {
        CHECK(check_price(wrong).error().code == Code::invalid);
    }
}

TEST_CASE("a split gives the remainder to the provider") {
    struct Row {
        std::int64_t charge;
        std::uint32_t fee_basis_points;
        std::int64_t provider;
        std::int64_t fee;
    };
    const Row rows[] = {
        {0, 1'000, 0, 0},
        {1, 1'000, 1, 0},
        {9, 1'000, 9, 0},
        {10, 1'000, 9, 1},
        {19, 1'000, 18, 1},
        {20, 1'000, 18, 2},
        {1'000, 0, 1'000, 0},
        {1'000, 10'000, 0, 1'000},
        {9'999, 1, 9'999, 0},
        {10'000, 1, 9'999, 1},
        {most, 1'000, most - most / 10, most / 10},
        {most, 10'000, 0, most},
    };
    for (const Row& row : rows) {
        CHECK(split(Lamports{row.charge}, row.fee_basis_points) ==
              Split{Lamports{row.provider}, Lamports{row.fee}});
    }
    CHECK(split(Lamports{100}) == Split{Lamports{90}, Lamports{10}});
}

}  // namespace
}  // namespace shoal::ledger
