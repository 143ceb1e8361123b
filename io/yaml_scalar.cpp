#include "io/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>

namespace shoal::io::yaml {

namespace {

template <std::size_t Size>
bool is_one_of(std::string_view text, const std::array<std::string_view, Size>& words) {
    return std::ranges::find(words, text) != words.end();
}

bool is_digit(char letter) {
    return letter >= '0' && letter <= '9';
}

std::string_view without_sign(std::string_view text) {
    const bool has_sign = text.starts_with('-') || text.starts_with('+');
    return has_sign ? text.substr(1) : text;
}

std::size_t count_digits(std::string_view text) {
    const auto end = std::ranges::find_if_not(text, is_digit);
    return static_cast<std::size_t>(end - text.begin());
}

/// [0-9]+, or a part of a number: (\.[0-9]+ | [0-9]+(\.[0-9]*)?) ([eE][-+]?[0-9]+)?
bool is_decimal(std::string_view text) {
    const std::size_t whole = count_digits(text);
    text.remove_prefix(whole);
    std::size_t fraction = 0;
    if (text.starts_with('.')) {
        fraction = count_digits(text.substr(1));
        text.remove_prefix(1 + fraction);
    }
    if (whole + fraction == 0) return false;
    if (text.empty()) return true;
    if (text.front() != 'e' && text.front() != 'E') return false;
    text = without_sign(text.substr(1));
    return !text.empty() && count_digits(text) == text.size();
}

/// A whole number that fits 64 bits.
std::optional<json::Value> whole_number(std::string_view digits, int base, bool negative) {
    std::uint64_t number = 0;
    const char* const begin = digits.data();
    const char* const end = begin + digits.size();
    const auto read = std::from_chars(begin, end, number, base);
    if (digits.empty() || read.ec != std::errc{} || read.ptr != end) return std::nullopt;
    if (!negative) return json::Value(number);
    constexpr auto lowest = std::uint64_t{1} << 63;
    if (number > lowest) return std::nullopt;
    return json::Value(static_cast<std::int64_t>(0 - number));
}

json::Value real_number(std::string_view text) {
    double number = 0;
    const std::string_view digits = text.starts_with('+') ? text.substr(1) : text;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    // Too big or too small for a double: as text, so that a reader of numbers refuses it.
    if (read.ec != std::errc{}) return json::Value(text);
    return json::Value(number);
}

}  // namespace

json::Value plain_scalar(std::string_view text) {
    static constexpr std::array<std::string_view, 5> nulls{"", "~", "null", "Null", "NULL"};
    static constexpr std::array<std::string_view, 3> trues{"true", "True", "TRUE"};
    static constexpr std::array<std::string_view, 3> falses{"false", "False", "FALSE"};
    static constexpr std::array<std::string_view, 3> infinities{".inf", ".Inf", ".INF"};
    static constexpr std::array<std::string_view, 3> not_numbers{".nan", ".NaN", ".NAN"};
    if (is_one_of(text, nulls)) return nullptr;
    if (is_one_of(text, trues)) return true;
    if (is_one_of(text, falses)) return false;
    if (is_one_of(text, not_numbers)) return "NaN";
    const std::string_view unsigned_text = without_sign(text);
    const bool negative = text.starts_with('-');
    if (is_one_of(unsigned_text, infinities)) return negative ? "-Infinity" : "Infinity";
    for (const auto& [prefix, base] : {std::pair{"0x", 16}, std::pair{"0o", 8}}) {
        if (!text.starts_with(prefix)) continue;
        return whole_number(text.substr(2), base, false).value_or(json::Value(text));
    }
    if (!is_decimal(unsigned_text)) return json::Value(text);
    return whole_number(unsigned_text, 10, negative).value_or(real_number(text));
}

}  // namespace shoal::io::yaml
