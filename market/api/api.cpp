#include "market/api/api.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/limits.h"
#include "market/api/audit.h"
#include "market/api/call.h"
#include "market/api/idempotency.h"
#include "market/api/refusal.h"
#include "protocol/api_market.h"

namespace shoal::market {

namespace {

using protocol::Role;

constexpr int unauthorised = 401;
constexpr int method_not_allowed = 405;
constexpr int too_large = 413;
constexpr int unsupported_type = 415;
constexpr int upgrade_required = 426;

ApiAnswer refuse(const ApiRequest& request, const Error& error, int exhausted_status = 429) {
    return to_answer(request, {status_of(error.code, exhausted_status), error, ""});
}

ApiAnswer no_route(const ApiRequest& request) {
    const std::string methods = allowed_methods(request.path);
    if (methods.empty()) {
        const std::string near = nearest_path(request.path);
        return to_answer(request, {404,
                                   {Code::not_found, "no such path"},
                                   near.empty() ? "" : "did you mean " + near + "?"});
    }
    ApiAnswer answer =
        to_answer(request, {method_not_allowed,
                            {Code::unsupported, request.method + " is not a method of this path"},
                            "it has " + methods});
    answer.headers["allow"] = methods;
    return answer;
}

bool has_role(Access access, Role role) {
    if (role == Role::operator_) return true;
    switch (access) {
        case Access::anyone:
        case Access::any_key:
            return true;
        case Access::buyer:
            return role == Role::buyer;
        case Access::provider:
            return role == Role::provider;
        case Access::operators:
            return false;
    }
    return false;
}

std::string_view secret_of(const ApiRequest& request) {
    constexpr std::string_view scheme = "Bearer ";
    const auto found = request.headers.find("authorization");
    if (found == request.headers.end() || !found->second.starts_with(scheme)) return "";
    return std::string_view(found->second).substr(scheme.size());
}

constexpr protocol::RequestRate strangers_rate{limits::strangers_per_second,
                                               limits::strangers_burst};

ApiAnswer too_many(const ApiRequest& request, const protocol::RequestRate& rate, Duration wait) {
    constexpr int too_many_requests = 429;
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
    ApiAnswer answer =
        to_answer(request, {too_many_requests,
                            {Code::exhausted, fmt::format("too many requests: {} a second are "
                                                          "answered, and at most {} at once",
                                                          rate.per_second, rate.burst)},
                            fmt::format("ask again in {} s", seconds)});
    answer.headers["retry-after"] = std::to_string(seconds);
    return answer;
}

std::optional<ApiAnswer> check_body(const ApiRequest& request, const Route& route) {
    if (request.body.size() > limits::body_bytes) {
        return to_answer(
            request,
            {too_large,
             {Code::exhausted, fmt::format("the body is longer than {} bytes", limits::body_bytes)},
             "bigger things are blobs: PUT /v1/blobs/{hash}"});
    }
    if (!route.request) {
        if (request.body.empty() || request.body == "{}") return std::nullopt;
        return refuse(request, {Code::invalid, "this route takes no body"});
    }
    const auto type = request.headers.find("content-type");
    if (type == request.headers.end() || type->second == "application/json" ||
        type->second.starts_with("application/json;")) {
        return std::nullopt;
    }
    return to_answer(request, {unsupported_type,
                               {Code::unsupported, "expected a body of type application/json"},
                               "send the header content-type: application/json"});
}

std::optional<ApiAnswer> check_query(const ApiRequest& request, const Route& route) {
    std::vector<std::string_view> known;
    known.reserve(route.query.size());
    for (const QueryParameter& parameter : route.query) known.push_back(parameter.name);
    for (const auto& [name, value] : request.query) {
        if (std::ranges::find(known, std::string_view(name)) != known.end()) continue;
        const std::string_view near = json::nearest(name, known);
        return to_answer(request, {400,
                                   {Code::invalid, name + ": unknown parameter"},
                                   near.empty() ? "" : fmt::format("did you mean {}?", near)});
    }
    return std::nullopt;
}

ApiAnswer not_plain(const ApiRequest& request, const Route& route) {
    if (route.kind == RouteKind::upload) {
        return refuse(request, {Code::invalid, "an upload needs a Content-Length"});
    }
    ApiAnswer answer = to_answer(request, {upgrade_required,
                                           {Code::unsupported, "this path is a WebSocket"},
                                           "connect with Upgrade: websocket"});
    answer.headers["upgrade"] = "websocket";
    return answer;
}

}  // namespace

/// Whose key it is, if that key may ask once more.
std::variant<Principal, ApiAnswer> Api::identify(const ApiRequest& request, Time now) {
    const auto principal = market_.authenticate(secret_of(request));
    if (principal) {
        const protocol::RequestRate rate = rate_of(market_.state().keys.at(principal->key));
        const auto wait = rates_.take(principal->key, rate, now);
        if (wait) return too_many(request, rate, *wait);
        return *principal;
    }
    const auto wait = strangers_.take(request.peer, strangers_rate, now);
    if (wait) return too_many(request, strangers_rate, *wait);
    ApiAnswer answer = to_answer(request, {unauthorised,
                                           {Code::denied, "no valid key"},
                                           "send the header Authorization: Bearer KEY"});
    answer.headers["www-authenticate"] = "Bearer";
    return answer;
}

std::variant<Api::Admission, ApiAnswer> Api::admit(const ApiRequest& request, Time now) {
    const Route* route = find_route(request.method, request.path);
    if (!route) return no_route(request);
    const auto variables = match(route->pattern, request.path);
    if (!variables) return no_route(request);
    Admission admission{route, *variables, {}};
    const bool is_open =
        route->access == Access::anyone || (request.is_trusted && route->pattern == "/metrics");
    if (!is_open) {
        auto identified = identify(request, now);
        if (auto* refusal = std::get_if<ApiAnswer>(&identified)) return std::move(*refusal);
        admission.principal = std::get<Principal>(identified);
        if (!has_role(route->access, admission.principal.role)) {
            return refuse(request, {Code::denied, "a key of this role may not do that"});
        }
    }
    if (auto refusal = check_query(request, *route)) return *refusal;
    if (auto refusal = check_body(request, *route)) return *refusal;
    return admission;
}

ApiAnswer Api::handle(const ApiRequest& request, const Moment& moment, Batch& batch) {
    auto admitted = admit(request, moment.now);
    if (auto* refusal = std::get_if<ApiAnswer>(&admitted)) return *refusal;
    auto& admission = std::get<Admission>(admitted);
    const Route& route = *admission.route;
    if (!route.handler) return not_plain(request, route);
    const Call call{market_, live_, request,        route,
                    moment,  batch, admission.path, admission.principal,
                    missing_};
    auto earlier = earlier_answer(call);
    if (!earlier.ok()) return refuse(request, earlier.error());
    if (const auto& answered = earlier.value()) return *answered;
    const std::size_t events = batch.events.size();
    auto answer = route.handler(call);
    if (!answer.ok()) return refuse(request, answer.error(), route.exhausted_status);
    if (batch.events.size() > events) note_action(call, answer.value());
    remember(call, answer.value());
    ApiAnswer ready = std::move(answer).value();
    ready.headers.emplace("cache-control", "no-store");
    return ready;
}

RouteKind Api::kind(std::string_view method, std::string_view path) const {
    const Route* route = find_route(method, path);
    return route ? route->kind : RouteKind::plain;
}

std::variant<Principal, ApiAnswer> Api::enter(const ApiRequest& request, Time now) {
    auto admitted = admit(request, now);
    if (auto* refusal = std::get_if<ApiAnswer>(&admitted)) return *refusal;
    return std::get<Admission>(admitted).principal;
}

ApiAnswer Api::refusal(const ApiRequest& request, const Error& error) {
    const Route* route = find_route(request.method, request.path);
    return refuse(request, error, route ? route->exhausted_status : 429);
}

// --- uploads -----------------------------------------------------------------------------------

std::variant<UploadGrant, ApiAnswer> Api::may_upload(const ApiRequest& request,
                                                     std::uint64_t size_bytes, Time now) {
    auto admitted = admit(request, now);
    if (auto* refusal = std::get_if<ApiAnswer>(&admitted)) return *refusal;
    const auto& admission = std::get<Admission>(admitted);
    if (admission.route->kind != RouteKind::upload) {
        return refuse(request, {Code::invalid, "this route takes no upload"});
    }
    if (size_bytes > limits::blob.bytes) {
        return to_answer(request,
                         {too_large,
                          {Code::exhausted, "the blob is larger than " + to_string(limits::blob)},
                          ""});
    }
    auto granted = grant(request, admission, size_bytes);
    if (!granted.ok()) return refuse(request, granted.error(), admission.route->exhausted_status);
    return std::move(granted).value();
}

Result<UploadGrant> Api::grant(const ApiRequest& request, const Admission& admission,
                               std::uint64_t size_bytes) {
    UploadGrant wanted;
    wanted.principal = admission.principal;
    wanted.account = admission.principal.account;
    wanted.blob = TRY(parse_hash(admission.path.at("hash")));
    wanted.size_bytes = size_bytes;
    const auto lease = request.headers.find("shoal-lease");
    if (lease != request.headers.end()) {
        wanted.lease = TRY(parse_id<LeaseTag>(lease->second));
        wanted = TRY(grant_output(*wanted.lease, wanted));
    }
    const auto blob = market_.state().blobs.find(wanted.blob);
    wanted.is_known = blob != market_.state().blobs.end() &&
                      std::ranges::count(blob->second.accounts, wanted.account) > 0;
    const Account& account = market_.state().accounts.at(wanted.account);
    if (!wanted.lease) TRY(check_open(account));
    const BlobFrom from = wanted.lease ? BlobFrom::attempt : BlobFrom::owner;
    if (!wanted.is_known) TRY(check_blob_space(account, size_bytes, from));
    return wanted;
}

/// What an attempt was granted counts whether or not its bytes came, once for each blob.
Result<UploadGrant> Api::grant_output(LeaseId lease, UploadGrant wanted) {
    const Job& job = *TRY(leased_job(market_, wanted.principal.account, lease));
    const std::uint64_t most = job.spec.limits.output.bytes + job.spec.limits.log.bytes;
    forget_uploads();
    std::map<Hash, std::uint64_t>& sizes = uploads_[lease];
    std::uint64_t sum = wanted.size_bytes;
    for (const auto& [hash, size_bytes] : sizes) sum += hash == wanted.blob ? 0 : size_bytes;
    if (sum > most) {
        return Error{Code::exhausted, fmt::format("the attempt's outputs and log would take {} "
                                                  "bytes; its job allows {}",
                                                  sum, most)};
    }
    sizes[wanted.blob] = wanted.size_bytes;
    wanted.account = job.account;
    return wanted;
}

void Api::forget_uploads() {
    std::erase_if(uploads_, [&](const auto& item) {
        return market_.state().attempts.at(item.first).phase == Phase::ended;
    });
}

ApiAnswer Api::uploaded(const ApiRequest& request, const UploadGrant& grant, const Moment& moment,
                        Batch& batch) {
    const auto stored = market_.store_blob(
        {grant.account, grant.blob, grant.size_bytes, grant.lease}, moment, batch);
    if (!stored.ok()) return refusal(request, stored.error());
    ApiAnswer answer;
    answer.status = grant.is_known ? 200 : 201;
    answer.headers = {{"content-type", "application/json"}, {"cache-control", "no-store"}};
    answer.body = json::print(protocol::BlobView{grant.blob, grant.size_bytes});
    return answer;
}

}  // namespace shoal::market
