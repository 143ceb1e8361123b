#pragma once

#include <optional>

#include "core/lamports.h"
#include "core/result.h"
#include "core/time.h"
#include "ledger/price.h"
#include "market/index.h"
#include "market/state.h"

namespace shoal::market {

/// What a lease may use of its job's hold, and how long it may run for that.
struct Allowance {
    Lamports reserve;
    Duration time_max{};
};

ledger::Footprint footprint(const protocol::Resources&);

/// What an hour of one task costs at this price, with the start, rounded up.
/// exhausted: it does not fit.
Result<Lamports> hourly(const protocol::Price&, const protocol::Resources&);

/// Whether it has room for it now.
bool has_room(const protocol::Offer&, const Usage&, const protocol::Resources&);

/// Whether the price keeps to the job's cap for an hour.
bool within_cap(const protocol::Price&, const protocol::JobSpec&);

/// What the next lease of the job may use at this price: enough for the whole time limit, or an
/// equal share of what is left for the tasks that have no lease. Nothing if that buys less than
/// `time_min` (or less than the time limit, if that is shorter).
std::optional<Allowance> allowance(const Job&, std::size_t tasks_waiting, const protocol::Price&,
                                   Duration time_min);

/// The time of the attempt that is billed if it ends now: by the market's clock, from the start of
/// its process, and never more than it was allowed.
Duration billed(const Attempt&, Time now);

}  // namespace shoal::market
