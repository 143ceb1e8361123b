#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/time.h"

namespace shoal::apps {

/// How long an answer to a wrong key waits. Whoever guesses waits longer with each guess; whoever
/// has a key waits never, even behind the same address, so nobody can lock another out.
///
/// A key has 256 random bits: this keeps guessing from costing much, not from succeeding.
class Guesses {
public:
    static constexpr std::uint32_t free_of_charge = 5;  // a mistake is soon made
    static constexpr Duration wait_most{2'000};
    static constexpr Duration forgotten_after{60'000};
    static constexpr std::size_t peers_most = 10'000;

    /// One more wrong key of this peer.
    Duration note(const std::string& peer, Time now);

    std::size_t size() const { return peers_.size(); }

private:
    struct Peer {
        std::uint32_t count = 0;
        Time last;
    };
    void forget(Time now);

    std::map<std::string, Peer> peers_;
    Time swept_{};
};

}  // namespace shoal::apps
