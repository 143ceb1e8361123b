#pragma once

#include <string_view>

namespace shoal::apps {

/// This program's release, which is the version of the CMake project.
extern const std::string_view release;

}  // namespace shoal::apps
