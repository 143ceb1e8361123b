#include "io/utf8.h"

#include <cstdint>

#include <fmt/format.h>

namespace shoal::io {

namespace {

std::uint8_t byte_at(std::string_view text, std::size_t place) {
    return static_cast<std::uint8_t>(text[place]);
}

char32_t decode(std::string_view character) {
    const std::uint8_t first = byte_at(character, 0);
    if (character.size() == 1) return first;
    char32_t code = first & (0x7FU >> character.size());
    for (std::size_t i = 1; i < character.size(); ++i) {
        code = code << 6 | (byte_at(character, i) & 0x3FU);
    }
    return code;
}

std::size_t promised_size(std::uint8_t first) {
    if (first < 0x80) return 1;
    if (first < 0xC2) return 0;  // inside a character, or an overlong form
    if (first < 0xE0) return 2;
    if (first < 0xF0) return 3;
    return first < 0xF5 ? 4 : 0;
}

bool is_allowed(char32_t code, std::size_t size) {
    if (size == 3) return code >= 0x800 && (code < 0xD800 || code > 0xDFFF);
    if (size == 4) return code >= 0x10000 && code <= 0x10FFFF;
    return true;
}

bool is_dangerous(char32_t code) {
    if (code < 0x20 || (code >= 0x7F && code < 0xA0)) return true;
    if (code >= 0x202A && code <= 0x202E) return true;  // embeddings and overrides
    if (code >= 0x2066 && code <= 0x2069) return true;  // isolates
    return code == 0x200E || code == 0x200F || code == 0x061C || code == 0x2028 || code == 0x2029;
}

}  // namespace

std::size_t character_size(std::string_view text) {
    if (text.empty()) return 0;
    const std::size_t size = promised_size(byte_at(text, 0));
    if (size > text.size()) return 0;
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte_at(text, i) & 0xC0U) != 0x80) return 0;
    }
    if (size == 0 || !is_allowed(decode(text.substr(0, size)), size)) return 0;
    return size;
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t size = character_size(text);
        if (size == 0) return false;
        text.remove_prefix(size);
    }
    return true;
}

std::string to_printable(std::string_view text) {
    std::string shown;
    shown.reserve(text.size());
    while (!text.empty()) {
        const std::size_t size = character_size(text);
        const std::string_view character = text.substr(0, size == 0 ? 1 : size);
        text.remove_prefix(character.size());
        if (size == 0) {
            shown += "\xEF\xBF\xBD";
        } else if (is_dangerous(decode(character))) {
            shown += fmt::format("\\u{{{:x}}}", static_cast<std::uint32_t>(decode(character)));
        } else {
            shown += character;
        }
    }
    return shown;
}

}  // namespace shoal::io
