// Handlers of providers, blobs, and of the service itself.

#include <optional>

#include "market/api/handlers.h"
#include "market/api/refusal.h"
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
    const Settings& settings = call.market.settings();
    return protocol::MarketView{call.market.key(), settings.fee_basis_points,
                                settings.cache_basis_points};
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

namespace {

/// Whose blob is asked for: the account's own, or with the header shoal-lease, as in an upload, the
/// buyer's of that attempt.
struct Asked {
    AccountId account;
    std::optional<LeaseId> lease;
};

Result<Asked> asked_by(const Call& call) {
    const auto lease = call.request.headers.find("shoal-lease");
    if (lease == call.request.headers.end()) return Asked{call.principal.account, {}};
    const LeaseId id = TRY(parse_id<LeaseTag>(lease->second));
    return Asked{TRY(leased_job(call.market, call.principal.account, id))->account, id};
}

/// Who looks whether an upload is needed wants the bytes to be there when it names them.
Status keep(const Call& call, const Asked& asked, const Hash& hash) {
    const Blob& blob = call.market.state().blobs.at(hash);
    if (call.request.method != "HEAD" || !blob.uploaded.contains(asked.account)) return Done{};
    return call.market.store_blob({asked.account, hash, blob.size_bytes, asked.lease}, call.moment,
                                  call.batch);
}

}  // namespace

Result<protocol::ProviderView> verify(const Call& call, const protocol::VerifiedRequest& asked) {
    const Provider* provider = TRY(any_provider(call));
    TRY(call.market.verify_provider(provider->id, asked.verified, call.moment, call.batch));
    return provider_view(call, *provider);
}

Result<ApiAnswer> blob(const Call& call) {
    const auto hash = parse_hash(call.path.at("hash"));
    if (!hash.ok()) return unknown("blob");
    const Asked asked = TRY(asked_by(call));
    const auto found = call.market.state().blobs.find(hash.value());
    const bool is_there = found != call.market.state().blobs.end();
    const bool has_it = is_there && found->second.uploaded.contains(asked.account);
    const bool may_read =
        has_it || (!asked.lease && (is_operator(call) ||
                                    call.market.may_read(call.principal.account, hash.value())));
    if (!is_there || !may_read) {
        const auto at = call.market.dropped(asked.account, hash.value());
        if (at) return gone(call.request, at);
        return unknown("blob");
    }
    TRY(keep(call, asked, hash.value()));
    ApiAnswer answer;
    answer.headers["content-type"] = "application/octet-stream";
    answer.blob = BlobAnswer{hash.value(), found->second.size_bytes, answer.headers["content-type"],
                             to_string(hash.value())};
    return answer;
}

}  // namespace shoal::market::handlers
