#include "core/text.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

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

/// Marks, embeddings, overrides and isolates of the writing direction, and the two separators that
/// some programs take for the end of a line.
bool misleads(char32_t code) {
    return code == 0x61c || code == 0x200e || code == 0x200f ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

/// The number of characters; nothing if one is broken or not accepted.
template <class Accepts>
std::optional<std::size_t> count_if_all(std::string_view text, Accepts accepts) {
    std::size_t count = 0;
    for (; !text.empty(); ++count) {
        const Character next = decode(text);
        if (next.size == 0 || !accepts(next.code)) return std::nullopt;
        text.remove_prefix(next.size);
    }
    return count;
}

bool is_clean(char32_t code) {
    return !is_control(code) && !misleads(code);
}

std::string escaped(char32_t code) {
    const auto number = static_cast<std::uint32_t>(code);
    return number < 0x100 ? fmt::format("\\x{:02x}", number) : fmt::format("\\u{:04x}", number);
}

}  // namespace

std::optional<std::size_t> character_count(std::string_view text) {
    return count_if_all(text, [](char32_t) { return true; });
}

bool is_utf8(std::string_view text) {
    // Most of what is looked at is ASCII, which eight bytes at a time tell.
    constexpr std::uint64_t high_bits = 0x8080808080808080;
    std::uint64_t eight = 0;
    while (text.size() >= sizeof eight) {
        std::memcpy(&eight, text.data(), sizeof eight);
        if ((eight & high_bits) != 0) break;
        text.remove_prefix(sizeof eight);
    }
    return character_count(text).has_value();
}

bool is_printable(std::string_view text) {
    return count_if_all(text, is_clean).has_value();
}

bool is_name(std::string_view text) {
    const auto count = count_if_all(text, is_clean);
    return count && *count >= 1 && *count <= limits::name_characters;
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
        } else if (!is_clean(next.code) && next.code != '\n' && next.code != '\t') {
            shown += escaped(next.code);
        } else {
            shown += text.substr(0, size);
        }
        text.remove_prefix(size);
    }
    return shown;
}

std::string shorten(std::string_view text, std::size_t size_max) {
    if (text.size() <= size_max) return std::string(text);
    const auto continues = [&](std::size_t at) {
        return (static_cast<std::uint8_t>(text[at]) & 0xc0) == 0x80;
    };
    std::size_t end = size_max;
    while (end > 0 && continues(end)) --end;
    return std::string(text.substr(0, end)) + "…";
}

}  // namespace shoal
