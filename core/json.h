#pragma once

// The struct is the schema: BOOST_DESCRIBE_STRUCT names its fields, json::write and json::read do
// the rest. Errors name the path and, for an unknown key, the nearest known one.
//
// A struct may say which fields a person must write:
//     static constexpr std::array<std::string_view, 2> required{"name", "command"};
// All others keep the struct's default when they are absent.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <boost/describe.hpp>
#include <boost/json.hpp>

#include "core/result.h"

namespace shoal::json {

using Value = boost::json::value;

/// Who wrote it. `strict`, for people: an unknown key is refused, required fields must be there.
/// `tolerant`, for sessions and journals: unknown keys are ignored, absent fields take the default.
enum class Reader { strict, tolerant };

/// Parses text. invalid: not JSON (RFC 8259) in UTF-8, nested deeper than 32, or above size_max.
Result<Value> parse(std::string_view text, std::size_t size_max);

std::string print(const Value&);

namespace detail {

/// How a value of one kind is written, printed and read; specialised in json_kinds.h
/// and json_structs.h.
template <class T>
struct Kind;

}  // namespace detail

template <class T>
concept Printable =
    requires(const T& thing, std::string& out) { detail::Kind<T>::print(thing, out); };

/// The text of any described thing: the same as print(write(thing)), without the tree.
template <Printable T>
std::string print(const T& thing);

/// The value of any described thing. An empty optional member is left out; a number that is not
/// finite becomes a string ("NaN", "Infinity", "-Infinity").
template <class T>
Value write(const T& thing);

/// invalid: the path, what was expected and what came.
/// unsupported: a message of unknown name (variants).
template <class T>
Result<T> read(const Value& value, Reader reader);

/// The known name nearest to what was written, by number of edits; empty if none is near.
std::string_view nearest(std::string_view written, const std::vector<std::string_view>& known);

namespace detail {

/// The error of a part, with the part's own place put in front.
Error within(std::string_view place, Error error);

/// `: expected WANTED, got VALUE`, the value cut short.
Error unexpected(std::string_view wanted, const Value& got);

Error unknown_key(std::string_view key, const std::vector<std::string_view>& known);

/// Appends a string with its quotes and escapes.
void print_string(std::string_view text, std::string& out);

}  // namespace detail

}  // namespace shoal::json

#include "core/json_kinds.h"    // IWYU pragma: export
#include "core/json_structs.h"  // IWYU pragma: export

namespace shoal::json {

template <class T>
Value write(const T& thing) {
    return detail::Kind<T>::write(thing);
}

template <Printable T>
std::string print(const T& thing) {
    std::string out;
    detail::Kind<T>::print(thing, out);
    return out;
}

template <class T>
Result<T> read(const Value& value, Reader reader) {
    auto result = detail::Kind<T>::read(value, reader);
    if (result.ok()) return result;
    Error error = std::move(result).error();
    if (error.what.starts_with(": ")) error.what.erase(0, 2);
    return error;
}

}  // namespace shoal::json
