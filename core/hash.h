#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/result.h"

namespace shoal {

/// A SHA-256 digest (FIPS 180-4); lower-case hexadecimal on every wire. All zero names nothing.
struct Hash {
    std::array<std::uint8_t, 32> bytes{};

    friend auto operator<=>(const Hash&, const Hash&) = default;
};

std::string to_string(const Hash&);

/// invalid: not 64 lower-case hexadecimal digits.
Result<Hash> parse_hash(std::string_view text);

/// SHA-256 of bytes that arrive in parts. finish() may be called once.
class Sha256 {
public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;

    void update(ByteView);
    Hash finish();

    /// Of bytes that are all there.
    static Hash of(ByteView);

private:
    struct State;
    std::unique_ptr<State> state_;
};

Hash sha256(ByteView);
Hash sha256(std::string_view);

/// Whether two strings are equal, in a time that does not tell where they differ.
bool equal_secrets(std::string_view, std::string_view);

}  // namespace shoal
