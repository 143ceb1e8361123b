#include "io/url.h"

#include <string>

#include <doctest/doctest.h>

namespace shoal::io {

TEST_CASE("a target is decoded into a path and its parameters") {
    const auto target = parse_target("/v1/jobs/a%20b/%C3%A4?state=open&q=a+b%26c&empty=&flag");
    REQUIRE(target.ok());
    CHECK(target.value().path == "/v1/jobs/a b/\xC3\xA4");
    const Fields wanted{{"state", "open"}, {"q", "a b&c"}, {"empty", ""}, {"flag", ""}};
    CHECK(target.value().query == wanted);
    CHECK(parse_target("/").value().path == "/");
    CHECK(parse_target("/assets/").value().path == "/assets/");
}

TEST_CASE("a target that could lead elsewhere is refused") {
    for (const std::string target : {"",
                                     "v1",
                                     "*",
                                     "http://host/v1",
                                     "//host",
                                     "/a//b",
                                     "/..",
                                     "/a/../b",
                                     "/a/%2e%2e/b",
                                     "/.",
                                     "/a/.%2E",
                                     "/a%2fb",
                                     "/a%5Cb",
                                     "/a\\b",
                                     "/%00",
                                     "/a%0d%0a",
                                     "/a%7f",
                                     "/%",
                                     "/%4",
                                     "/%zz",
                                     "/%C3",
                                     "/%C0%AF",
                                     "/%ED%A0%80",
                                     "/\xFF",
                                     "/?a=%00",
                                     "/?a=%FF"}) {
        CAPTURE(target);
        const auto parsed = parse_target(target);
        REQUIRE_FALSE(parsed.ok());
        CHECK(parsed.error().code == Code::invalid);
    }
    CHECK(parse_target("/" + std::string(8'191, 'a')).ok());
    CHECK_FALSE(parse_target("/" + std::string(8'192, 'a')).ok());
    std::string many = "/?a=1";
    for (int i = 1; i < 64; ++i) many += "&a=1";
    CHECK(parse_target(many).ok());
    CHECK_FALSE(parse_target(many + "&a=1").ok());
}

TEST_CASE("an encoded segment is one segment again after decoding") {
    const std::string name = "caf\xC3\xA9 100%?#&+=";
    const auto target = parse_target("/files/" + encode_segment(name));
    REQUIRE(target.ok());
    CHECK(target.value().path == "/files/" + name);
    CHECK(encode_segment("a-b_c.d~9") == "a-b_c.d~9");
}

TEST_CASE("a range names bytes that are there, or is unsatisfiable, or is ignored") {
    using Kind = ByteRange::Kind;
    const ByteRange whole{Kind::whole, 0, 1'000};
    const ByteRange none{Kind::unsatisfiable, 0, 0};
    CHECK(parse_range("bytes=0-99", 1'000) == ByteRange{Kind::part, 0, 100});
    CHECK(parse_range("bytes=999-", 1'000) == ByteRange{Kind::part, 999, 1});
    CHECK(parse_range("bytes=0-", 1'000) == ByteRange{Kind::part, 0, 1'000});
    CHECK(parse_range("bytes=900-5000", 1'000) == ByteRange{Kind::part, 900, 100});
    CHECK(parse_range("bytes=-1", 1'000) == ByteRange{Kind::part, 999, 1});
    CHECK(parse_range("bytes=-5000", 1'000) == ByteRange{Kind::part, 0, 1'000});
    CHECK(parse_range("bytes=1000-", 1'000) == none);
    CHECK(parse_range("bytes=-0", 1'000) == none);
    CHECK(parse_range("bytes=0-0", 0) == none);
    CHECK(parse_range("bytes=-1", 0) == none);
    for (const std::string ignored :
         {"", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-4", "bytes=0-1,4-5", "bytes= 0-1",
          "lines=0-1", "bytes=0x1-2", "bytes=+1-2", "bytes=99999999999999999999-", "bytes=1-2-3"}) {
        CAPTURE(ignored);
        CHECK(parse_range(ignored, 1'000) == whole);
    }
}

TEST_CASE("the content range of an upload is exact or refused") {
    const ContentRange wanted{5, 9, 10};
    CHECK(parse_content_range("bytes 5-9/10").value() == wanted);
    CHECK(parse_content_range(to_string(wanted)).value() == wanted);
    for (const std::string wrong :
         {"", "bytes", "bytes 5-9", "bytes 5-9/*", "bytes */10", "bytes 9-5/10", "bytes 5-10/10",
          "bytes 0-0/0", "bytes=0-1/2", "bytes 0-1/2 ", "bytes 0--1/2"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_content_range(wrong).ok());
    }
}

TEST_CASE("a market's address may carry a pin, and nothing else") {
    const std::string digits(64, 'a');
    const auto plain = parse_base_url("http://127.0.0.1:8080");
    REQUIRE(plain.ok());
    CHECK_FALSE(plain.value().secure);
    CHECK(plain.value().port == 8'080);
    CHECK(to_string(plain.value()) == "http://127.0.0.1:8080");
    const auto pinned = parse_base_url("wss://market.example#sha256=" + digits);
    REQUIRE(pinned.ok());
    CHECK(pinned.value().secure);
    CHECK(pinned.value().port == 443);
    CHECK(to_string(*pinned.value().pin) == digits);
    CHECK(authority(pinned.value()) == "market.example");
    const auto v6 = parse_base_url("https://[::1]:9000/");
    REQUIRE(v6.ok());
    CHECK(v6.value().host == "::1");
    CHECK(authority(v6.value()) == "[::1]:9000");
    for (const std::string& wrong : std::vector<std::string>{
             "", "market", "ftp://a", "http://", "http://a:0", "http://a:65536", "http://a:b",
             "http://a/v1", "http://a b", "http://[::1", "http://user@a", "https://a#sha256=12",
             "https://a#md5=12", "http://a#sha256=" + digits}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_base_url(wrong).ok());
    }
}

}  // namespace shoal::io
