#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/result.h"

namespace shoal {

/// Ed25519 (RFC 8032). On every wire: lower-case hexadecimal.
struct PublicKey {
    std::array<std::uint8_t, 32> bytes{};

    friend auto operator<=>(const PublicKey&, const PublicKey&) = default;
};

struct Signature {
    std::array<std::uint8_t, 64> bytes{};

    friend auto operator<=>(const Signature&, const Signature&) = default;
};

/// The secret of an identity: 32 bytes from which the key pair follows. Never printed; wiped when
/// it goes.
class SecretKey {
public:
    static constexpr std::size_t seed_size = 32;

    /// The key pair of 32 random bytes. The caller brings the randomness.
    explicit SecretKey(const std::array<std::uint8_t, seed_size>& seed);
    ~SecretKey();
    SecretKey(const SecretKey&) = default;
    SecretKey& operator=(const SecretKey&) = default;

    const PublicKey& public_key() const { return public_; }
    Signature sign(ByteView message) const;

private:
    std::array<std::uint8_t, 64> secret_{};
    PublicKey public_;
};

bool verify(const PublicKey&, ByteView message, const Signature&);

std::string to_string(const PublicKey&);
std::string to_string(const Signature&);

/// invalid: not hexadecimal of the right length.
Result<PublicKey> parse_public_key(std::string_view);
Result<Signature> parse_signature(std::string_view);

}  // namespace shoal
