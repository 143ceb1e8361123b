#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "core/limits.h"
#include "protocol/session.h"

namespace shoal::provider {

/// What the market must learn and may not have learnt yet, in order.
///
/// Numbers belong to a session: a new one counts from 1 again, and what was not acknowledged in the
/// old one is sent again before anything newer. At most a window of messages is under way.
class Outbox {
public:
    struct Entry {
        LeaseId lease;
        protocol::session::FromProvider message;
    };

    explicit Outbox(std::size_t window = limits::unacked_messages) : window_(window) {}

    void put(LeaseId, protocol::session::FromProvider);

    /// The next frame to send on this session, if there is one and the window has room.
    std::optional<protocol::session::ProviderFrame> next();

    /// Removes what the market has, and gives it. A number beyond what was sent stands for all.
    std::vector<Entry> acknowledge(std::uint64_t sequence);

    /// A new session has begun.
    void reopen();

    /// The market knows better of this lease: what was not sent yet on this session is left out.
    void drop(LeaseId);

    std::size_t size() const { return entries_.size(); }
    void check_invariants() const;

private:
    std::size_t window_;
    std::deque<Entry> entries_;
    std::uint64_t first_ = 1;  // the number of the first entry on this session
    std::size_t sent_ = 0;     // how many of the entries were sent on it
};

}  // namespace shoal::provider
