#pragma once

#include "engine/dims.h"

namespace shoal::engine::reference {

/// The distances between elements of a packed tensor of sizes `from`, as the result of sizes `to`
/// walks over it: 0 where one element stands for a whole axis. The last axes are matched.
Dims steps_into(const Dims& from, const Dims& to);

/// How far the element number `place` of a tensor of such sizes is from its first, by those steps.
Index offset_of(Index place, const Dims& sizes, const Dims& steps);

}  // namespace shoal::engine::reference
