#include "core/id.h"

#include <algorithm>

namespace shoal {

namespace {

constexpr std::string_view alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr unsigned bits_per_digit = 5;

}  // namespace

std::string to_base32(std::uint64_t number) {
    std::string digits;
    do {
        digits.push_back(alphabet[number & 31]);
        number >>= bits_per_digit;
    } while (number != 0);
    std::ranges::reverse(digits);
    return digits;
}

Result<std::uint64_t> from_base32(std::string_view text) {
    const Error wrong{Code::invalid, "expected 1 to 13 digits of Crockford's base32"};
    if (text.empty() || text.size() > 13) return wrong;
    if (text.size() > 1 && text.front() == '0') return wrong;
    std::uint64_t number = 0;
    for (const char digit : text) {
        const auto place = alphabet.find(digit);
        if (place == std::string_view::npos) return wrong;
        if (number >> (64 - bits_per_digit) != 0) return wrong;
        number = (number << bits_per_digit) | place;
    }
    return number;
}

}  // namespace shoal
