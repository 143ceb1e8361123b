#include "core/bytes.h"

namespace shoal {

ByteView as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string to_hex(ByteView bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const std::uint8_t byte : bytes) {
        text.push_back(digits[byte >> 4]);
        text.push_back(digits[byte & 15]);
    }
    return text;
}

Result<Bytes> from_hex(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    const Error wrong{Code::invalid, "expected lower-case hexadecimal digits"};
    if (text.size() % 2 != 0) return wrong;
    Bytes bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const auto high = digits.find(text[i]);
        const auto low = digits.find(text[i + 1]);
        if (high == std::string_view::npos || low == std::string_view::npos) return wrong;
        bytes.push_back(static_cast<std::uint8_t>(high << 4 | low));
    }
    return bytes;
}

CanonicalWriter::CanonicalWriter(std::string_view domain, std::uint8_t version) {
    text(domain);
    written_.push_back(version);
}

CanonicalWriter& CanonicalWriter::number(std::uint64_t value) {
    for (int i = 0; i < 8; ++i) written_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    return *this;
}

CanonicalWriter& CanonicalWriter::text(std::string_view value) {
    return bytes(as_bytes(value));
}

CanonicalWriter& CanonicalWriter::bytes(ByteView value) {
    number(value.size());
    written_.insert(written_.end(), value.begin(), value.end());
    return *this;
}

}  // namespace shoal
