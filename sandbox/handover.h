#pragma once

#include <map>
#include <string>

#include "core/result.h"
#include "sandbox/system.h"

namespace shoal::sandbox {

/// The values of secrets by name, on their way from a provider to the shim of an attempt.
using Secrets = std::map<std::string, std::string>;

/// Where a shim finds them.
constexpr int secrets_descriptor = 3;

/// A file that has no name and lies in memory, to be read from its beginning.
Result<Fd> hand_over(const Secrets&);

/// Reads what was handed over and closes it. invalid: it is not that.
Result<Secrets> take_over(Fd file);

}  // namespace shoal::sandbox
