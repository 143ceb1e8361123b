#pragma once

#include "core/result.h"
#include "protocol/session.h"

namespace shoal::provider {

/// Whether an order is one that could come from a valid job. The market is not trusted with our
/// paths and limits: what it sends is checked like a buyer's job.
/// invalid: the field, what was expected and what came.
Status check_order(const protocol::session::Order&);

}  // namespace shoal::provider
