#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "core/result.h"
#include "core/schema.h"

namespace shoal::market {

struct ApiAnswer;
struct Call;

/// Who may use a route. An operator may use all of them; what belongs to an account is, beside the
/// role, only for that account and the operator.
enum class Access { anyone, any_key, buyer, provider, operators };

/// `plain`: handle() answers. `upload`: its body is streamed to a blob. `socket`: a WebSocket.
enum class RouteKind { plain, upload, socket };

struct QueryParameter {
    std::string_view name;
    std::string_view meaning;
};

/// One line of the table from which dispatch, the OpenAPI document and the reference derive.
struct Route {
    std::string_view method;
    std::string_view pattern;  // "/v1/jobs/{job}"
    Access access = Access::operators;
    std::string_view summary;
    std::vector<QueryParameter> query = {};
    int status = 200;            // when it went well
    int exhausted_status = 429;  // when there is not enough: 402 of money, 507 of space, else 429
    RouteKind kind = RouteKind::plain;
    bool is_told = false;  // the audit tells the body and the query: they hold no secret
    std::string_view content_type = "application/json";   // of the answer
    json::Value (*request)(json::Schemas&) = nullptr;     // the schema of the body; none: no body
    json::Value (*response)(json::Schemas&) = nullptr;    // of the answer; none: it is no JSON
    Result<ApiAnswer> (*handler)(const Call&) = nullptr;  // none: wired by the shell

    bool is_paged() const;
};

/// All of them, in the order of the documents.
std::span<const Route> routes();

/// The parts of a path that fill the pattern's {names}, or nothing if it does not fit.
std::optional<std::map<std::string, std::string>> match(std::string_view pattern,
                                                        std::string_view path);

/// The route of a request; null if there is none. HEAD is answered like GET.
const Route* find_route(std::string_view method, std::string_view path);

/// The methods that the path has, as in the header Allow; empty if there is no such path.
std::string allowed_methods(std::string_view path);

/// The path that is nearest to one that does not exist; empty if none is near.
std::string nearest_path(std::string_view path);

}  // namespace shoal::market
