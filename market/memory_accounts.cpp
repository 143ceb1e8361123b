// What events about accounts, keys, money and blobs change.

#include "core/limits.h"
#include "market/erasure.h"
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
    for (const LeaseId lease : index_.results_dropped(event.account, event.blob)) {
        state_.attempts.at(lease).identity.reset();
    }
    holds_.dropped(event.account, event.blob);
    if (!holds_.first_of(event.account)) leaving_.erase(event.account);
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

// --- what accounts may do ------------------------------------------------------------------------

void Memory::on(const protocol::AccountLimited& event) {
    state_.now = event.at;
    Account& account = state_.accounts.at(event.account);
    const bool is_own = event.by == protocol::LimitedBy::account;
    (is_own ? account.own_limits : account.limits) = event.limits;
}

void Memory::on(const protocol::KeyLimited& event) {
    state_.now = event.at;
    state_.keys.at(event.key).rate = event.rate;
}

void Memory::on(const protocol::AccountFrozen& event) {
    state_.now = event.at;
    Account& account = state_.accounts.at(event.account);
    account.frozen = event.frozen ? std::optional(event.reason) : std::nullopt;
    dispatch_.moved(account);
    for (const auto& [provider, presence] : online_) {
        if (state_.providers.at(provider).account == event.account) show(provider);
    }
    has_changed_ = true;
    if (event.frozen) return;
    for (const JobId job : index_.jobs(event.account, protocol::JobState::open)) {
        dispatch_.refresh(state_.jobs.at(job));  // its tasks may find a machine now
    }
}

void Memory::on(const protocol::AccountErased& event) {
    state_.now = event.at;
    Account& account = state_.accounts.at(event.account);
    account.frozen.reset();
    account.erased = event.at;
    dispatch_.moved(account);
    if (holds_.first_of(event.account)) leaving_.insert(event.account);
    forget_person(event.account);
    forget_secrets(event.account);
    forget_answers(event.account);
}

void Memory::forget_person(AccountId account) {
    for (const JobId id : index_.jobs(account)) {
        Job& job = state_.jobs.at(id);
        forget_words(job);
        for (const TaskId task_id : job.tasks) {
            Task& task = state_.tasks.at(task_id);
            forget_words(task);
            for (const LeaseId lease : task.attempts) forget_words(state_.attempts.at(lease));
        }
    }
    for (const WorkflowId id : index_.workflows(account)) {
        Workflow& workflow = state_.workflows.at(id);
        workflow.name.clear();
        for (protocol::WorkflowStep& step : workflow.steps) {
            step.step = to_string(step.job);
            state_.jobs.at(step.job).step = step.step;
        }
    }
    for (auto& [id, provider] : state_.providers) {
        if (provider.account != account) continue;
        forget_words(provider);
        show(id);
    }
}

void Memory::on(const protocol::OperatorActed& event) {
    state_.now = event.at;
    state_.next.action = after(event.action);
    state_.audit.emplace(event.action, event);
    const auto is_over = [&](const protocol::OperatorActed& first) {
        return first.at + limits::audit_kept <= event.at ||
               state_.audit.size() > limits::audit_entries;
    };
    while (is_over(state_.audit.begin()->second)) state_.audit.erase(state_.audit.begin()->first);
}

}  // namespace shoal::market
