#include "core/seal.h"

#include <algorithm>
#include <string_view>

#include <doctest/doctest.h>

namespace shoal {

namespace {

std::array<std::uint8_t, SealKey::size> bytes(std::uint8_t first) {
    return {first};
}

TEST_CASE("what is sealed is opened again by the same key") {
    const SealKey key(bytes(1));
    for (const std::string_view text : {"", "a", "a secret of some length"}) {
        const Bytes sealed = key.seal(as_bytes(text), as_bytes("about"), bytes(9));
        const auto opened = SealKey(bytes(1)).open(sealed, as_bytes("about"));
        REQUIRE(opened.ok());
        CHECK(std::ranges::equal(opened.value(), as_bytes(text)));
    }
}

TEST_CASE("what is sealed does not show its text") {
    const SealKey key(bytes(1));
    const std::string_view text = "a secret of some length";
    const Bytes sealed = key.seal(as_bytes(text), as_bytes("about"), bytes(9));
    CHECK(std::ranges::search(sealed, as_bytes(text)).empty());
}

TEST_CASE("another key, another thing or a changed bit opens nothing") {
    const SealKey key(bytes(1));
    const Bytes sealed = key.seal(as_bytes("a secret"), as_bytes("about"), bytes(9));
    CHECK(SealKey(bytes(2)).open(sealed, as_bytes("about")).error().code == Code::denied);
    CHECK(key.open(sealed, as_bytes("other")).error().code == Code::denied);
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        Bytes changed = sealed;
        changed[i] ^= 0x10U;
        CHECK_FALSE(key.open(changed, as_bytes("about")).ok());
        CHECK_FALSE(key.open(ByteView(sealed).first(i), as_bytes("about")).ok());
    }
}

TEST_CASE("a chance that comes twice gives other bytes to other texts") {
    const SealKey key(bytes(1));
    const auto start = [&](std::string_view text, std::string_view about) {
        Bytes sealed = key.seal(as_bytes(text), as_bytes(about), bytes(9));
        sealed.resize(24);
        return sealed;
    };
    CHECK(start("one", "about") == start("one", "about"));
    CHECK(start("one", "about") != start("two", "about"));
    CHECK(start("one", "about") != start("one", "other"));
    CHECK(key.seal(as_bytes("one"), {}, bytes(8)) != key.seal(as_bytes("one"), {}, bytes(9)));
}

}  // namespace

}  // namespace shoal
