#include "core/text.h"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

#include "core/limits.h"

namespace shoal {

namespace {

struct Character {
    char32_t code;
    std::size_t size;  // in bytes; zero: not UTF-8
};

constexpr Character broken{0, 0};

std::size_t sequence_size(std::uint8_t first) {
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first <= 0xdf) return 2;
    if (first >= 0xe0 && first <= 0xef) return 3;
    if (first >= 0xf0 && first <= 0xf4) return 4;
    return 0;
}

/// The first character of a text that is not empty.
Character decode(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::size_t size = sequence_size(byte(0));
    if (size == 0 || size > text.size()) return broken;
    if (size == 1) return {byte(0), 1};
    auto code = static_cast<char32_t>(byte(0) & (0xff >> (size + 1)));
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return broken;
        code = code << 6 | (byte(i) & 0x3fU);
    }
    constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < smallest[size] || code > 0x10ffff) return broken;
    if (code >= 0xd800 && code <= 0xdfff) return broken;
    return {code, size};
}

bool is_control(char32_t code) {
    return code < 0x20 || (code >= 0x7f && code <= 0x9f);
}

bool turns_direction(char32_t code) {
    return code == 0x61c || code == 0x200e || code == 0x200f ||
           (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

/// The number of characters that `accepts` holds for, or nothing if one is broken or refused.
template <class Accepts>
bool every(std::string_view text, std::size_t& count, Accepts accepts) {
    for (count = 0; !text.empty(); ++count) {
        const Character next = decode(text);
        if (next.size == 0 || !accepts(next.code)) return false;
        text.remove_prefix(next.size);
    }
    return true;
}

}  // namespace

bool is_utf8(std::string_view text) {
    std::size_t count = 0;
    return every(text, count, [](char32_t) { return true; });
}

bool is_printable(std::string_view text) {
    std::size_t count = 0;
    return every(text, count,
                 [](char32_t code) { return !is_control(code) && !turns_direction(code); });
}

bool is_name(std::string_view text) {
    std::size_t count = 0;
    const bool printable = every(
        text, count, [](char32_t code) { return !is_control(code) && !turns_direction(code); });
    return printable && count >= 1 && count <= limits::name_characters;
}

std::string to_display(std::string_view text) {
    constexpr std::string_view replacement = "\xef\xbf\xbd";  // U+FFFD
    std::string shown;
    shown.reserve(text.size());
    while (!text.empty()) {
        const Character next = decode(text);
        const std::size_t size = std::max<std::size_t>(1, next.size);
        if (next.size == 0) {
            shown += replacement;
        } else if (is_control(next.code) && next.code != '\n' && next.code != '\t') {
            shown += fmt::format("\\x{:02x}", static_cast<std::uint32_t>(next.code));
        } else {
            shown += text.substr(0, size);
        }
        text.remove_prefix(size);
    }
    return shown;
}

}  // namespace shoal
