#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"
#include "core/time.h"

namespace shoal {

/// A size as people write it, "4GiB". On the wire it keeps that form; a machine's own sizes are
/// whole numbers of bytes in fields named *_bytes.
struct Size {
    std::uint64_t bytes = 0;

    friend auto operator<=>(Size, Size) = default;
};

/// A length of time as people write it, "90s" or "1h30m". Machine fields are milliseconds, *_ms.
struct Span {
    Duration length{};

    friend auto operator<=>(Span, Span) = default;
};

constexpr Size operator""_KiB(unsigned long long count) {
    return {count << 10};
}
constexpr Size operator""_MiB(unsigned long long count) {
    return {count << 20};
}
constexpr Size operator""_GiB(unsigned long long count) {
    return {count << 30};
}

/// A whole number and one of B kB MB GB TB KiB MiB GiB TiB; at most 2^62 bytes. invalid: else.
Result<Size> parse_size(std::string_view text);

/// One or more of a whole number and one of ms s m h d, largest first; at most 10 years.
/// invalid: anything else.
Result<Span> parse_span(std::string_view text);

/// The shortest exact form: "1GiB", "1500MB", "17B"; "1h30m", "90s" is written "1m30s".
std::string to_string(Size);
std::string to_string(Span);

/// For people, rounded to three digits: "1.21 GiB".
std::string to_rounded(Size);

}  // namespace shoal
