#include "protocol/session.h"

#include <limits>
#include <string>

#include <doctest/doctest.h>

#include "core/hash.h"
#include "core/limits.h"
#include "core/text.h"
#include "protocol/golden_for_test.h"

namespace shoal::protocol::session {

namespace {

/// How reading a provider's frame ends: "read", or the refusal's code.
std::string provider_says(std::string_view text) {
    const auto frame = read_provider_frame(text);
    if (frame.ok()) return "read";
    CHECK(is_utf8(frame.error().what));
    return std::string(to_string(frame.error().code));
}

std::string market_says(std::string_view text) {
    const auto message = read_market_frame(text);
    if (message.ok()) return "read";
    CHECK(is_utf8(message.error().what));
    return std::string(to_string(message.error().code));
}

TEST_CASE("the frames of the golden session are read and printed to the same bytes") {
    for (const GoldenLine& line : read_golden_lines("session")) {
        if (line.name == "ProviderFrame") {
            CHECK(print(read_provider_frame(line.text).value()) == line.text);
            CHECK(market_says(line.text) == "invalid");
        } else {
            CHECK(print(read_market_frame(line.text).value()) == line.text);
            CHECK(provider_says(line.text) == "invalid");
        }
    }
}

TEST_CASE("a message of a later release is told from one that is wrong") {
    CHECK(provider_says(R"({"sequence":1,"message":{"later":{}}})") == "unsupported");
    CHECK(market_says(R"({"later":{}})") == "unsupported");
    CHECK(provider_says(R"({"sequence":1,"later":2,"message":{"started":{"lease":"lease_1"}}})") ==
          "read");
    CHECK(market_says(R"({"ack":{"sequence":1,"later":[]}})") == "read");
}

TEST_CASE("what an earlier release did not say has its default") {
    const auto frame = read_provider_frame(R"({"message":{"alive":{"leases":["lease_1"]}}})");
    CHECK(frame.value().sequence == 0);
    CHECK(!std::get<Alive>(frame.value().message).draining);
    CHECK(read_provider_frame(R"({"sequence":1})").error().what == "message: missing");
}

TEST_CASE("a frame that a stranger made up is refused") {
    for (const char* text : {"",
                             "{}",
                             "[]",
                             "null",
                             "1",
                             "\"hello\"",
                             "{\"hello\":",
                             "\xff",
                             "{\"\xff\":1}",
                             R"({"ack":{"sequence":-1}})",
                             R"({"ack":{"sequence":18446744073709551616}})",
                             R"({"ack":{"sequence":0.5}})",
                             R"({"ack":{"sequence":"1"}})",
                             R"({"ack":[]})",
                             R"({"ack":null})",
                             R"({"ack":{"sequence":1},"renewed":{}})",
                             R"({"renewed":{"lease":"lease_0"}})",
                             R"({"renewed":{"lease":"job_1"}})",
                             R"({"renewed":{"left":9223372036854775808}})",
                             R"({"ended":{"reason":"unknown"}})"}) {
        CAPTURE(std::string(text));
        CHECK(market_says(text) == "invalid");
        CHECK(provider_says(text) == "invalid");
        CHECK(provider_says(R"({"sequence":1,"message":)" + std::string(text) + "}") != "read");
    }
    for (const char* message :
         {R"({"hello":{"protocol_min":-1}})", R"({"hello":{"protocol_max":4294967296}})",
          R"({"hello":{"key":"ab"}})", R"({"proof":{"signature":"zz"}})",
          R"({"proof":{"offer":{"price":{"start":"1.5"}}}})",
          R"({"proof":{"offer":{"capacity":{"memory":"-1GiB"}}}})",
          R"({"exited":{"outcome":{"exit_code":2147483648}}})",
          R"({"finished":{"artifacts":[{"blob":"00"}]}})", R"({"finished":{"metrics":{"a":"b"}}})",
          R"({"said":{"log_offset":-1}})", R"({"said":{"metrics":[{"step":1e300}]}})",
          R"({"alive":{"leases":"lease_1"}})", R"({"alive":{"draining":1}})"}) {
        CAPTURE(std::string(message));
        CHECK(provider_says(R"({"sequence":1,"message":)" + std::string(message) + "}") ==
              "invalid");
    }
}

TEST_CASE("a frame that is too long or too deep is refused") {
    const std::string begin = R"({"refused":{"message":")";
    const std::string end = R"("}})";
    const std::size_t room = limits::message_bytes - begin.size() - end.size();
    CHECK(market_says(begin + std::string(room, 'x') + end) == "read");
    CHECK(market_says(begin + std::string(room + 1, 'x') + end) == "invalid");
    CHECK(market_says(R"({"refused":{"later":)" + std::string(100'000, '[')) == "invalid");
}

TEST_CASE("what a provider signs are the same bytes for ever") {
    const auto message =
        read_market_frame(R"({"challenge":{"nonce":"0123456789abcdef","market":"ab"}})");
    PublicKey provider;
    provider.bytes.fill(7);
    const Bytes bytes = challenge_bytes(std::get<Challenge>(message.value()), provider);
    CHECK(to_hex(bytes) == golden_text("signed", "challenge_bytes"));
}

}  // namespace

}  // namespace shoal::protocol::session
