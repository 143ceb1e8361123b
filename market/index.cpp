#include "market/index.h"

#include "core/check.h"

namespace shoal::market {

namespace {

constexpr AccountId everyone{};  // where a list is not of one account

template <class Map>
void count_down(Map& counts, const typename Map::key_type& key) {
    const auto found = counts.find(key);
    check(found != counts.end());
    if (--found->second == 0) counts.erase(found);
}

template <class Map>
const std::set<JobId>& jobs_of(const Map& lists, const typename Map::key_type& key) {
    static const std::set<JobId> none;
    const auto found = lists.find(key);
    return found == lists.end() ? none : found->second;
}

}  // namespace

void Usage::add(const protocol::Resources& needed) {
    cores += needed.cores;
    memory_bytes += needed.memory.bytes;
    disk_bytes += needed.disk.bytes;
    gpus += needed.gpu.count;
    ++attempts;
}

void Usage::remove(const protocol::Resources& needed) {
    cores -= needed.cores;
    memory_bytes -= needed.memory.bytes;
    disk_bytes -= needed.disk.bytes;
    gpus -= needed.gpu.count;
    --attempts;
}

Index::Index(const State& state) {
    for (const auto& [id, key] : state.keys) key_added(key);
    for (const auto& [id, provider] : state.providers) provider_added(provider);
    for (const auto& [id, job] : state.jobs) job_added(job);
    for (const auto& [id, task] : state.tasks) {
        task_moved({}, task.state);
        if (task.state == protocol::TaskState::queued) task_queued(task);
    }
    for (const auto& [hash, blob] : state.blobs) blob_added(blob);
    for (const auto& [id, attempt] : state.attempts) {
        attempt_moved({}, attempt);
        if (attempt.phase == Phase::ended) continue;
        attempt_begun(attempt, state.jobs.at(attempt.job).spec.resources);
    }
    for (const auto& [hash, accounts] : state.dropped) {
        for (const auto& [account, at] : accounts) blob_dropped(hash, account, at);
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
    jobs_by_state_[{job.account, job.state}].insert(job.id);
    jobs_by_state_[{everyone, job.state}].insert(job.id);
    if (job.tasks_open > 0) tasks_open_[job.account] += job.tasks_open;
}

void Index::task_ended(AccountId account) {
    count_down(tasks_open_, account);
}

std::uint64_t Index::tasks_open(AccountId account) const {
    const auto found = tasks_open_.find(account);
    return found == tasks_open_.end() ? 0 : found->second;
}

void Index::job_ended(const Job& job) {
    for (const AccountId list : {job.account, everyone}) {
        const auto open = jobs_by_state_.find({list, protocol::JobState::open});
        check(open != jobs_by_state_.end() && open->second.erase(job.id) == 1);
        if (open->second.empty()) jobs_by_state_.erase(open);
        jobs_by_state_[{list, job.state}].insert(job.id);
    }
}

void Index::task_moved(std::optional<protocol::TaskState> from, protocol::TaskState to) {
    if (from) count_down(tally_.tasks, *from);
    ++tally_.tasks[to];
}

void Index::attempt_moved(std::optional<Phase> from, const Attempt& attempt) {
    if (from) count_down(tally_.attempts, *from);
    ++tally_.attempts[attempt.phase];
    if (attempt.phase == Phase::ended) ++tally_.ends[attempt.reason];
}

void Index::blob_added(const Blob& blob) {
    tally_.blob_bytes += blob.size_bytes;
}

void Index::blob_removed(const Blob& blob) {
    tally_.blob_bytes -= blob.size_bytes;
}

void Index::task_queued(const Task& task) {
    queued_[task.job].insert(task.id);
}

void Index::task_unqueued(const Task& task) {
    const auto found = queued_.find(task.job);
    check(found != queued_.end() && found->second.erase(task.id) == 1);
    if (found->second.empty()) queued_.erase(found);
}

void Index::attempt_begun(const Attempt& attempt, const protocol::Resources& needed) {
    live_[attempt.provider].insert(attempt.lease);
    deadlines_.emplace(attempt.deadline, attempt.lease);
    usage_[attempt.provider].add(needed);
}

void Index::deadline_moved(LeaseId lease, Time from, Time to) {
    check(deadlines_.erase({from, lease}) == 1);
    deadlines_.emplace(to, lease);
}

void Index::attempt_ended(const Attempt& attempt, const protocol::Resources& needed) {
    const auto found = live_.find(attempt.provider);
    check(found != live_.end() && found->second.erase(attempt.lease) == 1);
    check(deadlines_.erase({attempt.deadline, attempt.lease}) == 1);
    usage_.at(attempt.provider).remove(needed);
    if (!found->second.empty()) return;
    live_.erase(found);
    usage_.erase(attempt.provider);
}

void Index::blob_dropped(const Hash& hash, AccountId account, Time at) {
    dropped_.emplace(at, hash, account);
}

void Index::drop_forgotten(const Hash& hash, AccountId account, Time at) {
    check(dropped_.erase({at, hash, account}) == 1);
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
    return jobs_of(jobs_, account);
}

const std::set<JobId>& Index::jobs(AccountId account, protocol::JobState state) const {
    return jobs_of(jobs_by_state_, {account, state});
}

const std::set<JobId>& Index::jobs(protocol::JobState state) const {
    return jobs_of(jobs_by_state_, {everyone, state});
}

Usage Index::usage(ProviderId provider) const {
    const auto found = usage_.find(provider);
    return found == usage_.end() ? Usage{} : found->second;
}

}  // namespace shoal::market
