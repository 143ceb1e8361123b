#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/bytes.h"
#include "core/result.h"

namespace shoal {

/// Keeps small texts so that whoever finds them can neither read nor change them, nor put one in
/// another's place: XChaCha20-Poly1305 of libsodium.
///
/// The nonce is drawn by the key itself from `chance`, the text and what it is about. So even a
/// chance that came twice gives the same nonce only to the same text.
class SealKey {
public:
    static constexpr std::size_t size = 32;
    using Chance = std::array<std::uint8_t, 32>;

    explicit SealKey(const std::array<std::uint8_t, size>& bytes);
    ~SealKey();
    SealKey(const SealKey&) = default;
    SealKey& operator=(const SealKey&) = default;

    /// What only this key opens again, and only as what it is `about`.
    Bytes seal(ByteView text, ByteView about, const Chance& chance) const;

    /// denied: sealed by another key, about something else, or changed since.
    Result<Bytes> open(ByteView sealed, ByteView about) const;

private:
    std::array<std::uint8_t, size> key_{};
    std::array<std::uint8_t, size> nonce_key_{};
};

}  // namespace shoal
