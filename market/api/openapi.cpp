#include "market/api/openapi.h"

#include <string>

#include <fmt/format.h>

#include "core/limits.h"
#include "market/api/route.h"
#include "protocol/api.h"
#include "protocol/job.h"

namespace shoal::market {

namespace {

using boost::json::array;
using boost::json::object;

/// Schemas of what is asked and of what is answered: they differ in what may be absent.
struct Documents {
    json::Schemas asked{json::Side::strict, {"#/components/schemas/", "Request"}};
    json::Schemas answered{json::Side::written, {"#/components/schemas/", ""}};
};

object content(std::string_view type, json::Value schema) {
    return {{type, object{{"schema", std::move(schema)}}}};
}

json::Value parameter(std::string_view place, std::string_view name, std::string_view meaning) {
    object schema{{"type", "string"}};
    if (name == "limit") {
        schema = {{"type", "integer"},
                  {"minimum", 1},
                  {"maximum", limits::page_max},
                  {"default", limits::page_default}};
    }
    object all{{"name", name}, {"in", place}, {"schema", std::move(schema)}};
    if (place == "path") all["required"] = true;
    if (!meaning.empty()) all["description"] = meaning;
    return all;
}

array parameters(const Route& route) {
    array all;
    const std::string_view pattern = route.pattern;
    for (auto open = pattern.find('{'); open != std::string_view::npos;
         open = pattern.find('{', open + 1)) {
        const auto close = pattern.find('}', open);
        all.push_back(parameter("path", pattern.substr(open + 1, close - open - 1), ""));
    }
    for (const QueryParameter& it : route.query) {
        all.push_back(parameter("query", it.name, it.meaning));
    }
    if (route.method == "POST") {
        all.push_back(parameter("header", "Idempotency-Key",
                                "the same key with the same request does nothing twice, for 24 h"));
    }
    if (route.kind == RouteKind::upload) {
        all.push_back(parameter("header", "Shoal-Lease",
                                "of the attempt that made the bytes; they become its buyer's"));
    }
    return all;
}

std::string_view role_of(Access access) {
    switch (access) {
        case Access::anyone:
            return "No key is needed.";
        case Access::any_key:
            return "For keys of every role.";
        case Access::buyer:
            return "For keys of role buyer.";
        case Access::provider:
            return "For keys of role provider.";
        case Access::operators:
            return "For keys of role operator.";
    }
    return "";
}

object request_body(const Route& route, Documents& documents) {
    const bool is_json = route.request != nullptr;
    json::Value schema = is_json ? route.request(documents.asked) : json::Value(object());
    return {{"required", true},
            {"content", content(is_json ? "application/json" : "application/octet-stream",
                                std::move(schema))}};
}

/// What a key that asks too often gets.
object one_too_many(Documents& documents) {
    const object seconds{{"description", "after how many seconds to ask again"},
                         {"schema", object{{"type", "integer"}}}};
    return {{"description", "More requests than the key may make; it was not looked at"},
            {"headers", object{{"Retry-After", seconds}}},
            {"content", content("application/json", documents.answered.of<protocol::Problem>())}};
}

object answers(const Route& route, Documents& documents) {
    object good{{"description", route.summary}};
    if (route.response) {
        good["content"] = content("application/json", route.response(documents.answered));
    } else if (route.kind == RouteKind::plain) {
        const std::string_view type = route.content_type.substr(0, route.content_type.find(';'));
        good["content"] = content(type, object{{"type", "string"}});
    }
    const object refused{
        {"description", "A refusal"},
        {"content", content("application/json", documents.answered.of<protocol::Problem>())}};
    object all{{std::to_string(route.status), std::move(good)}, {"default", refused}};
    if (route.access != Access::anyone) all["429"] = one_too_many(documents);
    return all;
}

/// "GET /v1/jobs/{job}/tasks" -> "get_jobs_job_tasks"
std::string operation_id(const Route& route) {
    std::string id;
    for (const char c : fmt::format("{}{}", route.method, route.pattern)) {
        const bool is_upper = c >= 'A' && c <= 'Z';
        if (is_upper) {
            id += static_cast<char>(c - 'A' + 'a');
        } else if (c == '/') {
            id += '_';
        } else if (c != '{' && c != '}') {
            id += c;
        }
    }
    const auto version = id.find("_v1_");
    if (version != std::string::npos) id.erase(version, 3);
    return id;
}

object operation(const Route& route, Documents& documents) {
    object all{{"operationId", operation_id(route)},
               {"summary", route.summary},
               {"description", role_of(route.access)}};
    if (route.access == Access::anyone) all["security"] = array();
    array given = parameters(route);
    if (!given.empty()) all["parameters"] = std::move(given);
    if (route.request || route.kind == RouteKind::upload) {
        all["requestBody"] = request_body(route, documents);
    }
    all["responses"] = answers(route, documents);
    return all;
}

std::string lower(std::string_view method) {
    std::string text;
    for (const char c : method) text += static_cast<char>(c - 'A' + 'a');
    return text;
}

}  // namespace

json::Value openapi() {
    Documents documents;
    object paths;
    for (const Route& route : routes()) {
        json::Value& path = paths[route.pattern];
        if (path.is_null()) path = object();
        path.get_object()[lower(route.method)] = operation(route, documents);
    }
    object schemas = documents.answered.definitions();
    for (const auto& [name, schema] : documents.asked.definitions()) schemas[name] = schema;
    const object key{{"type", "http"}, {"scheme", "bearer"}};
    return object{
        {"openapi", "3.1.0"},
        {"info",
         object{{"title", "Shoal"},
                {"version", "1"},
                {"description",
                 "A market for compute. Money is a string of lamports of credit, times are "
                 "milliseconds since 1970 (UTC). A key's role is buyer, provider or operator; an "
                 "operator may use every path. Another account's thing answers 404."}}},
        {"paths", std::move(paths)},
        {"components",
         object{{"schemas", std::move(schemas)}, {"securitySchemes", object{{"key", key}}}}},
        {"security", array{object{{"key", array()}}}}};
}

json::Value job_schema() {
    return json::schema<protocol::JobSpec>(json::Side::strict);
}

}  // namespace shoal::market
