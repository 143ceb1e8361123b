#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "core/id.h"
#include "core/time.h"
#include "market/fair_share.h"
#include "market/needs.h"
#include "market/state.h"
#include "market/summary_tree.h"

namespace shoal::market {

/// A job's place among its buyer's: a point of priority counts like ten minutes of waiting, so the
/// place never changes while all wait alike.
struct JobPlace {
    Time rank;
    JobId job;

    friend auto operator<=>(const JobPlace&, const JobPlace&) = default;
};
JobPlace place_of(const Job&);
std::uint64_t spread(const JobPlace&);

/// A buyer's place among buyers: who has used the least, by weight, is the first.
struct BuyerPlace {
    DecayedUse share;
    AccountId account;

    friend auto operator<=>(const BuyerPlace&, const BuyerPlace&) = default;
};
std::uint64_t spread(const BuyerPlace&);

/// A machine's place: by the price of an hour of a usual task.
struct MachinePlace {
    Lamports price;
    ProviderId provider;

    friend auto operator<=>(const MachinePlace&, const MachinePlace&) = default;
};
std::uint64_t spread(const MachinePlace&);

/// Who waits, in fair order, and which machines take work, by price. Finds who could serve whom at
/// a cost that hardly grows with either number; it decides nothing: the caller does, by the rules.
///
/// What has changed since it was last looked at is kept too: a market in which nothing more can be
/// placed stays so until a job is fresh or a machine freed.
class Dispatch {
public:
    Dispatch() = default;
    explicit Dispatch(const State&);  // no machine is there yet

    // --- jobs ----------------------------------------------------------------------------------

    /// The task waits: from now on, or, where it is tried again, from its time on. Jobs of gangs
    /// wait apart: only as wholes are they placed.
    void wait(const Job&, const Task&);
    /// Tasks whose time has come may begin.
    void release(const State&, Time now);
    /// It is leased or has ended.
    void gone(const Job&, const Task&);
    /// What the job may pay for a task has changed: those that wait may find a machine now.
    void refresh(const Job&);
    /// What is compared between buyers has changed.
    void moved(const Account&);

    const std::set<TaskId>& ready_tasks(JobId) const;
    /// When the next task may begin that may not yet.
    std::optional<Time> next_release() const;
    /// Nobody waits who could begin, or no machine takes work.
    bool is_empty() const { return waiting_.empty() || places_.empty(); }
    /// The gangs that wait, in the order of their places.
    const std::set<JobPlace>& gangs() const { return gangs_; }
    /// Jobs with a ready task, gangs left out, in fair order. Stops when `take` returns true.
    bool walk_waiting(const std::function<bool(JobId)>& take) const;
    /// As above, but only those that the machine might have room for.
    bool walk_waiting(const Machine&, const std::function<bool(JobId)>& take) const;
    /// Of each buyer in fair order the first job that waits.
    bool walk_first(const std::function<bool(JobId)>& take) const;
    /// How many buyers wait before this job's, and how many of its own buyer's jobs before it.
    std::pair<std::uint64_t, std::uint64_t> before(const Job&) const;

    // --- machines ------------------------------------------------------------------------------

    void put(const Provider&, const Usage&);
    /// As put, but it is no news: what a trial took is given back.
    void take_back(const Provider&, const Usage&);
    void remove(ProviderId);
    /// Machines whose room others may have now: if they take work, that is news.
    void free(const std::set<ProviderId>&);
    const Machine* machine(ProviderId) const;

    using Accept = std::function<bool(ProviderId)>;
    /// Of the machines that have room now and `accept` says yes to: the cheapest for an hour, then
    /// the one with the fewest attempts. After a hundred were looked at, one that is at most 5 %
    /// dearer than the best may be taken for it.
    std::optional<ProviderId> best(const Job&, const Accept& accept) const;

    /// Of the machines that would have room if they were idle: the cheapest, and the one on which
    /// the job's time limit costs most.
    std::optional<ProviderId> cheapest_offer(const Job&, const Accept& accept) const;
    std::optional<ProviderId> dearest_offer(const Job&, const Accept& accept) const;
    /// All of those, by the price of a usual task, until `take` returns true.
    void walk_offers(const Job&, const Accept& take) const;

    // --- what is new ---------------------------------------------------------------------------

    /// Jobs with tasks that became ready, by buyer; and machines that have more room than before.
    std::map<AccountId, std::set<JobPlace>> take_fresh();
    std::set<ProviderId> take_freed();
    bool has_news() const { return !fresh_.empty() || !freed_.empty(); }

    /// Whether both know the same, except for what is new.
    friend bool operator==(const Dispatch&, const Dispatch&);

private:
    struct Buyer {
        DecayedUse share;
        bool is_stopped = false;  // nothing of it is found by those who look for work
        SummaryTree<JobPlace, Ask> jobs;
    };
    using Machines = SummaryTree<MachinePlace, Machine>;

    void ready(const Job&, TaskId);
    void place(const Job&);
    void unplace(const Job&);
    void place_buyer(AccountId, Buyer&);
    bool walk(const Machine*, const std::function<bool(JobId)>& take) const;

    std::map<JobId, std::set<TaskId>> waiting_;
    std::set<std::pair<Time, TaskId>> later_;
    std::map<AccountId, Buyer> buyers_;
    SummaryTree<BuyerPlace, Ask> fair_;
    std::set<JobPlace> gangs_;
    std::map<ProviderId, MachinePlace> places_;
    Machines machines_;  // as they are now
    Machines offers_;    // as they would be if they were idle
    std::map<AccountId, std::set<JobPlace>> fresh_;
    std::set<ProviderId> freed_;
};

}  // namespace shoal::market
