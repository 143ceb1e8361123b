#pragma once

#include <string_view>

#include "core/json.h"

namespace shoal::io::yaml {

/// The value of a scalar without quotes by YAML 1.2's core schema: null, true, 12, 0x1f, 1e-4;
/// all else is text. Numbers that JSON has no form for are text of core/json's: "NaN", "Infinity".
json::Value plain_scalar(std::string_view text);

}  // namespace shoal::io::yaml
