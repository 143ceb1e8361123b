#include "core/units.h"

#include <array>
#include <charconv>
#include <span>

#include <fmt/format.h>

#include "core/text.h"

namespace shoal {

namespace {

struct Unit {
    std::string_view name;
    std::uint64_t worth;
};

constexpr std::array size_units{
    Unit{"TiB", 1ULL << 40},
    Unit{"TB", 1'000'000'000'000},
    Unit{"GiB", 1ULL << 30},
    Unit{"GB", 1'000'000'000},
    Unit{"MiB", 1ULL << 20},
    Unit{"MB", 1'000'000},
    Unit{"KiB", 1ULL << 10},
    Unit{"kB", 1'000},
    Unit{"B", 1},
};
constexpr std::array span_units{
    Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1'000}, Unit{"ms", 1},
};
constexpr std::uint64_t size_max = 1ULL << 62;
constexpr std::uint64_t span_max = 10ULL * 366 * 86'400'000;

Error wrong(std::string_view kind, std::string_view example, std::string_view text) {
    return {Code::invalid,
            fmt::format(R"(expected {} like "{}", got "{}")", kind, example, shorten(text, 64))};
}

/// The unit that the text begins with; the longest name wins ("ms" before "m").
const Unit* leading_unit(std::string_view text, std::span<const Unit> units) {
    const auto end = text.find_first_of("0123456789");
    const std::string_view name = text.substr(0, end);
    for (const Unit& unit : units) {
        if (unit.name == name) return &unit;
    }
    return nullptr;
}

struct Part {
    std::uint64_t amount;
    const Unit* unit;
};

/// Takes one number with its unit off the front of `text`; no unit where there is none.
Part take_part(std::string_view& text, std::span<const Unit> units) {
    std::uint64_t number = 0;
    const auto [end, failure] = std::from_chars(text.begin(), text.end(), number);
    if (failure != std::errc{}) return {0, nullptr};
    text.remove_prefix(static_cast<std::size_t>(end - text.begin()));
    const Unit* unit = leading_unit(text, units);
    if (!unit) return {0, nullptr};
    text.remove_prefix(unit->name.size());
    std::uint64_t amount = 0;
    if (__builtin_mul_overflow(number, unit->worth, &amount)) return {0, nullptr};
    return {amount, unit};
}

}  // namespace

Result<Size> parse_size(std::string_view text) {
    std::string_view rest = text;
    const Part part = take_part(rest, size_units);
    if (!part.unit || !rest.empty() || part.amount > size_max) return wrong("a size", "4GiB", text);
    return Size{part.amount};
}

Result<Span> parse_span(std::string_view text) {
    const Error not_a_span = wrong("a length of time", "90s", text);
    std::string_view rest = text;
    std::uint64_t total = 0;
    const Unit* last = nullptr;
    while (!rest.empty() || !last) {
        const Part part = take_part(rest, span_units);
        if (!part.unit || (last && part.unit->worth >= last->worth)) return not_a_span;
        if (__builtin_add_overflow(total, part.amount, &total) || total > span_max) {
            return not_a_span;
        }
        last = part.unit;
    }
    return Span{Duration{static_cast<std::int64_t>(total)}};
}

std::string to_string(Size size) {
    for (const Unit& unit : size_units) {
        if (size.bytes != 0 && size.bytes % unit.worth == 0) {
            return fmt::format("{}{}", size.bytes / unit.worth, unit.name);
        }
    }
    return "0B";
}

std::string to_string(Span span) {
    auto rest = static_cast<std::uint64_t>(span.length.count());
    std::string text;
    for (const Unit& unit : span_units) {
        if (rest >= unit.worth) {
            text += fmt::format("{}{}", rest / unit.worth, unit.name);
            rest %= unit.worth;
        }
    }
    return text.empty() ? "0s" : text;
}

std::string to_rounded(Size size) {
    constexpr std::array names{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    auto amount = static_cast<double>(size.bytes);
    std::size_t place = 0;
    while (amount >= 1000 && place + 1 < names.size()) {
        amount /= 1024;
        ++place;
    }
    return fmt::format("{:.3g} {}", amount, names.at(place));
}

}  // namespace shoal
