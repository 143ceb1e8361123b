#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "core/id.h"
#include "core/time.h"
#include "market/index.h"
#include "market/state.h"

namespace shoal::market {

/// A live attempt as far as room matters: what it occupies, and until when at the most.
struct Occupant {
    protocol::Resources resources;
    Time until;
};

/// Room that is kept for tasks which fit a machine but never find it free, because smaller ones
/// take each piece of it. Backfill (EASY: Lifka, JSSPP 1995): another task may still be begun there
/// if it leaves the room that is needed at the moment at which the kept task could begin.
///
/// Kept in memory only: a market that was restarted keeps room anew.
class Reservations {
public:
    /// Who has room kept on the provider, and for how many of its tasks.
    struct Kept {
        JobId job;
        std::uint32_t tasks = 1;
    };

    const Kept* on(ProviderId) const;
    bool has(JobId job) const { return jobs_.contains(job); }
    const std::map<JobId, std::set<ProviderId>>& jobs() const { return jobs_; }

    void keep(JobId, const std::map<ProviderId, std::uint32_t>& tasks);
    /// Where room was kept for the job: others may have it now.
    std::set<ProviderId> release(JobId);
    /// The provider is gone: whoever had room there must be given other room. Likewise.
    std::set<ProviderId> drop(ProviderId);

private:
    std::map<ProviderId, Kept> kept_;
    std::map<JobId, std::set<ProviderId>> jobs_;
};

/// When `tasks` of `needed` have room beside what is there, if each occupant stays as long as it
/// may; nothing if never.
std::optional<Time> room_at(const protocol::Offer&, std::vector<Occupant>,
                            const protocol::Resources& needed, std::uint32_t tasks, Time now);

/// Whether a task that is begun now leaves the kept tasks their room at the moment of room_at.
bool leaves_room(const protocol::Offer&, const std::vector<Occupant>&, const Occupant& fresh,
                 const protocol::Resources& kept, std::uint32_t tasks, Time now);

}  // namespace shoal::market
