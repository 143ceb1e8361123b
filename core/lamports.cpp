#include "core/lamports.h"

#include <charconv>

#include "core/check.h"
#include "core/text.h"

namespace shoal {

namespace {

constexpr std::int64_t lamports_per_sol = 1'000'000'000;
constexpr std::size_t decimals_max = 9;

Error wrong_amount(std::string_view text) {
    return {Code::invalid, R"(expected an amount like "0.002SOL" or "2000000" (lamports), got ")" +
                               shorten(text, 64) + "\""};
}

/// Digits only: no sign, no blank, nothing behind.
Result<std::int64_t> whole(std::string_view digits) {
    std::int64_t number = 0;
    if (digits.empty() || digits.front() == '-') return wrong_amount(digits);
    const auto [end, failure] = std::from_chars(digits.begin(), digits.end(), number);
    if (failure != std::errc{} || end != digits.end()) return wrong_amount(digits);
    return number;
}

Result<Lamports> parse_sol(std::string_view text) {
    const auto point = text.find('.');
    const std::string_view units = text.substr(0, point);
    std::string decimals(point == std::string_view::npos ? "" : text.substr(point + 1));
    if (decimals.size() > decimals_max) return wrong_amount(text);
    if (point != std::string_view::npos && decimals.empty()) return wrong_amount(text);
    decimals.resize(decimals_max, '0');
    const std::int64_t sol = TRY(whole(units));
    const std::int64_t rest = TRY(whole(decimals));
    std::int64_t amount = 0;
    if (__builtin_mul_overflow(sol, lamports_per_sol, &amount) ||
        __builtin_add_overflow(amount, rest, &amount)) {
        return wrong_amount(text);
    }
    return Lamports{amount};
}

}  // namespace

Result<Lamports> add(Lamports left, Lamports right) {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(left.value, right.value, &sum)) {
        return Error{Code::exhausted, "the amount is too large"};
    }
    return Lamports{sum};
}

Result<Lamports> subtract(Lamports left, Lamports right) {
    std::int64_t difference = 0;
    if (__builtin_sub_overflow(left.value, right.value, &difference)) {
        return Error{Code::exhausted, "the amount is too large"};
    }
    return Lamports{difference};
}

Lamports operator+(Lamports left, Lamports right) {
    return add(left, right).value();
}

Lamports operator-(Lamports left, Lamports right) {
    return subtract(left, right).value();
}

Lamports basis_points(Lamports amount, std::uint32_t part) {
    check(amount.value >= 0);
    check(part <= 10'000);
    __extension__ using Wide = unsigned __int128;
    return Lamports{static_cast<std::int64_t>(static_cast<Wide>(amount.value) * part / 10'000)};
}

Result<Lamports> parse_lamports(std::string_view text) {
    constexpr std::string_view unit = "SOL";
    if (text.ends_with(unit)) {
        auto sol = parse_sol(text.substr(0, text.size() - unit.size()));
        if (!sol.ok()) return wrong_amount(text);
        return sol;
    }
    const auto number = whole(text);
    if (!number.ok()) return wrong_amount(text);
    return Lamports{number.value()};
}

std::string to_string(Lamports amount) {
    return std::to_string(amount.value);
}

std::string to_decimal(Lamports amount) {
    const bool negative = amount.value < 0;
    const auto size = negative ? 0 - static_cast<std::uint64_t>(amount.value)
                               : static_cast<std::uint64_t>(amount.value);
    std::string text = std::to_string(size / lamports_per_sol);
    std::string decimals = std::to_string(size % lamports_per_sol);
    decimals.insert(0, decimals_max - decimals.size(), '0');
    decimals.erase(decimals.find_last_not_of('0') + 1);
    if (!decimals.empty()) text += "." + decimals;
    return (negative ? "-" : "") + text;
}

}  // namespace shoal
