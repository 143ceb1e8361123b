#pragma once

// How values, lists and maps are written to JSON and read from it. Included by core/json.h alone.

#include <array>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/mp11/algorithm.hpp>

#include "core/id_map.h"
#include "core/json.h"
#include "core/json_text.h"
#include "core/scalar.h"
#include "core/time.h"

namespace shoal::json::detail {

template <class T>
    requires HasText<T>
struct Kind<T> {
    static Value write(const T& thing) { return Value(Text<T>::write(thing)); }
    static void print(const T& thing, std::string& out) {
        // None of these texts has a character that would need an escape.
        out.append(1, '"').append(Text<T>::write(thing)).append(1, '"');
    }
    static Result<T> read(const Value& value, Reader /*reader*/) {
        const auto* text = value.if_string();
        if (!text) return unexpected(Text<T>::wanted, value);
        auto result = Text<T>::read(*text);
        if (!result.ok()) return Error{Code::invalid, ": " + result.error().what};
        return result;
    }
};

template <>
struct Kind<std::string> {
    static Value write(const std::string& text) { return Value(text); }
    static void print(const std::string& text, std::string& out) { print_string(text, out); }
    static Result<std::string> read(const Value& value, Reader /*reader*/) {
        if (const auto* text = value.if_string()) return std::string(*text);
        return unexpected("a string (in quotes)", value);
    }
};

template <>
struct Kind<bool> {
    static Value write(bool truth) { return Value(truth); }
    static void print(bool truth, std::string& out) { out.append(truth ? "true" : "false"); }
    static Result<bool> read(const Value& value, Reader /*reader*/) {
        if (value.is_bool()) return value.get_bool();
        return unexpected("true or false", value);
    }
};

template <>
struct Kind<double> {
    static Value write(double number);
    static void print(double number, std::string& out);
    static Result<double> read(const Value& value, Reader reader);
};

template <>
struct Kind<Scalar> {
    static Value write(const Scalar& scalar);
    static void print(const Scalar& scalar, std::string& out);
    static Result<Scalar> read(const Value& value, Reader reader);
};

template <>
struct Kind<Value> {
    static Value write(const Value& value) { return value; }
    static void print(const Value& value, std::string& out) { out.append(json::print(value)); }
    static Result<Value> read(const Value& value, Reader /*reader*/) { return value; }
};

template <std::integral T>
struct Kind<T> {
    static Value write(T number) { return Value(number); }
    static void print(T number, std::string& out) {
        std::array<char, std::numeric_limits<T>::digits10 + 3> digits;
        const auto [end, failure] = std::to_chars(digits.begin(), digits.end(), number);
        out.append(digits.begin(), end);
    }
    static Result<T> read(const Value& value, Reader /*reader*/) {
        boost::json::error_code failure;
        if (value.is_number()) {
            const T number = value.to_number<T>(failure);  // refuses fractions and what is too big
            if (!failure) return number;
        }
        return unexpected("a whole number from " + std::to_string(std::numeric_limits<T>::min()) +
                              " to " + std::to_string(std::numeric_limits<T>::max()),
                          value);
    }
};

template <>
struct Kind<Duration> {
    static Value write(Duration length) { return Value(length.count()); }
    static void print(Duration it, std::string& o) { Kind<Duration::rep>::print(it.count(), o); }
    static Result<Duration> read(const Value& value, Reader reader) {
        return Duration{TRY(Kind<std::int64_t>::read(value, reader))};
    }
};

template <>
struct Kind<Time> {
    static Value write(Time time) { return Value(time.time_since_epoch().count()); }
    static void print(Time it, std::string& o) { Kind<Duration>::print(it.time_since_epoch(), o); }
    static Result<Time> read(const Value& value, Reader reader) {
        return Time{TRY(Kind<Duration>::read(value, reader))};
    }
};

/// An enumerator as every wire has it. One that would be a keyword of C++ ends in "_", which is the
/// code's alone.
constexpr std::string_view wire_name(std::string_view enumerator) {
    if (enumerator.ends_with('_')) enumerator.remove_suffix(1);
    return enumerator;
}

template <class T>
    requires std::is_enum_v<T>
struct Kind<T> {
    static Value write(T thing) {
        return Value(wire_name(boost::describe::enum_to_string(thing, "")));
    }
    static void print(T thing, std::string& out) {
        const std::string_view name = wire_name(boost::describe::enum_to_string(thing, ""));
        out.append(1, '"').append(name).append(1, '"');
    }
    static Result<T> read(const Value& value, Reader /*reader*/) {
        T thing{};
        bool found = false;
        std::string wanted;
        const auto* text = value.if_string();
        boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&](auto one) {
            const std::string_view name = wire_name(one.name);
            if (text && std::string_view(*text) == name) {
                thing = one.value;
                found = true;
            }
            wanted.append(wanted.empty() ? "" : " | ").append(name);
        });
        if (found) return thing;
        return unexpected(wanted, value);
    }
};

