#include "core/result.h"

#include <memory>
#include <string>

#include <doctest/doctest.h>

namespace shoal {
namespace {

Result<int> half(int number) {
    if (number % 2 != 0) return Error{Code::invalid, "expected an even number"};
    return number / 2;
}

Result<std::string> quarter(int number) {
    const int once = TRY(half(number));
    const int twice = TRY(half(once));
    return std::to_string(twice);
}

Status even(int number) {
    TRY(half(number));
    return Done{};
}

TEST_CASE("TRY gives the value, or ends the function with the error") {
    CHECK(quarter(8).value() == "2");
    CHECK(quarter(6).error().code == Code::invalid);
    CHECK(quarter(7).error().what == "expected an even number");
    CHECK(even(2).ok());
    CHECK_FALSE(even(3).ok());
}

TEST_CASE("a value that cannot be copied is moved out") {
    Result<std::unique_ptr<int>> result(std::make_unique<int>(5));
    const std::unique_ptr<int> taken = std::move(result).value();
    CHECK(*taken == 5);
}

}  // namespace
}  // namespace shoal
