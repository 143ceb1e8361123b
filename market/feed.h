#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/id.h"
#include "core/result.h"
#include "core/time.h"
#include "market/market.h"
#include "protocol/api_market.h"
#include "protocol/events.h"
#include "protocol/session.h"

namespace shoal::market {

// The live feed: what each principal may know of the journal's events. A buyer sees its own jobs
// and money, a provider's account its providers, their attempts and earnings, an operator
// everything. Secrets (even hashed), job files and stored answers are never told, renewals are
// not worth telling.

/// What a client of the feed asked for: one job's items, items whose names begin so, and only what
/// the journal has after a sequence number.
struct FeedFilter {
    std::uint64_t after = 0;
    std::optional<JobId> job;
    std::string name;
};

/// The filter of a query: job, name, after. invalid: another parameter, or a bad value.
Result<FeedFilter> read_feed_filter(const std::map<std::string, std::string>& query);

bool passes(const FeedFilter&, const protocol::FeedItem&);

/// An item in the making, and whose business it is; an empty `parties` is the operator's alone. It
/// is made once for all who listen.
struct FeedDraft {
    protocol::FeedItem item;
    std::set<AccountId> parties;
};

bool may_see(const Principal&, const FeedDraft&);

/// Of an event that was applied; nothing if it is not told.
std::optional<FeedDraft> feed_draft(const State&, std::uint64_t sequence, const protocol::Event&);

/// Of what a running attempt says.
std::vector<FeedDraft> feed_drafts(const State&, const protocol::session::Said&, Time now);

/// What the principal may know of an event that was applied; nothing if it is not its business.
std::optional<protocol::FeedItem> feed_item(const State&, const Principal&, std::uint64_t sequence,
                                            const protocol::Event&);

/// The items of what a running attempt says; they come once and have no sequence number.
std::vector<protocol::FeedItem> feed_items(const State&, const Principal&,
                                           const protocol::session::Said&, Time now);

}  // namespace shoal::market