template <class T>
struct Kind<std::optional<T>> {
    static Value write(const std::optional<T>& maybe) {
        return maybe ? Kind<T>::write(*maybe) : Value();
    }
    static void print(const std::optional<T>& maybe, std::string& out) {
        if (!maybe) return void(out.append("null"));
        Kind<T>::print(*maybe, out);
    }
    static Result<std::optional<T>> read(const Value& value, Reader reader) {
        if (value.is_null()) return std::optional<T>();
        return std::optional<T>(TRY(Kind<T>::read(value, reader)));
    }
};

template <class T>
struct Kind<std::vector<T>> {
    static Value write(const std::vector<T>& items) {
        boost::json::array array;
        array.reserve(items.size());
        for (const T& item : items) array.push_back(Kind<T>::write(item));
        return array;
    }
    static void print(const std::vector<T>& items, std::string& out) {
        char before = '[';
        for (const T& item : items) {
            out.append(1, std::exchange(before, ','));
            Kind<T>::print(item, out);
        }
        out.append(items.empty() ? "[]" : "]");
    }
    static Result<std::vector<T>> read(const Value& value, Reader reader) {
        const auto* array = value.if_array();
        if (!array) return unexpected("a list", value);
        std::vector<T> items;
        items.reserve(array->size());
        for (const Value& item : *array) {
            auto result = Kind<T>::read(item, reader);
            const std::string place = "[" + std::to_string(items.size()) + "]";
            if (!result.ok()) return within(place, std::move(result).error());
            items.push_back(std::move(result).value());
        }
        return items;
    }
};

/// An object whose keys are data: names, or anything that has a text form.
template <class Map>
struct MapKind {
    using K = typename Map::key_type;
    using T = typename Map::mapped_type;
    static Value write(const Map& items) {
        boost::json::object object;
        object.reserve(items.size());
        for (const auto& [key, item] : items) object[key_text(key)] = Kind<T>::write(item);
        return object;
    }
    static void print(const Map& items, std::string& out) {
        char before = '{';
        for (const auto& [key, item] : items) {
            out.append(1, std::exchange(before, ','));
            print_string(key_text(key), out);
            out.append(1, ':');
            Kind<T>::print(item, out);
        }
        out.append(items.empty() ? "{}" : "}");
    }
    static Result<Map> read(const Value& value, Reader reader) {
        const auto* object = value.if_object();
        if (!object) return unexpected("an object", value);
        Map items;
        for (const auto& [name, item] : *object) {
            auto key = read_key<K>(name);
            if (!key.ok()) return within(name, {Code::invalid, ": " + key.error().what});
            auto result = Kind<T>::read(item, reader);
            if (!result.ok()) return within(name, std::move(result).error());
            const auto [at, is_new] =
                items.emplace(std::move(key).value(), std::move(result).value());
            if (!is_new) return within(name, {Code::invalid, ": given twice"});
        }
        return items;
    }
};

template <class K, class T>
struct Kind<std::map<K, T>> : MapKind<std::map<K, T>> {};
template <class K, class T>
struct Kind<IdMap<K, T>> : MapKind<IdMap<K, T>> {};

}  // namespace shoal::json::detail
