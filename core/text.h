#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace shoal {

/// Whether the text is UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing cut off.
bool is_utf8(std::string_view text);

/// How many characters (code points) the text has; nothing if it is not UTF-8.
std::optional<std::size_t> character_count(std::string_view text);

/// Whether the text is UTF-8 without control characters (C0, DEL, C1), without those that change
/// the direction of writing, which could make one name look like another, and without Unicode's
/// separators of lines and paragraphs.
bool is_printable(std::string_view text);

/// Whether the text may name a thing: printable, 1 to limits::name_characters characters.
bool is_name(std::string_view text);

/// For a terminal or a page: each byte that is not UTF-8 becomes U+FFFD, what is not printable, but
/// for newline and tab, becomes an escape like \x1b or \u202e.
std::string to_display(std::string_view text);

/// The text, or as many whole characters as fit `size_max` bytes and "…": what an error quotes.
std::string shorten(std::string_view text, std::size_t size_max);

}  // namespace shoal
