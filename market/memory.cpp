#include "market/memory.h"

#include <utility>

#include "core/check.h"
#include "core/limits.h"

namespace shoal::market {

namespace {

using protocol::TaskState;

constexpr Answers::Limits answers_kept{limits::idempotency_life, limits::answers_per_account};

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
        if (task.reused) charged = charged + task.reused->charge;
        check(live == (task.state == TaskState::leased ? 1U : 0U));
    }
    check(open == job.tasks_open);
    check(reserved == job.reserved && charged == job.charged);
}

}  // namespace

Memory::Memory(const Retention& retention)
    : retention_(retention), holds_(retention), answers_(answers_kept) {}

Memory::Memory(const Retention& retention, State state)
    : retention_(retention),
      ledger_(ledger::Ledger::restore(std::exchange(state.ledger, {})).value()),
      state_(std::move(state)),
      index_(state_),
      dispatch_(state_),
      holds_(state_, retention),
      spending_(state_),
      answers_(answers_kept, state_) {
    for (const auto& [id, account] : state_.accounts) {
        if (account.erased && holds_.first_of(id)) leaving_.insert(id);
    }
}

void Memory::apply(const protocol::Event& event) {
    std::visit([&](const auto& it) { on(it); }, event);
}

State Memory::snapshot() const {
    State whole = state_;
    whole.ledger = ledger_.state();
    return whole;
}

bool Memory::draining(ProviderId provider) const {
    const auto found = online_.find(provider);
    return found != online_.end() && found->second.draining;
}

/// What is online and takes work can be found by those who wait.
void Memory::show(ProviderId id) {
    if (!online(id)) return;
    has_changed_ = true;
    const AccountId owner = state_.providers.at(id).account;
    if (draining(id) || !state_.accounts.at(owner).is_open()) {
        dispatch_.remove(id);
    } else {
        dispatch_.put(state_.providers.at(id), index_.usage(id));
    }
}

void Memory::check_dispatch() const {
    Dispatch again(state_);
    again.release(state_, ticked_);
    for (const auto& [id, presence] : online_) {
        const Provider& provider = state_.providers.at(id);
        const bool takes_work =
            !presence.draining && state_.accounts.at(provider.account).is_open();
        if (takes_work) again.put(provider, index_.usage(id));
    }
    check(dispatch_ == again);
}

void Memory::check_blob_bytes() const {
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

void Memory::check_invariants() const {
    ledger_.check_invariants();
    check(ledger_.sum() == Lamports{});
    check(index_ == Index(state_));
    check(holds_ == BlobHolds(state_, retention_));
    check(spending_ == Spending(state_));
    for (const auto& [id, account] : state_.accounts) {
        const bool leaves = account.erased && holds_.first_of(id);
        check(leaves == leaving_.contains(id));
    }
    check(answers_ == Answers(answers_kept, state_));
    check_blob_bytes();
    check_secrets();
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

/// What was answered under Idempotency-Keys: to the account, and to operators about it.
void Memory::forget_answers(AccountId account) {
    const std::string prefix = to_string(account) + " ";
    const std::string named = '"' + to_string(account) + '"';
    std::erase_if(state_.answered, [&](const auto& entry) {
        return entry.first.starts_with(prefix) ||
               entry.second.answer.find(named) != std::string::npos;
    });
    answers_ = Answers(answers_kept, state_);
}

}  // namespace shoal::market
