#include "core/signature.h"

#include <algorithm>

#include <sodium.h>

#include "core/check.h"

namespace shoal {

namespace {

template <class T>
Result<T> parse_fixed(std::string_view text, std::string_view what) {
    T thing;
    const auto bytes = from_hex(text);
    if (!bytes.ok() || bytes.value().size() != thing.bytes.size()) {
        return Error{Code::invalid, "expected " + std::string(what) + " as " +
                                        std::to_string(thing.bytes.size() * 2) +
                                        " lower-case hexadecimal digits"};
    }
    std::ranges::copy(bytes.value(), thing.bytes.begin());
    return thing;
}

}  // namespace

SecretKey::SecretKey(const std::array<std::uint8_t, seed_size>& seed) {
    check(sodium_init() >= 0);
    check(crypto_sign_seed_keypair(public_.bytes.data(), secret_.data(), seed.data()) == 0);
}

SecretKey::~SecretKey() {
    sodium_memzero(secret_.data(), secret_.size());
}

Signature SecretKey::sign(ByteView message) const {
    Signature signature;
    check(crypto_sign_detached(signature.bytes.data(), nullptr, message.data(), message.size(),
                               secret_.data()) == 0);
    return signature;
}

bool verify(const PublicKey& key, ByteView message, const Signature& signature) {
    return crypto_sign_verify_detached(signature.bytes.data(), message.data(), message.size(),
                                       key.bytes.data()) == 0;
}

std::string to_string(const PublicKey& key) {
    return to_hex(key.bytes);
}

std::string to_string(const Signature& signature) {
    return to_hex(signature.bytes);
}

Result<PublicKey> parse_public_key(std::string_view text) {
    return parse_fixed<PublicKey>(text, "an Ed25519 public key");
}

Result<Signature> parse_signature(std::string_view text) {
    return parse_fixed<Signature>(text, "an Ed25519 signature");
}

}  // namespace shoal
