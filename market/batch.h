#pragma once

// What goes into one of the market's decisions beside its words, and what comes out of it.

#include <array>
#include <cstdint>
#include <vector>

#include "core/id.h"
#include "core/time.h"
#include "protocol/events.h"
#include "protocol/session.h"

namespace shoal::market {

/// When it is, and 32 bytes that nobody could foresee. The shell brings both with each input.
struct Moment {
    Time now;
    std::array<std::uint8_t, 32> entropy{};
};

/// A message that leaves for a provider's session once the batch is durable.
struct ToProvider {
    ProviderId provider;
    protocol::session::FromMarket message;
};

/// What one or more inputs did: facts for the journal, and what may leave once they are durable.
struct Batch {
    std::vector<protocol::Event> events;
    std::vector<ToProvider> messages;
};

}  // namespace shoal::market
