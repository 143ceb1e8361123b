#include "core/bytes.h"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "core/random.h"

namespace shoal {
namespace {

TEST_CASE("hexadecimal is lower-case, two digits a byte") {
    const Bytes bytes{0x00, 0x0f, 0xa0, 0xff};
    CHECK(to_hex(bytes) == "000fa0ff");
    CHECK(from_hex("000fa0ff").value() == bytes);
    CHECK(from_hex("").value().empty());
    for (const char* wrong : {"0", "000", "0F", "0g", "g0", " 0", "0x", "00 ", "\xff\xff"}) {
        CHECK(from_hex(wrong).error().code == Code::invalid);
    }
}

TEST_CASE("all bytes read back from their digits") {
    Random random(12);
    for (int i = 0; i < 500; ++i) {
        Bytes bytes(random.below(40));
        for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.below(256));
        CHECK(from_hex(to_hex(bytes)).value() == bytes);
    }
}

TEST_CASE("the canonical form is the tag with its length, the version and the fields in order") {
    CanonicalWriter writer("ab", 7);
    writer.number(0x0102).text("c").bytes({});
    CHECK(to_hex(writer.written()) ==
          "02000000000000006162"  // the tag
          "07"
          "0201000000000000"    // the number, little-endian
          "010000000000000063"  // the text
          "0000000000000000");  // no bytes
}

TEST_CASE("fields that run into one another do not give the same bytes") {
    const auto pair = [](std::string_view left, std::string_view right) {
        return CanonicalWriter("t", 1).text(left).text(right).written();
    };
    CHECK(pair("ab", "c") != pair("a", "bc"));
    CHECK(pair("", "abc") != pair("abc", ""));
}

}  // namespace
}  // namespace shoal
