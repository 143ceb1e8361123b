#include <algorithm>

#include "core/check.h"
#include "provider/attempts.h"

namespace shoal::provider {

bool Attempts::within(const protocol::Resources& wanted, const protocol::Resources& there) {
    return wanted.cores <= there.cores && wanted.memory <= there.memory &&
           wanted.disk <= there.disk;
}

protocol::Resources Attempts::unused() const {
    protocol::Resources left = settings_.capacity;
    for (const auto& [lease, attempt] : attempts_) {
        const protocol::Resources& used = attempt.order.resources;
        if (occupies(attempt)) {
            left.cores -= std::min(left.cores, used.cores);
            left.memory.bytes -= std::min(left.memory.bytes, used.memory.bytes);
        }
        const bool has_folder = attempt.phase >= Phase::starting;
        if (has_folder) left.disk.bytes -= std::min(left.disk.bytes, used.disk.bytes);
    }
    return left;
}

bool Attempts::fits(const protocol::Resources& wanted) const {
    const auto running =
        std::ranges::count_if(attempts_, [](const auto& entry) { return occupies(entry.second); });
    return running < settings_.attempts_max && within(wanted, unused());
}

std::uint32_t Attempts::free_slot() const {
    std::set<std::uint32_t> taken;
    for (const auto& [lease, attempt] : attempts_) {
        if (occupies(attempt)) taken.insert(attempt.slot);
    }
    std::uint32_t slot = 0;
    while (taken.contains(slot)) ++slot;
    return slot;
}

void Attempts::check_invariants() const {
    outbox_.check_invariants();
    std::set<std::uint32_t> slots;
    for (const auto& [lease, attempt] : attempts_) {
        check(lease == attempt.order.lease);
        if (occupies(attempt)) check(attempt.asked);
        if (occupies(attempt) && !attempt.found) check(slots.insert(attempt.slot).second);
        if (attempt.phase == Phase::waiting) check(!attempt.asked && !attempt.over);
        if (attempt.phase == Phase::delivered) check(!attempt.asked);
        const bool moving = attempt.asked || attempt.again_at || is_done(attempt);
        check(moving || attempt.phase == Phase::waiting);
    }
}

}  // namespace shoal::provider
