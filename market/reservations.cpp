#include "market/reservations.h"

#include <algorithm>
#include <utility>

#include "market/matching.h"

namespace shoal::market {

namespace {

Usage used_by(const std::vector<Occupant>& occupants) {
    Usage usage;
    for (const Occupant& occupant : occupants) usage.add(occupant.resources);
    return usage;
}

bool has_room_for(const protocol::Offer& offer, Usage usage, const protocol::Resources& needed,
                  std::uint32_t tasks) {
    for (; tasks > 0; --tasks) {
        if (!has_room(offer, usage, needed)) return false;
        usage.add(needed);
    }
    return true;
}

}  // namespace

const Reservations::Kept* Reservations::on(ProviderId provider) const {
    const auto found = kept_.find(provider);
    return found == kept_.end() ? nullptr : &found->second;
}

void Reservations::keep(JobId job, const std::map<ProviderId, std::uint32_t>& tasks) {
    for (const auto& [provider, count] : tasks) {
        kept_.insert_or_assign(provider, Kept{job, count});
        jobs_[job].insert(provider);
    }
}

std::set<ProviderId> Reservations::release(JobId job) {
    auto found = jobs_.extract(job);
    if (found.empty()) return {};
    for (const ProviderId provider : found.mapped()) kept_.erase(provider);
    return std::move(found.mapped());
}

std::set<ProviderId> Reservations::drop(ProviderId provider) {
    const Kept* kept = on(provider);
    return kept ? release(JobId{kept->job}) : std::set<ProviderId>();
}

std::optional<Time> room_at(const protocol::Offer& offer, std::vector<Occupant> occupants,
                            const protocol::Resources& needed, std::uint32_t tasks, Time now) {
    Usage usage = used_by(occupants);
    if (has_room_for(offer, usage, needed, tasks)) return now;
    std::ranges::sort(occupants, {}, &Occupant::until);
    for (const Occupant& occupant : occupants) {
        usage.remove(occupant.resources);
        if (has_room_for(offer, usage, needed, tasks)) return std::max(now, occupant.until);
    }
    return std::nullopt;
}

bool leaves_room(const protocol::Offer& offer, const std::vector<Occupant>& occupants,
                 const Occupant& fresh, const protocol::Resources& kept, std::uint32_t tasks,
                 Time now) {
    const auto begin = room_at(offer, occupants, kept, tasks, now);
    if (!begin || fresh.until <= *begin) return true;
    Usage usage;
    for (const Occupant& occupant : occupants) {
        if (occupant.until > *begin) usage.add(occupant.resources);
    }
    usage.add(fresh.resources);
    return has_room_for(offer, usage, kept, tasks);
}

}  // namespace shoal::market
