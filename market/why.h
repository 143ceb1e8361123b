#pragma once

#include <string>
#include <vector>

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

/// For a task its own tries, and what its job waits for.
protocol::TaskWhy why(const Market&, TaskId, Time now);

/// What an hour of one of the job's tasks costs at those providers online that are what it asks
/// for, in at most ten steps: the job need not exist yet.
std::vector<protocol::PriceStep> price_steps_for(const Market&, const Job&);

/// What the provider lacks for the tasks that wait, and at what price it would get one.
protocol::ProviderWhy why(const Market&, ProviderId);

/// The job's tasks by state.
protocol::TaskCounts count_tasks(const State&, const Job&);

/// Whose earlier result answered a task.
std::string reuse_sentence(const State&, const Reused&);

/// Where the job stands, in one sentence.
std::string sentence(const Job&, const protocol::TaskCounts&);

}  // namespace shoal::market
