#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "core/check.h"

namespace shoal {

/// One code for each thing a caller can do about a failure; `what` is for the person who reads it.
enum class Code {
    invalid,
    denied,
    not_found,
    conflict,
    exhausted,
    stale,
    unavailable,
    timeout,
    corrupt,
    unsupported
};

/// The code's name, as on every wire.
std::string_view to_string(Code);

struct Error {
    Code code;
    std::string what;
};

/// The value of a Result that has nothing to say but that it went well.
struct Done {
    friend bool operator==(Done, Done) = default;
};

/// A value, or the reason there is none.
template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) : state_(std::move(value)) {}
    Result(Error error) : state_(std::move(error)) {}

    bool ok() const { return state_.index() == 0; }
    const T& value() const& { return check(ok()), std::get<0>(state_); }
    T&& value() && { return check(ok()), std::get<0>(std::move(state_)); }
    const Error& error() const& { return check(!ok()), std::get<1>(state_); }
    Error&& error() && { return check(!ok()), std::get<1>(std::move(state_)); }

private:
    std::variant<T, Error> state_;
};

/// Whether it went well, or the reason why not.
using Status = Result<Done>;

}  // namespace shoal

/// Gives the value of a Result, or returns its error from the enclosing function. Not for
/// coroutines, and not nested: -Wshadow refuses the second one.
#define TRY(expression)                                             \
    __extension__({                                                 \
        auto&& try_result = (expression);                           \
        if (!try_result.ok()) return std::move(try_result).error(); \
        std::move(try_result).value();                              \
    })
