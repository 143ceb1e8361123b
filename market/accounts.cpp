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

std::optional<Time> find(const std::map<AccountId, Time>& times, AccountId account) {
    const auto found = times.find(account);
    if (found == times.end()) return std::nullopt;
    return found->second;
}

}  // namespace

AccountId Market::create_account(const Moment& moment, Batch& batch) {
    const AccountId account = state_.next.account;
    record(protocol::AccountCreated{account, moment.now}, batch);
    return account;
}

Result<NewKey> Market::create_key(AccountId account, protocol::Role role, const Moment& moment,
                                  Batch& batch) {
    TRY(unerased(account));
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
    TRY(unerased(account));
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

/// Whether the attempt is not known to have left it.
Result<bool> Market::is_new_output(const StoredBlob& stored) const {
    if (!stored.lease) return false;
    const auto found = state_.attempts.find(*stored.lease);
    if (found == state_.attempts.end() || found->second.phase == Phase::ended ||
        state_.jobs.at(found->second.job).account != stored.account) {
        return Error{Code::stale, "the lease is over"};
    }
    const std::vector<Hash>& known = found->second.uploads;
    if (std::ranges::find(known, stored.blob) != known.end()) return false;
    constexpr std::size_t most = limits::artifacts_per_attempt + 1;  // and the log
    if (known.size() < most) return true;
    return Error{Code::exhausted, "an attempt leaves at most " + std::to_string(most) + " files"};
}

Status Market::store_blob(const StoredBlob& stored, const Moment& moment, Batch& batch) {
    const auto account = state_.accounts.find(stored.account);
    if (account == state_.accounts.end()) return Error{Code::not_found, "no such account"};
    if (!stored.lease) TRY(check_open(account->second));
    const auto blob = state_.blobs.find(stored.blob);
    const auto uploaded = blob == state_.blobs.end() ? std::optional<Time>()
                                                     : find(blob->second.uploaded, stored.account);
    const bool is_output = TRY(is_new_output(stored));
    // Kept as it is while its time is long: each time more is an event.
    if (uploaded && !is_output && moment.now - *uploaded <= settings_.retention.upload / 2) {
        return Done{};
    }
    if (!uploaded) {
        const BlobFrom from = stored.lease ? BlobFrom::attempt : BlobFrom::owner;
        TRY(check_blob_space(account->second, stored.size_bytes, from));
    }
    record(protocol::BlobStored{stored.blob, stored.size_bytes, stored.account,
                                is_output ? stored.lease : std::nullopt, moment.now},
           batch);
    return Done{};
}

/// Some at a time: what is left is due at once, and the next tick's.
void Market::drop_blobs(const Moment& moment, Batch& batch) {
    std::size_t count = 0;
    for (; count < limits::drops_at_once && !leaving_.empty(); ++count) {
        const AccountId account = *leaving_.begin();
        record(protocol::BlobDropped{holds_.first_of(account).value(), account, moment.now}, batch);
    }
    for (; count < limits::drops_at_once; ++count) {
        const auto due = holds_.next_due();
        if (!due || *due > moment.now) return;
        const auto [since, account, hash] = *holds_.unheld().begin();
        record(protocol::BlobDropped{hash, account, moment.now}, batch);
    }
}

std::optional<Time> Market::dropped(AccountId account, const Hash& hash) const {
    const auto found = state_.dropped.find(hash);
    if (found == state_.dropped.end()) return std::nullopt;
    return find(found->second, account);
}

Status Market::weigh_account(AccountId account, std::uint32_t weight, const Moment& moment,
                             Batch& batch) {
    const auto found = state_.accounts.find(account);
    if (found == state_.accounts.end()) return Error{Code::not_found, "no such account"};
    if (weight < 1 || weight > limits::weight_most) {
        return Error{Code::invalid, "weight: expected 1 to " + std::to_string(limits::weight_most) +
                                        ", got " + std::to_string(weight)};
    }
    if (found->second.weight == weight) return Done{};
    record(protocol::AccountWeighted{account, weight, moment.now}, batch);
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
