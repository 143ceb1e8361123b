#pragma once

#include <optional>
#include <vector>

#include "core/time.h"
#include "protocol/offer.h"
#include "protocol/session.h"
#include "provider/attempts.h"
#include "provider/link.h"
#include "provider/steps.h"

namespace shoal::provider {

/// The seller's side: its session with the market and the attempts it holds. The shell tells what
/// happens, step() answers with what is to be done.
class Provider {
public:
    Provider(Link::Identity identity, const protocol::Offer& offer);

    /// The first call: what an earlier process left.
    Effects start(const std::vector<Found>&, const Moment&);

    Effects step(const Input&, const Moment&);

    /// When to send the next Tick.
    std::optional<Time> next_deadline() const;

    const Attempts& attempts() const { return attempts_; }
    bool is_open() const { return link_.is_open(); }
    void check_invariants() const { attempts_.check_invariants(); }

private:
    void hear(const protocol::session::FromMarket&, const Moment&, Effects&);

    Link link_;
    Attempts attempts_;
};

}  // namespace shoal::provider
