#pragma once

#include "core/time.h"
#include "market/state.h"

namespace shoal::market {

/// How long a live attempt may stay in its phase before its lease is renewed no more: a provider
/// that goes on saying that it is alive, but never ends, would hold up the task for ever.
///
/// Fetching and uploading have time for what is to be moved at limits::slowest_transfer, running
/// has the attempt's own time and grace; each has limits::phase_slack more.
Time phase_due(const Attempt&, const protocol::JobSpec&);

/// What to say of an attempt whose phase is overdue.
protocol::Reason overdue_reason(Phase);

}  // namespace shoal::market
