#pragma once

// How messages and described structs are written to JSON and read from it. Included by core/json.h
// alone.

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <boost/mp11/algorithm.hpp>

#include "core/json.h"
#include "core/json_kinds.h"
#include "core/json_text.h"

namespace shoal::json::detail {

template <class T>
using Fields = boost::describe::describe_members<T, boost::describe::mod_public>;

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

/// One of several messages: {"lease_granted": {…}}. Each alternative carries its name.
template <class... Ts>
struct Kind<std::variant<Ts...>> {
    static Value write(const std::variant<Ts...>& message) {
        return std::visit(
            []<class T>(const T& it) -> Value {
                return boost::json::object{{T::name, Kind<T>::write(it)}};
            },
            message);
    }
    static void print(const std::variant<Ts...>& message, std::string& out) {
        std::visit(
            [&]<class T>(const T& it) {
                out.append("{\"").append(T::name).append("\":");
                Kind<T>::print(it, out);
                out.append(1, '}');
            },
            message);
    }
    static Result<std::variant<Ts...>> read(const Value& value, Reader reader) {
        const auto* object = value.if_object();
        if (!object || object->size() != 1) return unexpected("an object with one key", value);
        const auto& [key, body] = *object->begin();
        std::optional<Result<std::variant<Ts...>>> found;
        ((key == Ts::name ? void(found = body_of<Ts>(body, reader)) : void()), ...);
        if (found) return *found;
        return Error{Code::unsupported, std::string(key) + ": unknown message"};
    }
    template <class T>
    static Result<std::variant<Ts...>> body_of(const Value& body, Reader reader) {
        auto result = Kind<T>::read(body, reader);
        if (!result.ok()) return within(T::name, std::move(result).error());
        return std::variant<Ts...>(std::move(result).value());
    }
};

/// Whether a person must write the field.
template <class T>
bool is_required(std::string_view field) {
    if constexpr (requires { T::required; }) {
        for (const std::string_view name : T::required) {
            if (name == field) return true;
        }
    }
    return false;
}

template <class T>
concept Described = boost::describe::has_describe_members<T>::value && !HasText<T>;

template <Described T>
struct Kind<T> {
    static Value write(const T& thing) {
        boost::json::object object;
        boost::mp11::mp_for_each<Fields<T>>([&](auto field) {
            const auto& member = thing.*field.pointer;
            using Field = std::decay_t<decltype(member)>;
            if constexpr (is_optional<Field>) {
                if (!member) return;
            }
            object[field.name] = Kind<Field>::write(member);
        });
        return object;
    }
    static void print(const T& thing, std::string& out) {
        char before = '{';
        boost::mp11::mp_for_each<Fields<T>>([&](auto field) {
            const auto& member = thing.*field.pointer;
            using Field = std::decay_t<decltype(member)>;
            if constexpr (is_optional<Field>) {
                if (!member) return;
            }
            out.append(1, std::exchange(before, ','))
                .append(1, '"')
                .append(field.name)
                .append("\":");
            Kind<Field>::print(member, out);
        });
        out.append(before == '{' ? "{}" : "}");
    }
    static Result<T> read(const Value& value, Reader reader) {
        const auto* object = value.if_object();
        if (!object) return unexpected("an object", value);
        if (reader == Reader::strict) {
            if (auto unknown = unknown_in(*object)) return *std::move(unknown);
        }
        T thing{};
        std::optional<Error> failure;
        boost::mp11::mp_for_each<Fields<T>>([&](auto field) {
            if (failure) return;
            const Value* found = object->if_contains(field.name);
            failure = found ? read_field(thing.*field.pointer, field.name, *found, reader)
                            : missing(field.name, reader);
        });
        if (failure) return *std::move(failure);
        return thing;
    }

private:
    static std::optional<Error> unknown_in(const boost::json::object& object) {
        std::vector<std::string_view> known;
        boost::mp11::mp_for_each<Fields<T>>([&](auto field) { known.emplace_back(field.name); });
        for (const auto& [key, unused] : object) {
            if (std::ranges::find(known, std::string_view(key)) == known.end()) {
                return unknown_key(key, known);
            }
        }
        return std::nullopt;
    }
    template <class Field>
    static std::optional<Error> read_field(Field& field, std::string_view name, const Value& value,
                                           Reader reader) {
        auto result = Kind<Field>::read(value, reader);
        if (!result.ok()) return within(name, std::move(result).error());
        field = std::move(result).value();
        return std::nullopt;
    }
    static std::optional<Error> missing(std::string_view name, Reader reader) {
        if (reader == Reader::tolerant || !is_required<T>(name)) return std::nullopt;
        return Error{Code::invalid, std::string(name) + ": missing"};
    }
};

}  // namespace shoal::json::detail
