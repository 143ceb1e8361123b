#include "core/lamports.h"

#include <cstdint>
#include <limits>
#include <string>

#include <doctest/doctest.h>

#include "core/random.h"

namespace shoal {
namespace {

constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();

std::string parsed(std::string_view text) {
    const auto amount = parse_lamports(text);
    return amount.ok() ? to_string(amount.value()) : "refused";
}

TEST_CASE("an amount is lamports, or SOL with at most nine decimals") {
    struct Row {
        const char* text;
        const char* lamports;
    };
    for (const Row& row : {Row{"0", "0"},
                           Row{"2000000", "2000000"},
                           Row{"0.002SOL", "2000000"},
                           Row{"1SOL", "1000000000"},
                           Row{"1.5SOL", "1500000000"},
                           Row{"0.000000001SOL", "1"},
                           Row{"9223372036854775807", "9223372036854775807"},
                           Row{"9223372036.854775807SOL", "9223372036854775807"},
                           Row{"9223372036854775808", "refused"},
                           Row{"9223372036.854775808SOL", "refused"},
                           Row{"99999999999999999999SOL", "refused"},
                           Row{"0.0000000001SOL", "refused"},
                           Row{"1.5", "refused"},
                           Row{"-1", "refused"},
                           Row{"-1SOL", "refused"},
                           Row{"1.-5SOL", "refused"},
                           Row{"+1", "refused"},
                           Row{"", "refused"},
                           Row{"SOL", "refused"},
                           Row{".5SOL", "refused"},
                           Row{"1.SOL", "refused"},
                           Row{"1 SOL", "refused"},
                           Row{"1sol", "refused"},
                           Row{"1e9", "refused"},
                           Row{"0x10", "refused"},
                           Row{"1,5SOL", "refused"}}) {
        CAPTURE(row.text);
        CHECK(parsed(row.text) == row.lamports);
    }
}

TEST_CASE("a sum that does not fit is an error") {
    CHECK(add(Lamports{most - 1}, Lamports{1}).value() == Lamports{most});
    CHECK(add(Lamports{most}, Lamports{1}).error().code == Code::exhausted);
    CHECK(add(Lamports{least}, Lamports{-1}).error().code == Code::exhausted);
    CHECK(subtract(Lamports{least}, Lamports{1}).error().code == Code::exhausted);
    CHECK(subtract(Lamports{}, Lamports{least}).error().code == Code::exhausted);
    CHECK(Lamports{3} - Lamports{5} == Lamports{-2});
}

TEST_CASE("the decimal form for people loses nothing") {
    struct Row {
        std::int64_t lamports;
        const char* decimal;
    };
    for (const Row& row :
         {Row{0, "0"}, Row{1, "0.000000001"}, Row{2'000'000, "0.002"}, Row{1'000'000'000, "1"},
          Row{-1'500'000'000, "-1.5"}, Row{most, "9223372036.854775807"},
          Row{least, "-9223372036.854775808"}}) {
        CHECK(to_decimal(Lamports{row.lamports}) == row.decimal);
    }
    Random random(2);
    for (int i = 0; i < 1'000; ++i) {
        const Lamports amount{static_cast<std::int64_t>(random.below(1ULL << 63))};
        CHECK(parse_lamports(to_decimal(amount) + "SOL").value() == amount);
        CHECK(parse_lamports(to_string(amount)).value() == amount);
    }
}

TEST_CASE("basis points are exact and rounded down") {
    CHECK(basis_points(Lamports{most}, 10'000) == Lamports{most});
    CHECK(basis_points(Lamports{most}, 0) == Lamports{0});
    CHECK(basis_points(Lamports{19}, 1'000) == Lamports{1});
    CHECK(basis_points(Lamports{most}, 5'000) == Lamports{most / 2});
}

}  // namespace
}  // namespace shoal
