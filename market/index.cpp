#include "market/index.h"

#include "core/check.h"

namespace shoal::market {

Index::Index(const State& state) {
    for (const auto& [id, key] : state.keys) key_added(key);
    for (const auto& [id, provider] : state.providers) provider_added(provider);
    for (const auto& [id, job] : state.jobs) job_added(job);
    for (const auto& [id, task] : state.tasks) {
        if (task.state == protocol::TaskState::queued) task_queued(task);
    }
    for (const auto& [id, attempt] : state.attempts) {
        if (attempt.phase == Phase::ended) continue;
        attempt_begun(attempt, state.jobs.at(attempt.job).spec.resources);
    }
}

void Index::key_added(const ApiKey& key) {
    keys_.emplace(key.secret, key.id);
}

void Index::provider_added(const Provider& provider) {
    providers_.emplace(provider.key, provider.id);
}

void Index::job_added(const Job& job) {
    jobs_[job.account].insert(job.id);
}

void Index::task_queued(const Task& task) {
    queued_[task.job].insert(task.id);
    if (task.retries > 0) delayed_.emplace(task.not_before, task.id);
}

void Index::task_unqueued(const Task& task) {
    const auto found = queued_.find(task.job);
    check(found != queued_.end() && found->second.erase(task.id) == 1);
    if (found->second.empty()) queued_.erase(found);
    delayed_.erase({task.not_before, task.id});
}

void Index::attempt_begun(const Attempt& attempt, const protocol::Resources& needed) {
    live_[attempt.provider].insert(attempt.lease);
    deadlines_.emplace(attempt.deadline, attempt.lease);
    Usage& usage = usage_[attempt.provider];
    usage.cores += needed.cores;
    usage.memory_bytes += needed.memory.bytes;
    usage.disk_bytes += needed.disk.bytes;
    ++usage.attempts;
}

void Index::deadline_moved(LeaseId lease, Time from, Time to) {
    check(deadlines_.erase({from, lease}) == 1);
    deadlines_.emplace(to, lease);
}

void Index::attempt_ended(const Attempt& attempt, const protocol::Resources& needed) {
    const auto found = live_.find(attempt.provider);
    check(found != live_.end() && found->second.erase(attempt.lease) == 1);
    check(deadlines_.erase({attempt.deadline, attempt.lease}) == 1);
    Usage& usage = usage_.at(attempt.provider);
    usage.cores -= needed.cores;
    usage.memory_bytes -= needed.memory.bytes;
    usage.disk_bytes -= needed.disk.bytes;
    --usage.attempts;
    if (!found->second.empty()) return;
    live_.erase(found);
    usage_.erase(attempt.provider);
}

std::optional<KeyId> Index::key(const Hash& secret) const {
    const auto found = keys_.find(secret);
    if (found == keys_.end()) return std::nullopt;
    return found->second;
}

std::optional<ProviderId> Index::provider(const PublicKey& key) const {
    const auto found = providers_.find(key);
    if (found == providers_.end()) return std::nullopt;
    return found->second;
}

const std::set<LeaseId>& Index::live(ProviderId provider) const {
    static const std::set<LeaseId> none;
    const auto found = live_.find(provider);
    return found == live_.end() ? none : found->second;
}

const std::set<JobId>& Index::jobs(AccountId account) const {
    static const std::set<JobId> none;
    const auto found = jobs_.find(account);
    return found == jobs_.end() ? none : found->second;
}

Usage Index::usage(ProviderId provider) const {
    const auto found = usage_.find(provider);
    return found == usage_.end() ? Usage{} : found->second;
}

}  // namespace shoal::market
