#include "apps/guesses.h"

#include <algorithm>

namespace shoal::apps {

Duration Guesses::note(const std::string& peer, Time now) {
    forget(now);
    // With so many guessers nobody is remembered one by one: each waits as long as the worst.
    if (peers_.size() >= peers_most && !peers_.contains(peer)) return wait_most;
    Peer& known = peers_[peer];
    if (known.last + forgotten_after <= now) known.count = 0;
    known.last = now;
    ++known.count;
    if (known.count <= free_of_charge) return Duration{0};
    constexpr std::uint32_t doublings_most = 5;
    constexpr Duration first{100};
    const std::uint32_t doublings = std::min(known.count - free_of_charge - 1, doublings_most);
    return std::min(first * (1U << doublings), wait_most);
}

void Guesses::forget(Time now) {
    if (now < swept_ + forgotten_after / 4) return;
    swept_ = now;
    std::erase_if(peers_, [&](const auto& it) { return it.second.last + forgotten_after <= now; });
}

}  // namespace shoal::apps
