#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "core/hash.h"
#include "core/id.h"
#include "core/signature.h"
#include "core/time.h"
#include "market/state.h"

namespace shoal::market {

/// What the live attempts of one provider occupy of what it offers.
struct Usage {
    std::uint64_t cores = 0;
    std::uint64_t memory_bytes = 0;
    std::uint64_t disk_bytes = 0;
    std::uint64_t gpus = 0;
    std::uint64_t attempts = 0;

    void add(const protocol::Resources&);
    void remove(const protocol::Resources&);

    friend bool operator==(const Usage&, const Usage&) = default;
};

/// How many there are of what; what there is none of is not in the maps.
struct Tally {
    std::map<protocol::TaskState, std::uint64_t> tasks;
    std::map<Phase, std::uint64_t> attempts;
    std::map<protocol::Reason, std::uint64_t> ends;  // of attempts
    std::uint64_t blob_bytes = 0;                    // each blob once

    friend bool operator==(const Tally&, const Tally&) = default;
};

/// What can be found again from the State, kept so that no question walks all of it. The Market
/// tells it of each change; Index(state) must always equal what it has.
class Index {
public:
    Index() = default;
    explicit Index(const State&);

    void key_added(const ApiKey&);
    void provider_added(const Provider&);
    void job_added(const Job&);
    void job_ended(const Job&);
    void task_ended(AccountId);
    void task_moved(std::optional<protocol::TaskState> from, protocol::TaskState to);
    void task_queued(const Task&);
    void task_unqueued(const Task&);
    void attempt_begun(const Attempt&, const protocol::Resources&);
    void attempt_moved(std::optional<Phase> from, const Attempt&);
    void deadline_moved(LeaseId, Time from, Time to);
    void attempt_ended(const Attempt&, const protocol::Resources&);
    void blob_added(const Blob&);
    void blob_removed(const Blob&);
    void blob_dropped(const Hash&, AccountId, Time);
    void drop_forgotten(const Hash&, AccountId, Time);

    std::optional<KeyId> key(const Hash& secret) const;
    std::optional<ProviderId> provider(const PublicKey&) const;

    /// Jobs with queued tasks, oldest first, and their queued tasks, oldest first.
    const std::map<JobId, std::set<TaskId>>& queued() const { return queued_; }

    const std::set<LeaseId>& live(ProviderId) const;
    const std::set<JobId>& jobs(AccountId) const;
    const std::set<JobId>& jobs(AccountId, protocol::JobState) const;
    const std::set<JobId>& jobs(protocol::JobState) const;
    const Tally& tally() const { return tally_; }
    std::uint64_t tasks_open(AccountId) const;
    Usage usage(ProviderId) const;

    /// Live leases by the end of their term.
    const std::set<std::pair<Time, LeaseId>>& deadlines() const { return deadlines_; }

    /// The drops of blobs that are remembered, by their time.
    const std::set<std::tuple<Time, Hash, AccountId>>& dropped() const { return dropped_; }

    friend bool operator==(const Index&, const Index&) = default;

private:
    std::map<Hash, KeyId> keys_;
    std::map<PublicKey, ProviderId> providers_;
    std::map<JobId, std::set<TaskId>> queued_;
    std::map<ProviderId, std::set<LeaseId>> live_;
    std::map<AccountId, std::set<JobId>> jobs_;
    std::map<std::pair<AccountId, protocol::JobState>, std::set<JobId>> jobs_by_state_;
    std::map<AccountId, std::uint64_t> tasks_open_;  // of those who have some
    std::map<ProviderId, Usage> usage_;
    Tally tally_;
    std::set<std::pair<Time, LeaseId>> deadlines_;
    std::set<std::tuple<Time, Hash, AccountId>> dropped_;
};

}  // namespace shoal::market
