#include "io/http_client.h"

#include <chrono>

#include <doctest/doctest.h>

namespace shoal::io {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a server may ask for patience, in seconds and within reason") {
    const auto asked = [](const char* value) {
        return retry_after({429, {{"content-length", "0"}, {"retry-after", value}}, ""});
    };
    CHECK(asked("0") == 0s);
    CHECK(asked("7") == 7s);
    CHECK(asked("999999999999") == 1h);
    for (const char* value : {"", "-1", "7 s", "99999999999999999999", "Fri, 31 Dec 1999"}) {
        CHECK(asked(value) == 0s);
    }
    CHECK(retry_after({429, {}, ""}) == 0s);
}

}  // namespace
}  // namespace shoal::io
