#pragma once

#include <optional>

#include "core/time.h"
#include "market/api/call.h"
#include "market/live.h"
#include "market/market.h"
#include "protocol/api.h"
#include "protocol/api_market.h"
#include "protocol/api_workflow.h"

// How what the market remembers looks to a client.

namespace shoal::market {

protocol::AccountView account_view(const Market&, const Account&);
protocol::KeyView key_view(const ApiKey&);
protocol::JobView job_view(const Market&, const Live&, const Job&);
protocol::TaskView task_view(const Market&, const Live&, const Task&);
protocol::AttemptView attempt_view(const Market&, const Live&, const Attempt&);

/// `account` and `earned` are there only if the client may see what belongs to the account.
protocol::ProviderView provider_view(const Call&, const Provider&);

protocol::WorkflowView workflow_view(const Market&, const Live&, const Workflow&);

/// The value by which an accepted task is ranked; nothing if it is not accepted or has none.
std::optional<double> result_value(const State&, const Job&, const Task&);

/// What the job may cost by the offers of the providers that fit and are online, see Quote.
/// exhausted: a sum does not fit 64 bits.
Result<protocol::Quote> quote_for(const Market&, AccountId, const protocol::JobSpec&);

}  // namespace shoal::market
