#pragma once

#include <cstdint>

namespace shoal::engine {

/// A size, a place or a distance in elements. Signed, since distances and borders are.
using Index = std::int64_t;

}  // namespace shoal::engine
