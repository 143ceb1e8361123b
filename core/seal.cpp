#include "core/seal.h"

#include <algorithm>

#include <sodium.h>

#include "core/check.h"

namespace shoal {

namespace {

constexpr std::size_t nonce_size = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_size = crypto_aead_xchacha20poly1305_ietf_ABYTES;

}  // namespace

SealKey::SealKey(const std::array<std::uint8_t, size>& bytes) {
    static_assert(size == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
    static_assert(size == crypto_kdf_KEYBYTES);
    check(sodium_init() >= 0);
    constexpr std::array<char, crypto_kdf_CONTEXTBYTES> context{'s', 'h', 'o', 'a',
                                                                'l', 's', 'e', 'a'};
    check(crypto_kdf_derive_from_key(key_.data(), size, 1, context.data(), bytes.data()) == 0);
    check(crypto_kdf_derive_from_key(nonce_key_.data(), size, 2, context.data(), bytes.data()) ==
          0);
}

SealKey::~SealKey() {
    sodium_memzero(key_.data(), key_.size());
    sodium_memzero(nonce_key_.data(), nonce_key_.size());
}

Bytes SealKey::seal(ByteView text, ByteView about, const Chance& chance) const {
    const Bytes drawn =
        CanonicalWriter("shoal.seal", 1).bytes(chance).bytes(about).bytes(text).written();
    Bytes sealed(nonce_size + text.size() + tag_size);
    check(crypto_generichash(sealed.data(), nonce_size, drawn.data(), drawn.size(),
                             nonce_key_.data(), nonce_key_.size()) == 0);
    check(crypto_aead_xchacha20poly1305_ietf_encrypt(
              sealed.data() + nonce_size, nullptr, text.data(), text.size(), about.data(),
              about.size(), nullptr, sealed.data(), key_.data()) == 0);
    return sealed;
}

Result<Bytes> SealKey::open(ByteView sealed, ByteView about) const {
    const Error denied{Code::denied, "not sealed by this key, or changed since"};
    if (sealed.size() < nonce_size + tag_size) return denied;
    const ByteView hidden = sealed.subspan(nonce_size);
    Bytes text(hidden.size() - tag_size);
    const int failed = crypto_aead_xchacha20poly1305_ietf_decrypt(
        text.data(), nullptr, nullptr, hidden.data(), hidden.size(), about.data(), about.size(),
        sealed.data(), key_.data());
    if (failed != 0) return denied;
    return text;
}

}  // namespace shoal
