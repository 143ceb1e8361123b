#pragma once

#include <optional>

#include "core/result.h"
#include "market/api/call.h"

namespace shoal::market {

// Idempotency-Key, for POST: per account and route, for 24 hours. Only what went well is
// remembered: a refusal has done nothing, so the request may simply be tried again.

/// The first answer to a repetition; nothing: this one is the first. conflict: the key came with
/// another request. invalid: it is no key.
Result<std::optional<ApiAnswer>> earlier_answer(const Call&);

/// Notes the answer, without the secret of a new key.
void remember(const Call&, const ApiAnswer&);

}  // namespace shoal::market
