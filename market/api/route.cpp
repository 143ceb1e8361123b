#include "market/api/route.h"

#include <algorithm>

namespace shoal::market {

namespace {

std::vector<std::string_view> parts_of(std::string_view path) {
    std::vector<std::string_view> parts;
    for (;;) {
        const auto slash = path.find('/', 1);
        parts.push_back(path.substr(0, slash));
        if (slash == std::string_view::npos) return parts;
        path.remove_prefix(slash);
    }
}

bool is_variable(std::string_view part) {
    return part.starts_with("/{");
}

/// "/{job}" -> "job"
std::string name_of(std::string_view part) {
    return std::string(part.substr(2, part.size() - 3));
}

bool answers(const Route& route, std::string_view method) {
    return route.method == method || (method == "HEAD" && route.method == "GET");
}

}  // namespace

bool Route::is_paged() const {
    return std::ranges::find(query, "cursor", &QueryParameter::name) != query.end();
}

std::optional<std::map<std::string, std::string>> match(std::string_view pattern,
                                                        std::string_view path) {
    const auto wanted = parts_of(pattern);
    const auto given = parts_of(path);
    if (wanted.size() != given.size()) return std::nullopt;
    std::map<std::string, std::string> filled;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (is_variable(wanted[i]) && given[i].size() > 1) {
            filled.emplace(name_of(wanted[i]), given[i].substr(1));
        } else if (wanted[i] != given[i]) {
            return std::nullopt;
        }
    }
    return filled;
}

/// A path without variables goes before one with them: /v1/accounts/me.
const Route* find_route(std::string_view method, std::string_view path) {
    const Route* found = nullptr;
    for (const Route& route : routes()) {
        if (!answers(route, method)) continue;
        if (route.pattern == path) return &route;
        if (!found && match(route.pattern, path)) found = &route;
    }
    return found;
}

std::string allowed_methods(std::string_view path) {
    std::string methods;
    const auto add = [&](std::string_view method) {
        if (methods.find(method) != std::string::npos) return;
        methods += (methods.empty() ? "" : ", ") + std::string(method);
    };
    for (const Route& route : routes()) {
        if (!match(route.pattern, path)) continue;
        add(route.method);
        if (route.method == "GET") add("HEAD");
    }
    return methods;
}

std::string nearest_path(std::string_view path) {
    const auto given = parts_of(path);
    std::vector<std::string> filled;  // the patterns with what was written for their variables
    for (const Route& route : routes()) {
        const auto wanted = parts_of(route.pattern);
        std::string whole;
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            whole += is_variable(wanted[i]) && i < given.size() ? given[i] : wanted[i];
        }
        filled.push_back(std::move(whole));
    }
    const std::vector<std::string_view> known(filled.begin(), filled.end());
    return std::string(json::nearest(path, known));
}

}  // namespace shoal::market
