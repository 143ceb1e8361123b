// The Market's commands about accounts, keys, credit and blobs.

#include <algorithm>

#include "core/limits.h"
#include "market/market.h"

namespace shoal::market {

using protocol::LedgerAccount;
using protocol::TransferPosted;

namespace {

/// A key's secret: it follows from the moment's entropy, so the same inputs give the same state.
std::string make_secret(KeyId key, const Moment& moment) {
    constexpr std::uint8_t version = 1;
    const Bytes seed =
        CanonicalWriter("shoal.key", version).number(key.value).bytes(moment.entropy).written();
    return "shoal_" + to_string(sha256(seed));
}

}  // namespace

AccountId Market::create_account(const Moment& moment, Batch& batch) {
    const AccountId account = state_.next.account;
    record(protocol::AccountCreated{account, moment.now}, batch);
    return account;
}

Result<NewKey> Market::create_key(AccountId account, protocol::Role role, const Moment& moment,
                                  Batch& batch) {
    if (!state_.accounts.contains(account)) return Error{Code::not_found, "no such account"};
    const KeyId key = state_.next.key;
    const std::string secret = make_secret(key, moment);
    record(protocol::KeyCreated{key, account, role, sha256(secret), moment.now}, batch);
    return NewKey{key, secret};
}

Status Market::revoke_key(KeyId key, const Moment& moment, Batch& batch) {
    const auto found = state_.keys.find(key);
    if (found == state_.keys.end()) return Error{Code::not_found, "no such key"};
    if (!found->second.revoked) record(protocol::KeyRevoked{key, moment.now}, batch);
    return Done{};
}

Result<TransferPosted> Market::issue_credit(AccountId account, Lamports amount,
                                            const std::string& key, const Moment& moment,
                                            Batch& batch) {
    if (!state_.accounts.contains(account)) return Error{Code::not_found, "no such account"};
    ledger::TransferRequest request;
    request.key = "credit:" + key;
    request.purpose = protocol::TransferPurpose::credit_issued;
    request.from = LedgerAccount::issuer();
    request.to = LedgerAccount::available(account);
    request.amount = amount;
    if (const TransferPosted* earlier = TRY(ledger_.earlier(request))) return *earlier;
    TransferPosted posted = TRY(ledger_.transfer(request, moment.now));
    record(posted, batch);
    return posted;
}

Status Market::store_blob(AccountId account, const Hash& hash, std::uint64_t size_bytes,
                          const Moment& moment, Batch& batch) {
    const auto found = state_.accounts.find(account);
    if (found == state_.accounts.end()) return Error{Code::not_found, "no such account"};
    const auto blob = state_.blobs.find(hash);
    if (blob != state_.blobs.end() &&
        std::ranges::find(blob->second.accounts, account) != blob->second.accounts.end()) {
        return Done{};
    }
    if (size_bytes > limits::account_blobs.bytes - found->second.blob_bytes) {
        return Error{Code::exhausted, "the account's blobs would take more than " +
                                          to_string(limits::account_blobs)};
    }
    record(protocol::BlobStored{hash, size_bytes, account, moment.now}, batch);
    return Done{};
}

void Market::remember_answer(const protocol::RequestAnswered& answered, Batch& batch) {
    record(answered, batch);
}

bool Market::may_read(AccountId account, const Hash& hash) const {
    const auto blob = state_.blobs.find(hash);
    if (blob == state_.blobs.end()) return false;
    const auto has = [&](AccountId id) {
        return std::ranges::find(blob->second.accounts, id) != blob->second.accounts.end();
    };
    if (has(account)) return true;
    const auto needs = [&](const protocol::JobInput& input) {
        return input.blob == hash ||
               std::ranges::find(input.files, hash, &protocol::InputFile::blob) !=
                   input.files.end();
    };
    for (const auto& [id, provider] : state_.providers) {
        if (provider.account != account) continue;
        for (const LeaseId lease : index_.live(id)) {
            const Job& job = state_.jobs.at(state_.attempts.at(lease).job);
            if (has(job.account) && std::ranges::any_of(job.spec.inputs, needs)) return true;
        }
    }
    return false;
}

}  // namespace shoal::market
