#include "core/schema.h"

#include <boost/core/demangle.hpp>

#include "core/check.h"

namespace shoal::json {

namespace {

/// The last part of the type's C++ name.
std::string plain_name(std::type_index type) {
    const std::string whole = boost::core::demangle(type.name());
    const auto colon = whole.rfind(':');
    return colon == std::string::npos ? whole : whole.substr(colon + 1);
}

}  // namespace

Value Schemas::refer(std::type_index type, boost::json::object (*describe)(Schemas&)) {
    const std::string name = plain_name(type) + place_.suffix;
    const auto [owner, is_new] = owners_.emplace(name, type);
    check(owner->second == type);  // two structs of one name would hide each other
    if (is_new) {
        definitions_[name] = nullptr;  // keeps the order in which structs are met
        definitions_[name] = describe(*this);
    }
    return {{"$ref", place_.prefix + name}};
}

namespace detail {

Value document(Value root, const Schemas& schemas) {
    boost::json::object whole{{"$schema", "https://json-schema.org/draft/2020-12/schema"}};
    for (auto& [key, value] : root.as_object()) whole[key] = value;
    if (!schemas.definitions().empty()) whole["$defs"] = schemas.definitions();
    return whole;
}

void ObjectShape::add(const Field& field, Value schema, Value default_value) {
    boost::json::object& shape = schema.as_object();
    if (!field.documentation.empty()) shape["description"] = field.documentation;
    const bool may_be_absent = !field.required && side_ != Side::written;
    if (may_be_absent && !default_value.is_null()) shape["default"] = std::move(default_value);
    properties_[field.name] = std::move(schema);
    if (field.required) required_.emplace_back(field.name);
}

boost::json::object ObjectShape::finish() && {
    boost::json::object shape{{"type", "object"}, {"properties", std::move(properties_)}};
    if (!required_.empty()) shape["required"] = std::move(required_);
    if (side_ == Side::strict) shape["additionalProperties"] = false;
    return shape;
}

Value message_shape(std::string_view name, Value body) {
    return boost::json::object{{"type", "object"},
                               {"properties", boost::json::object{{name, std::move(body)}}},
                               {"required", boost::json::array{name}},
                               {"additionalProperties", false}};
}

Value nullable(Value schema) {
    boost::json::array either;
    either.push_back(std::move(schema));
    either.push_back(boost::json::object{{"type", "null"}});
    return boost::json::object{{"anyOf", std::move(either)}};
}

Value Shape<double>::make(Schemas& /*schemas*/) {
    const boost::json::object number{{"type", "number"}};
    const boost::json::object other{{"enum", boost::json::array{"NaN", "Infinity", "-Infinity"}}};
    return boost::json::object{{"anyOf", boost::json::array{number, other}}};
}

Value Shape<Scalar>::make(Schemas& /*schemas*/) {
    return boost::json::object{{"type", boost::json::array{"string", "number", "boolean"}}};
}

}  // namespace detail

}  // namespace shoal::json
