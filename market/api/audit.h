#pragma once

#include "market/api/api.h"
#include "market/api/call.h"

namespace shoal::market {

/// Notes a request that changed something, if an operator's key made it: when, which key, what, on
/// whom. The ids in its path are its subject, and that of what it made. Its body and query are told
/// where the route says that they hold no secret.
void note_action(const Call&, const ApiAnswer&);

}  // namespace shoal::market
