#include "market/api/idempotency.h"

#include <fmt/format.h>

#include "core/limits.h"
#include "core/text.h"

namespace shoal::market {

namespace {

/// The key of a POST; null if it came without.
const std::string* key_of(const Call& call) {
    if (call.route.method != "POST") return nullptr;
    const auto found = call.request.headers.find("idempotency-key");
    return found == call.request.headers.end() ? nullptr : &found->second;
}

std::string route_of(const Call& call) {
    return fmt::format("{} {}", call.route.method, call.route.pattern);
}

/// Of all that makes the request: the path and the query name what it is about.
Hash content(const ApiRequest& request) {
    CanonicalWriter writer("shoal.request", 1);
    writer.text(request.path).number(request.query.size());
    for (const auto& [name, value] : request.query) writer.text(name).text(value);
    return sha256(writer.text(request.body).written());
}

/// The answer as it may be kept.
std::string without_secret(const std::string& body) {
    auto value = json::parse(body, body.size());
    if (!value.ok() || !value.value().is_object()) return body;
    boost::json::object kept = value.value().get_object();
    return kept.erase("secret") == 0 ? body : json::print(kept);
}

}  // namespace

Result<std::optional<ApiAnswer>> earlier_answer(const Call& call) {
    const std::string* key = key_of(call);
    if (!key) return std::optional<ApiAnswer>();
    if (key->empty() || key->size() > limits::key_bytes || !is_printable(*key)) {
        return Error{Code::invalid, fmt::format("the header Idempotency-Key: expected 1 to {} "
                                                "characters, none of them a control character",
                                                limits::key_bytes)};
    }
    const std::string name = Answers::name_of(call.principal.account, route_of(call), *key);
    const auto found = call.market.state().answered.find(name);
    if (found == call.market.state().answered.end() ||
        found->second.at + limits::idempotency_life <= call.moment.now) {
        return std::optional<ApiAnswer>();
    }
    if (found->second.body != content(call.request)) {
        return Error{Code::conflict, "this Idempotency-Key came with another request before"};
    }
    ApiAnswer answer;
    answer.status = static_cast<int>(found->second.status);
    answer.headers = {{"content-type", std::string(call.route.content_type)},
                      {"idempotent-replay", "true"}};
    answer.body = found->second.answer;
    return std::optional(answer);
}

void remember(const Call& call, const ApiAnswer& answer) {
    const std::string* key = key_of(call);
    if (!key) return;
    protocol::RequestAnswered event;
    event.account = call.principal.account;
    event.route = route_of(call);
    event.key = *key;
    event.body = content(call.request);
    event.status = static_cast<std::uint32_t>(answer.status);
    event.answer = without_secret(answer.body);
    event.at = call.moment.now;
    call.market.remember_answer(event, call.batch);
}

}  // namespace shoal::market
