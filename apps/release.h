#pragma once

#include <string_view>

namespace shoal::apps {

constexpr std::string_view release = "0.1.0";

}  // namespace shoal::apps
