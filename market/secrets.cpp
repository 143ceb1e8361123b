// The Market's commands about secrets, and what events about them change. A value is there in
// words only within set_secret() and in the order that leaves for the provider of an attempt.

#include <algorithm>

#include <fmt/format.h>

#include "core/check.h"
#include "core/limits.h"
#include "core/text.h"
#include "market/market.h"

namespace shoal::market {

namespace {

/// What a secret is sealed about, so that none can be put in another's place.
Bytes place_of(AccountId account, std::string_view name) {
    return CanonicalWriter("shoal.secret", 1).number(account.value).text(name).written();
}

Status check_value(std::string_view value) {
    if (value.size() < limits::secret_bytes_min || value.size() > limits::secret_bytes_max) {
        return Error{Code::invalid,
                     fmt::format("value: expected {} to {} bytes, got {}", limits::secret_bytes_min,
                                 limits::secret_bytes_max, value.size())};
    }
    if (value.find('\0') == std::string_view::npos) return Done{};
    return Error{Code::invalid, "value: holds a NUL character"};
}

}  // namespace

// --- what events change --------------------------------------------------------------------------

void Memory::on(const protocol::SecretSet& event) {
    state_.now = event.at;
    Secret& secret = state_.secrets[event.account][event.secret];
    secret.sealed = event.sealed;
    secret.set = event.at;
}

void Memory::on(const protocol::SecretRemoved& event) {
    state_.now = event.at;
    const auto found = state_.secrets.find(event.account);
    if (found == state_.secrets.end()) return;
    found->second.erase(event.secret);
    if (found->second.empty()) state_.secrets.erase(found);
}

/// A secret that was lost is not there any more when the jobs that named it end.
void Memory::count_secrets(const Job& job, bool begins) {
    const auto own = state_.secrets.find(job.account);
    if (own == state_.secrets.end()) return;
    for (const std::string& name : job.spec.secrets) {
        const auto found = own->second.find(name);
        if (found == own->second.end()) continue;
        found->second.jobs_open += begins ? 1 : std::uint64_t{0} - 1;
    }
}

void Memory::check_secrets() const {
    for (const auto& [account, secrets] : state_.secrets) {
        check(!secrets.empty());
        std::map<std::string, std::uint64_t> counts;
        for (const JobId job : index_.jobs(account, protocol::JobState::open)) {
            for (const std::string& name : state_.jobs.at(job).spec.secrets) ++counts[name];
        }
        for (const auto& [name, secret] : secrets) check(secret.jobs_open == counts[name]);
    }
}

// --- commands ------------------------------------------------------------------------------------

Status Market::set_secret(AccountId account, const NamedSecret& secret, const Moment& moment,
                          Batch& batch) {
    if (!settings_.seal_key) return Error{Code::unavailable, "this market keeps no secrets"};
    if (!state_.accounts.contains(account)) return Error{Code::not_found, "no such account"};
    if (!protocol::is_secret_name(secret.name)) {
        return Error{Code::invalid,
                     "name: expected an environment variable's name like WANDB_KEY, and none "
                     "that begins with SHOAL_"};
    }
    TRY(check_value(secret.value));
    const auto own = state_.secrets.find(account);
    const bool is_new = own == state_.secrets.end() || !own->second.contains(secret.name);
    if (is_new && own != state_.secrets.end() &&
        own->second.size() >= limits::secrets_per_account) {
        return Error{Code::exhausted,
                     fmt::format("an account has at most {} secrets", limits::secrets_per_account)};
    }
    const Bytes sealed = settings_.seal_key->seal(as_bytes(secret.value),
                                                  place_of(account, secret.name), moment.entropy);
    record(protocol::SecretSet{account, secret.name, to_hex(sealed), moment.now}, batch);
    return Done{};
}

Status Market::remove_secret(AccountId account, const std::string& name, const Moment& moment,
                             Batch& batch) {
    const auto own = state_.secrets.find(account);
    if (own == state_.secrets.end() || !own->second.contains(name)) {
        return Error{Code::not_found, "no such secret"};
    }
    for (const JobId job : index_.jobs(account, protocol::JobState::open)) {
        const auto& names = state_.jobs.at(job).spec.secrets;
        if (std::ranges::find(names, name) == names.end()) continue;
        return Error{Code::conflict,
                     fmt::format("{} is open and names this secret; cancel it first, or give the "
                                 "secret another value",
                                 to_string(job))};
    }
    record(protocol::SecretRemoved{account, name, moment.now}, batch);
    return Done{};
}

Status Market::check_secrets(AccountId account, const protocol::JobSpec& spec) const {
    const auto own = state_.secrets.find(account);
    for (std::size_t i = 0; i < spec.secrets.size(); ++i) {
        if (own != state_.secrets.end() && own->second.contains(spec.secrets[i])) continue;
        return Error{Code::not_found,
                     fmt::format("secrets[{}]: this account has no secret {}; set it first: "
                                 "shoal secret set {}",
                                 i, spec.secrets[i], spec.secrets[i])};
    }
    return Done{};
}

Result<std::string> Market::open_secret(AccountId account, const std::string& name,
                                        const Secret& secret) const {
    if (!settings_.seal_key) return Error{Code::denied, "this market has no key for secrets"};
    const Bytes sealed = TRY(from_hex(secret.sealed));
    const Bytes value = TRY(settings_.seal_key->open(sealed, place_of(account, name)));
    return std::string(value.begin(), value.end());
}

/// All can be opened: what cannot was dropped when the market started. An account that is no more
/// has none.
std::map<std::string, std::string> Market::secrets_of(const Job& job) const {
    std::map<std::string, std::string> values;
    const auto own = state_.secrets.find(job.account);
    if (own == state_.secrets.end()) return values;
    for (const std::string& name : job.spec.secrets) {
        const auto found = own->second.find(name);
        if (found == own->second.end()) continue;
        values.emplace(name, open_secret(job.account, name, found->second).value());
    }
    return values;
}

std::vector<std::pair<AccountId, std::string>> Market::lost_secrets() const {
    std::vector<std::pair<AccountId, std::string>> lost;
    for (const auto& [account, secrets] : state_.secrets) {
        for (const auto& [name, secret] : secrets) {
            if (!open_secret(account, name, secret).ok()) lost.emplace_back(account, name);
        }
    }
    return lost;
}

/// What cannot be opened is no secret any more: the jobs that name it end, whoever set it is told
/// by its absence.
void Market::drop_lost_secrets(const Moment& moment, Batch& batch) {
    for (const auto& [account, name] : lost_secrets()) {
        const auto open = index_.jobs(account, protocol::JobState::open);
        for (const JobId job : open) {
            const auto& names = state_.jobs.at(job).spec.secrets;
            if (std::ranges::find(names, name) == names.end()) continue;
            end_open_tasks(job, protocol::Reason::secret_lost, moment, batch);
        }
        record(protocol::SecretRemoved{account, name, moment.now}, batch);
    }
}

}  // namespace shoal::market
