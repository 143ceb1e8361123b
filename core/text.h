#pragma once

#include <string>
#include <string_view>

namespace shoal {

/// Whether the text is UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing cut off.
bool is_utf8(std::string_view text);

/// Whether the text is UTF-8 without control characters (C0, DEL, C1) and without those that
/// change the direction of writing, which could make one name look like another.
bool is_printable(std::string_view text);

/// Whether the text may name a thing: printable, 1 to limits::name_characters characters.
bool is_name(std::string_view text);

/// For a terminal or a page: what is not UTF-8 becomes U+FFFD, control characters but newline and
/// tab become an escape like \x1b.
std::string to_display(std::string_view text);

}  // namespace shoal
