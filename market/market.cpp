#include "market/market.h"

#include <algorithm>
#include <utility>

#include "core/check.h"

namespace shoal::market {

namespace {

using protocol::TaskState;

/// The next number after `id`.
template <class Tag>
Id<Tag> after(Id<Tag> id) {
    return Id<Tag>{id.value + 1};
}

/// What a job says of its tasks is what they say.
void check_tasks(const State& state, const Job& job) {
    Lamports reserved;
    Lamports charged;
    std::uint32_t open = 0;
    for (const TaskId task_id : job.tasks) {
        const Task& task = state.tasks.at(task_id);
        if (task.state == TaskState::queued || task.state == TaskState::leased) ++open;
        std::size_t live = 0;
        for (const LeaseId lease : task.attempts) {
            const Attempt& attempt = state.attempts.at(lease);
            if (attempt.phase != Phase::ended) {
                reserved = reserved + attempt.reserve;
                ++live;
            }
            charged = charged + attempt.charge;
        }
        check(live == (task.state == TaskState::leased ? 1U : 0U));
    }
    check(open == job.tasks_open);
    check(reserved == job.reserved && charged == job.charged);
}

}  // namespace

Market::Market(Settings settings, const SecretKey& signer)
    : settings_(settings), signer_(signer), holds_(settings.retention) {
    check(settings_.lease_term > Duration::zero());
}

Market::Market(Settings settings, const SecretKey& signer, State state) : Market(settings, signer) {
    auto ledger = ledger::Ledger::restore(std::exchange(state.ledger, {}));
    ledger_ = std::move(ledger).value();
    state_ = std::move(state);
    index_ = Index(state_);
    dispatch_ = Dispatch(state_);
    holds_ = BlobHolds(state_, settings_.retention);
}

State Market::snapshot() const {
    State whole = state_;
    whole.ledger = ledger_.state();
    return whole;
}

bool Market::draining(ProviderId provider) const {
    const auto found = online_.find(provider);
    return found != online_.end() && found->second.draining;
}

std::optional<Time> Market::next_deadline() const {
    std::optional<Time> next;
    if (!index_.deadlines().empty()) next = index_.deadlines().begin()->first;
    const auto soonest = [&](Time other) { next = std::min(next.value_or(Time::max()), other); };
    if (const auto release = dispatch_.next_release()) soonest(*release);
    if (const auto look = next_look_round()) soonest(*look);
    if (const auto due = holds_.next_due()) soonest(*due);
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

void Market::apply(const protocol::Event& event) {
    std::visit([&](const auto& it) { on(it); }, event);
}

void Market::on(const protocol::MarketStarted& event) {
    state_.now = event.at;
}

void Market::on(const protocol::AccountCreated& event) {
    state_.now = event.at;
    Account account;
    account.id = event.account;
    account.created = event.at;
    dispatch_.moved(account);
    state_.accounts.emplace(event.account, account);
    state_.next.account = after(event.account);
}

void Market::on(const protocol::KeyCreated& event) {
    state_.now = event.at;
    const ApiKey key{event.key, event.account, event.role, event.secret, event.at, false};
    state_.keys.emplace(event.key, key);
    state_.next.key = after(event.key);
    index_.key_added(key);
}

void Market::on(const protocol::KeyRevoked& event) {
    state_.now = event.at;
    state_.keys.at(event.key).revoked = true;
}

void Market::on(const protocol::RequestAnswered& event) {
    state_.now = event.at;
    const std::string name = to_string(event.account) + " " + event.route + " " + event.key;
    state_.answered[name] = {event.body, event.status, event.answer, event.at};
}

void Market::on(const protocol::BlobStored& event) {
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

void Market::on(const protocol::BlobDropped& event) {
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

void Market::forget_dropped(const Hash& hash, AccountId account) {
    const auto found = state_.dropped.find(hash);
    if (found == state_.dropped.end()) return;
    const auto at = found->second.find(account);
    if (at == found->second.end()) return;
    index_.drop_forgotten(hash, account, at->second);
    found->second.erase(at);
    if (found->second.empty()) state_.dropped.erase(found);
}

void Market::on(const protocol::TransferPosted& event) {
    state_.now = event.at;
    ledger_.apply(event);
}

void Market::on(const protocol::ProviderRegistered& event) {
    state_.now = event.at;
    Provider provider;
    provider.id = event.provider;
    provider.account = event.account;
    provider.key = event.key;
    provider.registered = event.at;
    index_.provider_added(provider);
    state_.providers.emplace(event.provider, std::move(provider));
    state_.next.provider = after(event.provider);
}

void Market::on(const protocol::OfferPublished& event) {
    state_.now = event.at;
    Provider& provider = state_.providers.at(event.provider);
    if (provider.offer.hardware != event.offer.hardware) provider.verified = false;
    provider.offer = event.offer;
    show(event.provider);
}

void Market::on(const protocol::JobSubmitted& event) {
    state_.now = event.at;
    Job job;
    job.id = event.job;
    job.account = event.account;
    job.spec = event.spec;
    job.spec_hash = event.spec_hash;
    job.hold = event.hold;
    job.submitted = event.at;
    job.tasks_open = static_cast<std::uint32_t>(event.tasks.size());
    for (const protocol::PlannedTask& planned : event.tasks) {
        Task task;
        task.id = planned.task;
        task.job = event.job;
        task.parameters = planned.parameters;
        task.not_before = event.at;
        job.tasks.push_back(task.id);
        index_.task_moved({}, task.state);
        index_.task_queued(task);
        dispatch_.wait(job, task);
        state_.tasks.emplace(task.id, std::move(task));
        state_.next.task = after(planned.task);
    }
    index_.job_added(job);
    holds_.job_begun(job);
    state_.jobs.emplace(event.job, std::move(job));
    state_.next.job = after(event.job);
}

void Market::on(const protocol::LeaseGranted& event) {
    state_.now = event.at;
    Attempt attempt;
    attempt.lease = event.lease;
    attempt.job = event.job;
    attempt.task = event.task;
    attempt.provider = event.provider;
    attempt.price = event.price;
    attempt.reserve = event.reserve;
    attempt.time_max = event.time_max;
    attempt.granted = event.at;
    attempt.deadline = event.deadline;
    Task& task = state_.tasks.at(event.task);
    Job& job = state_.jobs.at(event.job);
    index_.task_unqueued(task);
    dispatch_.gone(job, task);
    index_.attempt_begun(attempt, job.spec.resources);
    index_.task_moved(task.state, TaskState::leased);
    index_.attempt_moved({}, attempt);
    task.state = TaskState::leased;
    task.attempts.push_back(event.lease);
    job.reserved = job.reserved + event.reserve;
    state_.attempts.emplace(event.lease, std::move(attempt));
    state_.next.lease = after(event.lease);
    count_use(job, event.deadline - event.at);
    dispatch_.refresh(job);
    show(event.provider);
}

void Market::on(const protocol::LeaseRenewed& event) {
    Attempt& attempt = state_.attempts.at(event.lease);
    count_use(state_.jobs.at(attempt.job), event.deadline - attempt.deadline);
    index_.deadline_moved(event.lease, attempt.deadline, event.deadline);
    attempt.deadline = event.deadline;
}

void Market::on(const protocol::AttemptStarted& event) {
    state_.now = event.at;
    Attempt& attempt = state_.attempts.at(event.lease);
    attempt.phase = Phase::running;
    index_.attempt_moved(Phase::fetching, attempt);
    attempt.started = event.at;
}

void Market::on(const protocol::AttemptExited& event) {
    state_.now = event.at;
    Attempt& attempt = state_.attempts.at(event.lease);
    const Phase before = std::exchange(attempt.phase, Phase::uploading);
    index_.attempt_moved(before, attempt);
    attempt.exited = event.at;
    attempt.outcome = event.outcome;
    attempt.ran = event.ran;
}

void Market::on(const protocol::AttemptEnded& event) {
    state_.now = event.at;
    Attempt& attempt = state_.attempts.at(event.lease);
    Job& job = state_.jobs.at(attempt.job);
    Provider& provider = state_.providers.at(attempt.provider);
    index_.attempt_ended(attempt, job.spec.resources);
    const Phase before = std::exchange(attempt.phase, Phase::ended);
    attempt.ended = event.at;
    attempt.reason = event.reason;
    index_.attempt_moved(before, attempt);
    attempt.detail = event.detail;
    attempt.artifacts = event.artifacts;
    attempt.log = event.log;
    attempt.metrics = event.metrics;
    attempt.ran = event.ran;
    attempt.charge = event.charge;
    attempt.fee = event.fee;
    holds_.attempt_ended(job.account, attempt);
    attempt.uploads.clear();
    job.reserved = job.reserved - attempt.reserve;
    job.charged = job.charged + event.charge;
    provider.earned = provider.earned + (event.charge - event.fee);
    ++(event.reason == protocol::Reason::completed ? provider.attempts_accepted
                                                   : provider.attempts_failed);
    if (protocol::row(event.reason).fault == protocol::Fault::provider) ++provider.attempts_faulty;
    count_use(job, std::min(event.at - attempt.deadline, Duration{}));
    dispatch_.refresh(job);
    show(attempt.provider);
}

void Market::on(const protocol::TaskRequeued& event) {
    state_.now = event.at;
    Task& task = state_.tasks.at(event.task);
    index_.task_moved(task.state, TaskState::queued);
    task.state = TaskState::queued;
    task.reason = event.reason;
    task.not_before = event.not_before;
    if (event.reason != protocol::Reason::gang_broken) ++task.retries;
    index_.task_queued(task);
    dispatch_.wait(state_.jobs.at(task.job), task);
}

void Market::on(const protocol::TaskEnded& event) {
    state_.now = event.at;
    Task& task = state_.tasks.at(event.task);
    if (task.state == TaskState::queued) {
        index_.task_unqueued(task);
        dispatch_.gone(state_.jobs.at(task.job), task);
    }
    index_.task_moved(task.state, event.state);
    task.state = event.state;
    task.reason = event.reason;
    --state_.jobs.at(task.job).tasks_open;
}

void Market::on(const protocol::JobEnded& event) {
    state_.now = event.at;
    Job& job = state_.jobs.at(event.job);
    job.state = event.state;
    job.reason = event.reason;
    job.ended = event.at;
    reservations_.release(event.job);
    index_.job_ended(job);
    holds_.job_ended(state_, job);
}

void Market::on(const protocol::ReceiptIssued& event) {
    state_.now = event.at;
    Job& job = state_.jobs.at(event.job);
    job.receipt = event.receipt;
    job.signature = event.signature;
    state_.next.receipt = after(event.receipt);
}

void Market::on(const protocol::AccountWeighted& event) {
    state_.now = event.at;
    Account& account = state_.accounts.at(event.account);
    account.weight = event.weight;
    dispatch_.moved(account);
}

void Market::on(const protocol::ProviderVerified& event) {
    state_.now = event.at;
    state_.providers.at(event.provider).verified = event.verified;
    show(event.provider);
}

/// What the buyer's part in the market's machines was, or was less than thought.
void Market::count_use(const Job& job, Duration held) {
    if (held == Duration{}) return;
    Account& account = state_.accounts.at(job.account);
    const auto amount =
        units(job.spec.resources) * static_cast<std::uint64_t>(std::abs(held.count()));
    const DecayedUse use = use_at(amount, state_.now, limits::use_half_life);
    account.use = held > Duration{} ? account.use + use : account.use - use;
    dispatch_.moved(account);
}

/// What is online and takes work can be found by those who wait.
void Market::show(ProviderId id) {
    if (!online(id)) return;
    has_changed_ = true;
    if (draining(id)) {
        dispatch_.remove(id);
    } else {
        dispatch_.put(state_.providers.at(id), index_.usage(id));
    }
}

void Market::check_dispatch() const {
    Dispatch again(state_);
    again.release(state_, ticked_);
    for (const auto& [id, presence] : online_) {
        if (!presence.draining) again.put(state_.providers.at(id), index_.usage(id));
    }
    check(dispatch_ == again);
}

void Market::check_blob_bytes() const {
    std::map<AccountId, std::uint64_t> bytes;
    for (const auto& [hash, blob] : state_.blobs) {
        check(!blob.accounts.empty() && blob.accounts.size() == blob.uploaded.size());
        for (const AccountId account : blob.accounts) {
            check(blob.uploaded.contains(account));
            bytes[account] += blob.size_bytes;
        }
    }
    for (const auto& [id, account] : state_.accounts) check(account.blob_bytes == bytes[id]);
}

void Market::check_invariants() const {
    ledger_.check_invariants();
    check(ledger_.sum() == Lamports{});
    check(index_ == Index(state_));
    check(holds_ == BlobHolds(state_, settings_.retention));
    check_blob_bytes();
    check_dispatch();
    for (const auto& [id, job] : state_.jobs) {
        check_tasks(state_, job);
        const Lamports held = ledger_.balance(protocol::LedgerAccount::held(id));
        const bool is_open = job.state == protocol::JobState::open;
        check(is_open == (job.tasks_open > 0));
        check(held == (is_open ? job.hold - job.charged : Lamports{}));
        check(!is_open || job.reserved <= held);
    }
}

}  // namespace shoal::market
