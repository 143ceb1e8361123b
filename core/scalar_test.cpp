#include "core/scalar.h"

#include <cstdint>
#include <cstdlib>
#include <string>

#include <doctest/doctest.h>

#include "core/json.h"

namespace shoal {
namespace {

Scalar read(std::string_view text) {
    return json::read<Scalar>(json::parse(text, 1'000).value(), json::Reader::strict).value();
}

TEST_CASE("a scalar is put into a command line as it was written") {
    struct Row {
        const char* json;
        const char* text;
    };
    for (const Row& row :
         {Row{"\"a b\"", "a b"}, Row{"\"\"", ""}, Row{"7", "7"}, Row{"-7", "-7"},
          Row{"0.01", "0.01"}, Row{"1e-4", "0.0001"}, Row{"0.1", "0.1"}, Row{"true", "true"},
          Row{"false", "false"}, Row{"9223372036854775807", "9223372036854775807"}}) {
        CHECK(to_string(read(row.json)) == row.text);
    }
}

TEST_CASE("a number's text reads back as the same number") {
    for (const double number : {0.1, 1.0 / 3, 1e-300, 1.7976931348623157e308, -0.0, 5e-324}) {
        CHECK(std::strtod(to_string(Scalar{number}).c_str(), nullptr) == number);
    }
}

TEST_CASE("what is more than one word is no scalar") {
    for (const char* wrong : {"[]", "{}", "null", "[1]", "18446744073709551615"}) {
        const auto value = json::parse(wrong, 1'000).value();
        CHECK(json::read<Scalar>(value, json::Reader::strict).error().code == Code::invalid);
    }
}

}  // namespace
}  // namespace shoal
