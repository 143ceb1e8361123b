#include "core/hash.h"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "core/random.h"

namespace shoal {
namespace {

// The examples of FIPS 180-4 (and of the NIST's example page for SHA-256).
TEST_CASE("SHA-256 gives the digests of the standard") {
    struct Row {
        std::string text;
        const char* digest;
    };
    const Row rows[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {std::string(1'000'000, 'a'),
         "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    };
    for (const Row& row : rows) CHECK(to_string(sha256(row.text)) == row.digest);
}

TEST_CASE("the digest does not depend on how the bytes arrive") {
    Random random(13);
    const std::string text(5'000, 'x');
    for (int i = 0; i < 50; ++i) {
        Sha256 sum;
        std::string_view rest = text;
        while (!rest.empty()) {
            const std::string_view part = rest.substr(0, random.below(300));
            sum.update(as_bytes(part));
            rest.remove_prefix(part.size());
        }
        CHECK(sum.finish() == sha256(text));
    }
}

TEST_CASE("a hash is 64 lower-case digits") {
    const Hash hash = sha256("abc");
    CHECK(parse_hash(to_string(hash)).value() == hash);
    std::string upper = to_string(hash);
    upper[0] = 'B';
    for (const std::string& wrong : {std::string(), std::string(63, '0'), std::string(65, '0'),
                                     std::string(66, '0'), std::string(64, 'g'), upper}) {
        CHECK(parse_hash(wrong).error().code == Code::invalid);
    }
}

TEST_CASE("secrets are compared whole") {
    CHECK(equal_secrets("", ""));
    CHECK(equal_secrets("abc", "abc"));
    CHECK_FALSE(equal_secrets("abc", "abd"));
    CHECK_FALSE(equal_secrets("abc", "ab"));
    CHECK_FALSE(equal_secrets("abc", "abcd"));
}

}  // namespace
}  // namespace shoal
