#pragma once

// The schema of each kind of value, beside its Kind in json_kinds.h. Included by core/schema.h
// alone.

#include <concepts>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "core/check.h"
#include "core/schema.h"

namespace shoal::json::detail {

template <HasText T>
struct Shape<T> {
    static Value make(Schemas& /*schemas*/) {
        boost::json::object shape{{"type", "string"}};
        if constexpr (requires { Text<T>::pattern(); }) shape["pattern"] = Text<T>::pattern();
        return shape;
    }
};

template <>
struct Shape<std::string> {
    static Value make(Schemas& /*schemas*/) { return {{"type", "string"}}; }
};

template <>
struct Shape<bool> {
    static Value make(Schemas& /*schemas*/) { return {{"type", "boolean"}}; }
};

template <>
struct Shape<double> {
    static Value make(Schemas& schemas);
};

template <>
struct Shape<Scalar> {
    static Value make(Schemas& schemas);
};

/// Any value at all.
template <>
struct Shape<Value> {
    static Value make(Schemas& /*schemas*/) { return boost::json::object(); }
};

template <std::integral T>
struct Shape<T> {
    static Value make(Schemas& /*schemas*/) {
        return {{"type", "integer"},
                {"minimum", std::numeric_limits<T>::min()},
                {"maximum", std::numeric_limits<T>::max()}};
    }
};

template <>
struct Shape<Duration> {
    static Value make(Schemas& schemas) { return Shape<std::int64_t>::make(schemas); }
};

template <>
struct Shape<Time> {
    static Value make(Schemas& schemas) { return Shape<std::int64_t>::make(schemas); }
};

template <class T>
    requires std::is_enum_v<T>
struct Shape<T> {
    static Value make(Schemas& /*schemas*/) {
        boost::json::array names;
        boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>(
            [&](auto one) { names.emplace_back(wire_name(one.name)); });
        return boost::json::object{{"type", "string"}, {"enum", std::move(names)}};
    }
};

template <class T>
struct Shape<std::optional<T>> {
    static Value make(Schemas& schemas) { return nullable(schemas.of<T>()); }
};

template <class T>
struct Shape<std::vector<T>> {
    static Value make(Schemas& schemas) {
        return boost::json::object{{"type", "array"}, {"items", schemas.of<T>()}};
    }
};

template <class K, class T>
struct Shape<std::map<K, T>> {
    static Value make(Schemas& schemas) {
        boost::json::object shape{{"type", "object"}, {"additionalProperties", schemas.of<T>()}};
        if constexpr (HasText<K>) shape["propertyNames"] = schemas.of<K>();
        return shape;
    }
};

template <class... Ts>
struct Shape<std::variant<Ts...>> {
    static Value make(Schemas& schemas) {
        boost::json::array messages;
        (messages.push_back(message_shape(Ts::name, schemas.of<Ts>())), ...);
        return boost::json::object{{"oneOf", std::move(messages)}};
    }
};

/// What the struct says of a field for people; empty if nothing.
template <class T>
std::string_view documentation(std::string_view field) {
    if constexpr (requires { T::docs; }) {
        for (const auto& [name, text] : T::docs) {
            if (name == field) return text;
        }
    }
    return "";
}

/// Whether all that the struct says of fields is of fields that it has.
template <class T>
bool speaks_of_its_fields() {
    std::vector<std::string_view> known;
    boost::mp11::mp_for_each<Fields<T>>([&](auto field) { known.emplace_back(field.name); });
    const auto has = [&](std::string_view name) { return std::ranges::count(known, name) == 1; };
    bool all = true;
    if constexpr (requires { T::docs; }) {
        for (const auto& [name, text] : T::docs) all = all && has(name);
    }
    if constexpr (requires { T::required; }) {
        for (const std::string_view name : T::required) all = all && has(name);
    }
    return all;
}

template <Described T>
struct Shape<T> {
    static Value make(Schemas& schemas) { return schemas.refer(typeid(T), describe); }

private:
    static boost::json::object describe(Schemas& schemas) {
        check(speaks_of_its_fields<T>());
        const T defaults{};
        ObjectShape shape(schemas.side());
        boost::mp11::mp_for_each<Fields<T>>([&](auto field) {
            using Field = std::decay_t<decltype(defaults.*field.pointer)>;
            shape.add(
                {field.name, documentation<T>(field.name), required<Field>(schemas, field.name)},
                field_shape<Field>(schemas), Kind<Field>::write(defaults.*field.pointer));
        });
        return std::move(shape).finish();
    }

    template <class Field>
    static bool required(const Schemas& schemas, std::string_view name) {
        switch (schemas.side()) {
            case Side::strict:
                return is_required<T>(name);
            case Side::tolerant:
                return false;
            case Side::written:
                return !is_optional<Field>;
        }
        check(false);
        return false;
    }

    /// An empty optional member is never written as null, though it is read so.
    template <class Field>
    static Value field_shape(Schemas& schemas) {
        if constexpr (is_optional<Field>) {
            if (schemas.side() == Side::written) return schemas.of<typename Field::value_type>();
        }
        return schemas.of<Field>();
    }
};

}  // namespace shoal::json::detail
