#pragma once

namespace shoal::engine {

/// Whether this thread computes as the contract wants: to nearest even, subnormals kept. A library
/// built with -ffast-math, or foreign code on this thread, may have changed that.
bool arithmetic_is_right();

}  // namespace shoal::engine
