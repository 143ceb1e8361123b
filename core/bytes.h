#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace shoal {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

ByteView as_bytes(std::string_view text);

/// Lower-case hexadecimal.
std::string to_hex(ByteView);

/// invalid: an odd number of digits, or anything but 0-9 a-f.
Result<Bytes> from_hex(std::string_view);

/// Writes the canonical binary form of what is signed or hashed: a domain tag, a version, then
/// fields in order; integers little-endian, strings with their length in front. Never JSON.
class CanonicalWriter {
public:
    CanonicalWriter(std::string_view domain, std::uint8_t version);

    CanonicalWriter& number(std::uint64_t value);
    CanonicalWriter& text(std::string_view value);
    CanonicalWriter& bytes(ByteView value);

    const Bytes& written() const { return written_; }

private:
    Bytes written_;
};

}  // namespace shoal
