// The Market's side of a provider's session, after its key is proved, and what time brings.

#include <algorithm>

#include <fmt/format.h>

#include "core/limits.h"
#include "core/text.h"
#include "market/market.h"
#include "market/phase_limits.h"

namespace shoal::market {

namespace {

using protocol::Reason;
namespace session = protocol::session;

Status check_labels(std::string_view path, const std::vector<std::string>& labels) {
    if (labels.size() > limits::labels) {
        return Error{Code::invalid, fmt::format("{}: expected at most {}", path, limits::labels)};
    }
    if (std::ranges::all_of(labels, [](const std::string& it) { return is_name(it); }))
        return Done{};
    return Error{Code::invalid, fmt::format("{}: expected names", path)};
}

Status check_offer(const protocol::Offer& offer) {
    if (!is_name(offer.name)) return Error{Code::invalid, "offer.name: expected a name"};
    if (offer.attempts_max > limits::attempts_per_provider) {
        return Error{Code::invalid, fmt::format("offer.attempts_max: expected at most {}, got {}",
                                                limits::attempts_per_provider, offer.attempts_max)};
    }
    constexpr std::size_t facts_max = 200;
    if (offer.hardware.size() > facts_max || offer.isolation.size() > facts_max) {
        return Error{Code::invalid, "offer: too many facts"};
    }
    TRY(check_labels("offer.cpu_features", offer.cpu_features));
    TRY(check_labels("offer.pools", offer.pools));
    if (!offer.region.empty() && !is_name(offer.region)) {
        return Error{Code::invalid, "offer.region: expected a name"};
    }
    if (!offer.capacity.gpu.model.empty() && !is_name(offer.capacity.gpu.model)) {
        return Error{Code::invalid, "offer.capacity.gpu.model: expected a name"};
    }
    if (offer.buyers.size() > limits::labels || offer.block_accounts.size() > limits::labels) {
        return Error{Code::invalid, "offer: too many accounts"};
    }
    return ledger::check_price(offer.price);
}

/// What a provider itself may give as the end of an attempt; the rest is the market's to say.
bool may_say(Reason reason) {
    switch (reason) {
        case Reason::completed:
        case Reason::provider_reclaimed:
        case Reason::provider_lost:
        case Reason::provider_drained:
        case Reason::runner_lost:
        case Reason::lease_expired:
        case Reason::out_of_memory_job:
        case Reason::out_of_memory_host:
        case Reason::disk_limit:
        case Reason::log_limit:
        case Reason::output_limit:
        case Reason::time_limit:
        case Reason::process_limit:
        case Reason::command_refused:
        case Reason::exit_code:
        case Reason::signal:
        case Reason::fetch_failed:
        case Reason::input_missing:
        case Reason::input_changed:
        case Reason::output_missing:
        case Reason::output_refused:
        case Reason::upload_failed:
        case Reason::sandbox_unavailable:
        case Reason::hardware_fault:
            return true;
        case Reason::cancelled_by_buyer:
        case Reason::budget_spent:
        case Reason::price_cap_passed:
        case Reason::deadline_passed:
        case Reason::market_restarted:
        case Reason::out_of_memory_gpu:
        case Reason::fetch_refused:
        case Reason::image_refused:
        case Reason::verification_failed:
        case Reason::dispute_lost:
        case Reason::no_progress:
        case Reason::stopped_early:
        case Reason::no_provider_fits:
        case Reason::gang_broken:
        case Reason::need_failed:
        case Reason::step_skipped:
        case Reason::handover_failed:
        case Reason::secret_lost:
            return false;
    }
    return false;
}

/// A declared output is there: the file itself, or something below the folder.
bool delivered(const std::vector<protocol::Artifact>& artifacts, const std::string& path) {
    return std::ranges::any_of(artifacts, [&](const protocol::Artifact& artifact) {
        return artifact.path == path || artifact.path.starts_with(path + "/");
    });
}

}  // namespace

void Market::start(std::string_view release, const Moment& moment, Batch& batch) {
    const Duration downtime = std::max(moment.now - state_.now, Duration{});
    const auto deadlines = index_.deadlines();
    for (const auto& [deadline, lease] : deadlines) {
        record(protocol::LeaseRenewed{lease, deadline + downtime + settings_.lease_term}, batch);
    }
    record(protocol::MarketStarted{moment.now, std::string(release)}, batch);
    drop_lost_secrets(moment, batch);
}

void Market::tick(const Moment& moment, Batch& batch) {
    ticked_ = moment.now;
    while (!index_.deadlines().empty() && index_.deadlines().begin()->first <= moment.now) {
        end_attempt(index_.deadlines().begin()->second, {Reason::lease_expired, {}, {}, {}, {}},
                    moment, batch);
    }
    drop_blobs(moment, batch);
    dispatch_.release(state_, moment.now);
    match(moment, batch);
}

/// An identity is made in no time, and remembered for ever.
Status Market::check_providers(AccountId account) const {
    const auto own = std::ranges::count_if(
        state_.providers, [&](const auto& entry) { return entry.second.account == account; });
    if (static_cast<std::size_t>(own) < limits::providers_per_account) return Done{};
    return Error{Code::exhausted,
                 fmt::format("an account has at most {} providers", limits::providers_per_account)};
}

Result<ProviderId> Market::join(AccountId account, const PublicKey& key, protocol::Offer offer,
                                const Moment& moment, Batch& batch) {
    TRY(check_offer(offer));
    TRY(unerased(account));
    const auto known = index_.provider(key);
    if (known && state_.providers.at(*known).account != account) {
        return Error{Code::denied, "this identity belongs to another account"};
    }
    if (known && online(*known)) {
        return Error{Code::conflict, "another session of this identity is live"};
    }
    if (!known) TRY(check_providers(account));
    const ProviderId provider = known.value_or(state_.next.provider);
    if (!known) record(protocol::ProviderRegistered{provider, account, key, moment.now}, batch);
    if (state_.providers.at(provider).offer != offer) {
        record(protocol::OfferPublished{provider, std::move(offer), moment.now}, batch);
    }
    online_.emplace(provider, Presence{});
    show(provider);
    session::Welcome welcome;
    welcome.protocol = session::protocol_max;
    welcome.provider = provider;
    welcome.term = settings_.lease_term;
    for (const LeaseId lease : index_.live(provider)) {
        welcome.leases.push_back(order(state_.attempts.at(lease), moment.now));
    }
    send(provider, std::move(welcome), batch);
    match(moment, batch);
    return provider;
}

Status Market::verify_provider(ProviderId provider, bool verified, const Moment& moment,
                               Batch& batch) {
    const auto found = state_.providers.find(provider);
    if (found == state_.providers.end()) return Error{Code::not_found, "no such provider"};
    if (found->second.verified == verified) return Done{};
    record(protocol::ProviderVerified{provider, verified, moment.now}, batch);
    match(moment, batch);
    return Done{};
}

void Market::leave(ProviderId provider) {
    online_.erase(provider);
    dispatch_.remove(provider);
    dispatch_.free(reservations_.drop(provider));
}

Status Market::hear(ProviderId provider, const session::FromProvider& message, const Moment& moment,
                    Batch& batch) {
    return std::visit(
        [&]<class T>(const T& it) -> Status {
            if constexpr (std::is_same_v<T, session::Hello> || std::is_same_v<T, session::Proof>) {
                return Error{Code::invalid, std::string(T::name) + ": the session is open already"};
            } else if constexpr (std::is_same_v<T, session::Said>) {
                TRY(held(it.lease, provider));
                return Done{};
            } else {
                return hear_said(provider, it, moment, batch);
            }
        },
        message);
}

Result<LeaseId> Market::held(LeaseId lease, ProviderId provider) const {
    const auto found = state_.attempts.find(lease);
    if (found == state_.attempts.end()) return Error{Code::stale, "there is no such lease"};
    if (found->second.provider != provider) {
        return Error{Code::denied, "another provider holds the lease"};
    }
    if (found->second.phase == Phase::ended) return Error{Code::stale, "the lease is over"};
    return lease;
}

Status Market::hear_said(ProviderId provider, const session::Started& message, const Moment& moment,
                         Batch& batch) {
    const LeaseId lease = TRY(held(message.lease, provider));
    if (state_.attempts.at(lease).phase == Phase::fetching) {
        record(protocol::AttemptStarted{lease, moment.now}, batch);
    }
    return Done{};
}

Status Market::hear_said(ProviderId provider, const session::Exited& message, const Moment& moment,
                         Batch& batch) {
    const LeaseId lease = TRY(held(message.lease, provider));
    const Attempt& attempt = state_.attempts.at(lease);
    if (attempt.phase == Phase::uploading) return Done{};
    if (message.outcome.detail.size() > limits::text_bytes || message.outcome.ran_ms < 0) {
        end_attempt(lease, impossible(), moment, batch);  // at once: it will not say it better
        match(moment, batch);
        return Done{};
    }
    // The market's own clock counts; a shorter time that the provider reports favours the buyer.
    const Duration ran = std::min(billed(attempt, moment.now), Duration{message.outcome.ran_ms});
    record(protocol::AttemptExited{lease, message.outcome, ran, moment.now}, batch);
    return Done{};
}

/// Of a report that no attempt can have: the task is tried again, and nobody waits for the lease.
Market::End Market::impossible() {
    return {Reason::provider_lost, "the provider reported what is not possible", {}, {}, {}};
}

Market::End Market::checked(const Attempt& attempt, const session::Finished& message) const {
    const Job& job = state_.jobs.at(attempt.job);
    End end{message.reason, message.detail, message.artifacts, message.log, message.metrics};
    if (!may_say(end.reason)) end.reason = Reason::provider_reclaimed;
    if (end.reason == Reason::time_limit && attempt.time_max < job.spec.limits.time.length) {
        end.reason = Reason::budget_spent;
    }
    const auto stored = [&](const protocol::Artifact& artifact) {
        const auto blob = state_.blobs.find(artifact.blob);
        return blob != state_.blobs.end() && blob->second.size_bytes == artifact.size_bytes &&
               std::ranges::find(blob->second.accounts, job.account) != blob->second.accounts.end();
    };
    if (end.log && !stored(*end.log)) end.log.reset();
    std::uint64_t total = 0;
    for (const protocol::Artifact& artifact : end.artifacts) {
        total += artifact.size_bytes;
        if (stored(artifact)) continue;
        return {
            Reason::upload_failed, artifact.path + ": was not uploaded", {}, end.log, end.metrics};
    }
    if (end.reason != Reason::completed) return end;
    if (attempt.phase != Phase::uploading || attempt.outcome.reason != Reason::completed) {
        return {Reason::provider_lost,
                "completed without a process that ended well",
                {},
                end.log,
                end.metrics};
    }
    if (total > job.spec.limits.output.bytes) {
        return {Reason::output_limit, {}, {}, end.log, end.metrics};
    }
    const auto missing = std::ranges::find_if(job.spec.outputs, [&](const auto& output) {
        return !output.optional && !delivered(end.artifacts, output.path);
    });
    if (missing != job.spec.outputs.end()) {
        end.reason = Reason::output_missing;
        end.detail = missing->path + ": was not produced";
    }
    return end;
}

Status Market::hear_said(ProviderId provider, const session::Finished& message,
                         const Moment& moment, Batch& batch) {
    const LeaseId lease = TRY(held(message.lease, provider));
    const bool possible = message.detail.size() <= limits::text_bytes &&
                          message.artifacts.size() <= limits::artifacts_per_attempt &&
                          message.metrics.size() <= limits::metric_names &&
                          std::ranges::all_of(message.artifacts, [](const auto& artifact) {
                              return protocol::is_relative_path(artifact.path);
                          });
    end_attempt(lease, possible ? checked(state_.attempts.at(lease), message) : impossible(),
                moment, batch);
    match(moment, batch);
    return Done{};
}

Status Market::hear_said(ProviderId provider, const session::Alive& message, const Moment& moment,
                         Batch& batch) {
    const auto found = online_.find(provider);
    if (found == online_.end()) return Error{Code::stale, "the session is closed"};
    if (std::exchange(found->second.draining, message.draining) != message.draining) {
        show(provider);
        match(moment, batch);
    }
    bool has_ended = false;
    for (const LeaseId lease : message.leases) {
        if (held(lease, provider).ok()) {
            has_ended |= !renew(lease, moment, batch);
            continue;
        }
        const auto attempt = state_.attempts.find(lease);
        const bool ours = attempt != state_.attempts.end() && attempt->second.provider == provider;
        send(provider, session::Ended{lease, ours ? attempt->second.reason : Reason::lease_expired},
             batch);
    }
    if (has_ended) match(moment, batch);
    return Done{};
}

/// False: it was not, because the attempt takes too long. It has ended.
bool Market::renew(LeaseId lease, const Moment& moment, Batch& batch) {
    const Attempt& attempt = state_.attempts.at(lease);
    if (phase_due(attempt, state_.jobs.at(attempt.job).spec) < moment.now) {
        end_attempt(lease,
                    {overdue_reason(attempt.phase), "it took longer than it may", {}, {}, {}},
                    moment, batch);
        return false;
    }
    if (attempt.deadline - moment.now <= settings_.lease_term / 2) {
        record(protocol::LeaseRenewed{lease, moment.now + settings_.lease_term}, batch);
    }
    send(attempt.provider, session::Renewed{lease, attempt.deadline - moment.now}, batch);
    return true;
}

}  // namespace shoal::market
