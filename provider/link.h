#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/signature.h"
#include "core/time.h"
#include "protocol/offer.h"
#include "protocol/session.h"
#include "provider/steps.h"

namespace shoal::provider {

/// How long to wait before the next try, after so many that failed: from 250 ms, doubled each time,
/// to 30 s, of which the entropy takes off up to a half so that many do not come at once.
Duration backoff(unsigned failures, std::uint64_t entropy);

/// The way to an open session: connect, say hello, prove the key, be welcomed; and again, a little
/// later each time, when that fails.
class Link {
public:
    enum class State { waiting, connecting, greeting, proving, open, over };

    struct Identity {
        SecretKey key;
        std::string release;
    };

    Link(Identity identity, protocol::Offer offer);

    /// The first call of all, at the time when the provider starts.
    void start(Time now);

    void connected(const Moment&, Effects&);
    void disconnected(const Error&, const Moment&, Effects&);
    void challenged(const protocol::session::Challenge&, const Moment&, Effects&);

    /// Whether the session is open by this; else it was closed, and why is in the effects.
    bool welcomed(const protocol::session::Welcome&, Effects&);
    void refused(const protocol::session::Refused&, const Moment&, Effects&);
    void tick(const Moment&, Effects&);

    State state() const { return state_; }
    bool is_open() const { return state_ == State::open; }
    std::optional<Time> next_deadline() const { return deadline_; }

private:
    void wait(const Moment&);
    void leave(std::string why, Effects&);

    Identity identity_;
    protocol::Offer offer_;
    State state_ = State::waiting;
    std::optional<Time> deadline_;  // of the wait, or of the handshake
    unsigned failures_ = 0;
    Time conflict_patience_;  // an older session of ours may be taken for alive until then
};

}  // namespace shoal::provider
