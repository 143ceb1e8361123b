#include "market/market.h"

#include <algorithm>
#include <utility>

#include "core/check.h"

namespace shoal::market {

Market::Market(Settings settings, const SecretKey& signer)
    : Memory(settings.retention), settings_(settings), signer_(signer) {
    check(settings_.lease_term > Duration::zero());
}

Market::Market(Settings settings, const SecretKey& signer, State state)
    : Memory(settings.retention, std::move(state)), settings_(settings), signer_(signer) {
    check(settings_.lease_term > Duration::zero());
}

std::optional<Time> Market::next_deadline() const {
    std::optional<Time> next;
    if (!index_.deadlines().empty()) next = index_.deadlines().begin()->first;
    const auto soonest = [&](Time other) { next = std::min(next.value_or(Time::max()), other); };
    if (const auto release = dispatch_.next_release()) soonest(*release);
    if (const auto look = next_look_round()) soonest(*look);
    if (const auto due = holds_.next_due()) soonest(*due);
    if (dispatch_.has_news() && !dispatch_.is_empty()) soonest(ticked_);
    if (!leaving_.empty()) soonest(state_.now);
    return next;
}

std::optional<Principal> Market::authenticate(std::string_view secret) const {
    const auto id = index_.key(sha256(secret));
    if (!id) return std::nullopt;
    const ApiKey& key = state_.keys.at(*id);
    if (key.revoked) return std::nullopt;
    return Principal{key.account, key.id, key.role};
}

void Market::post(std::vector<ledger::TransferRequest> requests, const Moment& moment,
                  Batch& batch) {
    std::erase_if(requests, [](const auto& request) { return request.amount == Lamports{}; });
    const auto posted = ledger_.transfer_all(requests, moment.now).value();
    for (const protocol::TransferPosted& transfer : posted) record(transfer, batch);
}

void Market::send(ProviderId provider, protocol::session::FromMarket message, Batch& batch) {
    if (online(provider)) batch.messages.push_back({provider, std::move(message)});
}

}  // namespace shoal::market
