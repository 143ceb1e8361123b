#include "engine/reference/places.h"

namespace shoal::engine::reference {

Dims steps_into(const Dims& from, const Dims& to) {
    Dims steps = to;
    Index step = 1;
    for (Index i = 0; i < to.rank(); ++i) {
        const Index axis = to.rank() - 1 - i;
        const Index size = i < from.rank() ? from.back(i) : 1;
        steps[axis] = size == 1 ? 0 : step;
        step *= size;
    }
    return steps;
}

Index offset_of(Index place, const Dims& sizes, const Dims& steps) {
    Index offset = 0;
    for (Index axis = sizes.rank() - 1; axis >= 0; --axis) {
        offset += place % sizes[axis] * steps[axis];
        place /= sizes[axis];
    }
    return offset;
}

}  // namespace shoal::engine::reference
