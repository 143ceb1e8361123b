#include "core/units.h"

#include <cstdint>
#include <string>

#include <doctest/doctest.h>

#include "core/random.h"

namespace shoal {
namespace {

std::string size_of(std::string_view text) {
    const auto size = parse_size(text);
    return size.ok() ? std::to_string(size.value().bytes) : "refused";
}

std::string length_of(std::string_view text) {
    const auto span = parse_span(text);
    return span.ok() ? std::to_string(span.value().length.count()) : "refused";
}

struct Row {
    const char* text;
    const char* value;
};

TEST_CASE("a size is a whole number and a unit") {
    for (const Row& row : {Row{"0B", "0"},
                           Row{"17B", "17"},
                           Row{"1kB", "1000"},
                           Row{"1KiB", "1024"},
                           Row{"1500MB", "1500000000"},
                           Row{"4GiB", "4294967296"},
                           Row{"2TB", "2000000000000"},
                           Row{"1TiB", "1099511627776"},
                           Row{"4194304TiB", "4611686018427387904"},
                           Row{"4194305TiB", "refused"},
                           Row{"18446744073709551615B", "refused"},
                           Row{"99999999999999999999B", "refused"},
                           Row{"18014398509481984KiB", "refused"},
                           Row{"-1B", "refused"},
                           Row{"+1B", "refused"},
                           Row{"1.5GiB", "refused"},
                           Row{"1e3B", "refused"},
                           Row{"4", "refused"},
                           Row{"", "refused"},
                           Row{"GiB", "refused"},
                           Row{"4 GiB", "refused"},
                           Row{" 4GiB", "refused"},
                           Row{"4GiB ", "refused"},
                           Row{"4gib", "refused"},
                           Row{"4KB", "refused"},
                           Row{"4G", "refused"},
                           Row{"4Gi", "refused"},
                           Row{"4b", "refused"},
                           Row{"4PiB", "refused"},
                           Row{"4s", "refused"},
                           Row{"4GiB4B", "refused"},
                           Row{"0x4B", "refused"}}) {
        CAPTURE(row.text);
        CHECK(size_of(row.text) == row.value);
    }
}

TEST_CASE("a length of time is numbers with units, largest first") {
    for (const Row& row : {Row{"0s", "0"},
                           Row{"1ms", "1"},
                           Row{"90s", "90000"},
                           Row{"1h30m", "5400000"},
                           Row{"1d2h3m4s5ms", "93784005"},
                           Row{"3660d", "316224000000"},
                           Row{"3661d", "refused"},
                           Row{"3660d1ms", "refused"},
                           Row{"99999999999999999999ms", "refused"},
                           Row{"18446744073709551615d", "refused"},
                           Row{"-1s", "refused"},
                           Row{"1h-30m", "refused"},
                           Row{"30m1h", "refused"},
                           Row{"1s1s", "refused"},
                           Row{"1.5h", "refused"},
                           Row{"90", "refused"},
                           Row{"1h30", "refused"},
                           Row{"", "refused"},
                           Row{"s", "refused"},
                           Row{"1 s", "refused"},
                           Row{"1H", "refused"},
                           Row{"1w", "refused"},
                           Row{"1min", "refused"},
                           Row{"1GiB", "refused"}}) {
        CAPTURE(row.text);
        CHECK(length_of(row.text) == row.value);
    }
}

TEST_CASE("a refusal says what was expected and what came") {
    CHECK(parse_size("4 GiB").error().what == R"(expected a size like "4GiB", got "4 GiB")");
    CHECK(parse_span("soon").error().what == R"(expected a length of time like "90s", got "soon")");
    CHECK(parse_size(std::string(1'000, '9')).error().what.size() < 120);
}

TEST_CASE("sizes are written in the shortest exact form") {
    CHECK(to_string(Size{0}) == "0B");
    CHECK(to_string(1_GiB) == "1GiB");
    CHECK(to_string(Size{1'500'000'000}) == "1500MB");
    CHECK(to_string(Size{17}) == "17B");
    CHECK(to_string(Span{Duration{90'000}}) == "1m30s");
    CHECK(to_string(Span{Duration{0}}) == "0s");
    CHECK(to_string(Span{Duration{86'400'001}}) == "1d1ms");
}

TEST_CASE("what is written is read back") {
    Random random(4);
    for (int i = 0; i < 2'000; ++i) {
        const Size size{random.below((1ULL << 62) + 1) >> random.below(62)};
        CHECK(parse_size(to_string(size)).value() == size);
        const Span span{Duration{static_cast<std::int64_t>(random.below(316'224'000'001))}};
        CHECK(parse_span(to_string(span)).value() == span);
    }
}

TEST_CASE("for people a size is rounded to three digits") {
    CHECK(to_rounded(Size{0}) == "0 B");
    CHECK(to_rounded(Size{999}) == "999 B");
    CHECK(to_rounded(Size{1'300'000'000}) == "1.21 GiB");
    CHECK(to_rounded(1_GiB) == "1 GiB");
}

}  // namespace
}  // namespace shoal
