#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace shoal::io {

/// The bytes of the UTF-8 character at the front, 1 to 4; zero if there is none (RFC 3629: no
/// overlong form, no surrogate, nothing above U+10FFFF).
std::size_t character_size(std::string_view text);

bool is_utf8(std::string_view text);

/// Text that may be shown to a person whoever wrote it: bytes that are not UTF-8 become U+FFFD;
/// control characters, and those that turn the direction of writing, are shown as \u{1b}.
std::string to_printable(std::string_view text);

}  // namespace shoal::io
