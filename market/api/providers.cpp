// Handlers of providers, blobs, and of the service itself.

#include "market/api/handlers.h"
#include "market/api/views.h"
#include "market/why.h"

namespace shoal::market::handlers {

Result<protocol::Health> health(const Call& /*call*/) {
    return protocol::Health{"ok"};
}

Result<protocol::Health> readiness(const Call& call) {
    if (!call.missing.empty()) return Error{Code::unavailable, std::string(call.missing)};
    return protocol::Health{"ok"};
}

Result<protocol::MarketView> market_view(const Call& call) {
    return protocol::MarketView{call.market.key(), call.market.settings().fee_basis_points};
}

Result<protocol::ProviderPage> providers(const Call& call) {
    return page_of_map<protocol::ProviderPage>(
        call, call.market.state().providers, [](const Provider&) { return true; },
        [&](const Provider& it) { return provider_view(call, it); });
}

Result<protocol::ProviderView> provider(const Call& call) {
    return provider_view(call, *TRY(any_provider(call)));
}

Result<protocol::ProviderWhy> provider_why(const Call& call) {
    return why(call.market, TRY(own_provider(call))->id);
}

Result<ApiAnswer> blob(const Call& call) {
    const auto hash = parse_hash(call.path.at("hash"));
    if (!hash.ok()) return unknown("blob");
    const auto found = call.market.state().blobs.find(hash.value());
    if (found == call.market.state().blobs.end()) return unknown("blob");
    if (!is_operator(call) && !call.market.may_read(call.principal.account, hash.value())) {
        return unknown("blob");
    }
    ApiAnswer answer;
    answer.headers["content-type"] = "application/octet-stream";
    answer.blob = BlobAnswer{hash.value(), found->second.size_bytes, answer.headers["content-type"],
                             to_string(hash.value())};
    return answer;
}

}  // namespace shoal::market::handlers
