#pragma once

#include <string>

#include "core/id.h"
#include "core/time.h"
#include "market/market.h"
#include "protocol/api_market.h"

namespace shoal::market {

// Answers to "why does nothing happen?" and "why did it end like this?", from what the market
// knows and nothing else. The ids must exist.

/// For an open job which providers pass each requirement and what stands in its way; for one that
/// has ended the reason, whose fault it was and who paid.
protocol::JobWhy why(const Market&, JobId, Time now);

/// What the provider lacks for the tasks that wait.
protocol::ProviderWhy why(const Market&, ProviderId);

/// The job's tasks by state.
protocol::TaskCounts count_tasks(const State&, const Job&);

/// Where the job stands, in one sentence.
std::string sentence(const Job&, const protocol::TaskCounts&);

}  // namespace shoal::market
