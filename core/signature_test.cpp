#include "core/signature.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace shoal {
namespace {

SecretKey key_of(std::string_view seed_hex) {
    const Bytes bytes = from_hex(seed_hex).value();
    std::array<std::uint8_t, SecretKey::seed_size> seed{};
    REQUIRE(bytes.size() == seed.size());
    std::ranges::copy(bytes, seed.begin());
    return SecretKey(seed);
}

// RFC 8032, section 7.1, tests 1 to 3.
TEST_CASE("Ed25519 gives the keys and signatures of the standard") {
    struct Row {
        const char* seed;
        const char* key;
        const char* message;
        const char* signature;
    };
    const Row rows[] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701"
         "c"
         "f9b46bd25bf5f0595bbe24655141438e7a100b"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d"
         "0"
         "f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
        {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
         "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
         "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f7609"
         "8"
         "4dc6594a7c15e9716ed28dc027beceea1ec40a"},
    };
    for (const Row& row : rows) {
        const SecretKey key = key_of(row.seed);
        const Bytes message = from_hex(row.message).value();
        CHECK(to_string(key.public_key()) == row.key);
        CHECK(to_string(key.sign(message)) == row.signature);
        CHECK(verify(key.public_key(), message, parse_signature(row.signature).value()));
    }
}

TEST_CASE("a signature holds for one message under one key") {
    const SecretKey key = key_of(std::string(64, '1'));
    const SecretKey other = key_of(std::string(64, '2'));
    const Signature signature = key.sign(as_bytes("pay 1"));
    CHECK(verify(key.public_key(), as_bytes("pay 1"), signature));
    CHECK_FALSE(verify(key.public_key(), as_bytes("pay 2"), signature));
    CHECK_FALSE(verify(other.public_key(), as_bytes("pay 1"), signature));
    CHECK_FALSE(verify(PublicKey{}, as_bytes("pay 1"), signature));
    CHECK_FALSE(verify(key.public_key(), as_bytes("pay 1"), Signature{}));
    for (std::size_t i = 0; i < signature.bytes.size(); ++i) {
        Signature changed = signature;
        changed.bytes.at(i) ^= 1;
        CHECK_FALSE(verify(key.public_key(), as_bytes("pay 1"), changed));
    }
}

TEST_CASE("keys and signatures read back, and nothing of another length") {
    const SecretKey key = key_of(std::string(64, '3'));
    CHECK(parse_public_key(to_string(key.public_key())).value() == key.public_key());
    const Signature signature = key.sign({});
    CHECK(parse_signature(to_string(signature)).value() == signature);
    CHECK_FALSE(parse_public_key(to_string(signature)).ok());
    CHECK_FALSE(parse_signature(to_string(key.public_key())).ok());
    CHECK_FALSE(parse_public_key("").ok());
    CHECK_FALSE(parse_public_key(std::string(64, 'G')).ok());
}

}  // namespace
}  // namespace shoal
