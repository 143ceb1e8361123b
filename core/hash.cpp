#include "core/hash.h"

#include <algorithm>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "core/check.h"

namespace shoal {

std::string to_string(const Hash& hash) {
    return to_hex(hash.bytes);
}

Result<Hash> parse_hash(std::string_view text) {
    const Error wrong{Code::invalid, "expected a SHA-256 as 64 lower-case hexadecimal digits"};
    if (text.size() != 64) return wrong;
    const auto bytes = from_hex(text);
    if (!bytes.ok()) return wrong;
    Hash hash;
    std::ranges::copy(bytes.value(), hash.bytes.begin());
    return hash;
}

namespace {

/// Looked for once: for short texts the search takes longer than the sum.
const EVP_MD* algorithm() {
    static const EVP_MD* const found = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    check(found != nullptr);
    return found;
}

}  // namespace

struct Sha256::State {
    EVP_MD_CTX* context = EVP_MD_CTX_new();

    State() {
        check(context != nullptr);
        begin();
    }
    void begin() const { check(EVP_DigestInit_ex2(context, algorithm(), nullptr) == 1); }
    ~State() { EVP_MD_CTX_free(context); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(ByteView bytes) {
    check(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

Hash Sha256::finish() {
    Hash hash;
    check(EVP_DigestFinal_ex(state_->context, hash.bytes.data(), nullptr) == 1);
    return hash;
}

Hash Sha256::of(ByteView bytes) {
    thread_local Sha256 sum;
    sum.state_->begin();
    sum.update(bytes);
    return sum.finish();
}

Hash sha256(ByteView bytes) {
    return Sha256::of(bytes);
}

Hash sha256(std::string_view text) {
    return sha256(as_bytes(text));
}

bool equal_secrets(std::string_view left, std::string_view right) {
    return left.size() == right.size() &&
           CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace shoal
