// What events about accounts, keys, money and blobs change.

#include "core/limits.h"
#include "market/memory.h"
#include "market/next_id.h"

namespace shoal::market {

void Memory::on(const protocol::MarketStarted& event) {
    state_.now = event.at;
}

void Memory::on(const protocol::AccountCreated& event) {
    state_.now = event.at;
    Account account;
    account.id = event.account;
    account.created = event.at;
    dispatch_.moved(account);
    state_.accounts.emplace(event.account, account);
    state_.next.account = after(event.account);
}

void Memory::on(const protocol::KeyCreated& event) {
    state_.now = event.at;
    const ApiKey key{event.key, event.account, event.role, event.secret, event.at, false};
    state_.keys.emplace(event.key, key);
    state_.next.key = after(event.key);
    index_.key_added(key);
}

void Memory::on(const protocol::KeyRevoked& event) {
    state_.now = event.at;
    state_.keys.at(event.key).revoked = true;
}

void Memory::on(const protocol::RequestAnswered& event) {
    state_.now = event.at;
    const std::string name = Answers::name_of(event.account, event.route, event.key);
    state_.answered[name] = {event.body, event.status, event.answer, event.at};
    answers_.add(event.account, name, event.at);
    for (const std::string& old : answers_.take_due(event.account, event.at)) {
        state_.answered.erase(old);
    }
}

void Memory::on(const protocol::BlobStored& event) {
    state_.now = event.at;
    Blob& blob = state_.blobs[event.blob];
    blob.size_bytes = event.size_bytes;
    if (blob.uploaded.insert_or_assign(event.account, event.at).second) {
        blob.accounts.push_back(event.account);
        state_.accounts.at(event.account).blob_bytes += event.size_bytes;
        forget_dropped(event.blob, event.account);
        if (blob.accounts.size() == 1) index_.blob_added(blob);
    }
    holds_.stored(event.account, event.blob, event.at);
    if (!event.lease) return;
    state_.attempts.at(*event.lease).uploads.push_back(event.blob);
    holds_.upload_begun(event.account, event.blob);
}

void Memory::on(const protocol::BlobDropped& event) {
    state_.now = event.at;
    Blob& blob = state_.blobs.at(event.blob);
    if (std::erase(blob.accounts, event.account) == 0) return;
    blob.uploaded.erase(event.account);
    state_.accounts.at(event.account).blob_bytes -= blob.size_bytes;
    if (blob.accounts.empty()) {
        index_.blob_removed(blob);
        state_.blobs.erase(event.blob);
    }
    holds_.dropped(event.account, event.blob);
    state_.dropped[event.blob][event.account] = event.at;
    index_.blob_dropped(event.blob, event.account, event.at);
    while (std::get<Time>(*index_.dropped().begin()) + limits::dropped_remembered <= event.at) {
        const auto [at, hash, account] = *index_.dropped().begin();
        forget_dropped(hash, account);
    }
}

void Memory::forget_dropped(const Hash& hash, AccountId account) {
    const auto found = state_.dropped.find(hash);
    if (found == state_.dropped.end()) return;
    const auto at = found->second.find(account);
    if (at == found->second.end()) return;
    index_.drop_forgotten(hash, account, at->second);
    found->second.erase(at);
    if (found->second.empty()) state_.dropped.erase(found);
}

void Memory::on(const protocol::TransferPosted& event) {
    state_.now = event.at;
    ledger_.apply(event);
}

void Memory::on(const protocol::AccountWeighted& event) {
    state_.now = event.at;
    Account& account = state_.accounts.at(event.account);
    account.weight = event.weight;
    dispatch_.moved(account);
}

}  // namespace shoal::market
