#pragma once

#include <string>

#include "core/result.h"
#include "protocol/attempt.h"

namespace shoal::sandbox {

/// The two described files of an attempt's folder. Both are put in place whole.
Status write_attempt(const std::string& folder, const protocol::AttemptSpec&);
Status write_outcome(const std::string& folder, const protocol::AttemptOutcome&);

/// not_found: there is none yet. invalid: it is not what it should be.
Result<protocol::AttemptSpec> read_attempt(const std::string& folder);
Result<protocol::AttemptOutcome> read_outcome(const std::string& folder);

}  // namespace shoal::sandbox
