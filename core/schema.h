#pragma once

// JSON Schema (2020-12) of described structs, from the same description as the reader's. OpenAPI
// 3.1 uses the same schemas under another place.
//
// A struct may document its fields:
//     static constexpr std::array<std::pair<std::string_view, std::string_view>, 1> docs{
//         {{"cores", "whole cores that the task may use"}}};

#include <map>
#include <string>
#include <string_view>
#include <typeindex>
#include <typeinfo>

#include "core/json.h"

namespace shoal::json {

/// What is described: what people may write and what sessions and journals may hold, as the two
/// readers take it; or what the program itself writes, where only empty optionals are absent.
enum class Side { strict, tolerant, written };

/// Where the schemas of structs stand, and what is put behind their names: a document that shows
/// one struct from two sides needs two names for it.
struct Place {
    std::string prefix = "#/$defs/";
    std::string suffix;
};

/// Collects the schemas of structs under their C++ names.
class Schemas {
public:
    explicit Schemas(Side side, Place place = {}) : side_(side), place_(std::move(place)) {}

    /// The schema of T: for a struct a reference, and the struct with all it needs is collected.
    template <class T>
    Value of();

    const boost::json::object& definitions() const { return definitions_; }
    Side side() const { return side_; }

    /// A reference to the definition that `describe` makes when it is asked for first.
    Value refer(std::type_index type, boost::json::object (*describe)(Schemas&));

private:
    Side side_;
    Place place_;
    boost::json::object definitions_;
    std::map<std::string, std::type_index, std::less<>> owners_;
};

/// A whole document: T's schema with all definitions.
template <class T>
Value schema(Side side);

namespace detail {

/// The schema of one kind of value; specialised in schema_kinds.h beside each Kind.
template <class T>
struct Shape;

Value document(Value root, const Schemas& schemas);

/// A struct's schema in the making.
class ObjectShape {
public:
    explicit ObjectShape(Side side) : side_(side) {}

    struct Field {
        std::string_view name;
        std::string_view documentation;
        bool required;
    };
    void add(const Field& field, Value schema, Value default_value);
    boost::json::object finish() &&;

private:
    Side side_;
    boost::json::object properties_;
    boost::json::array required_;
};

/// One of several messages, each an object with one key.
Value message_shape(std::string_view name, Value body);
Value nullable(Value schema);

}  // namespace detail

}  // namespace shoal::json

#include "core/schema_kinds.h"  // IWYU pragma: export

namespace shoal::json {

template <class T>
Value Schemas::of() {
    return detail::Shape<T>::make(*this);
}

template <class T>
Value schema(Side side) {
    Schemas schemas(side);
    Value root = schemas.of<T>();
    return detail::document(std::move(root), schemas);
}

}  // namespace shoal::json
