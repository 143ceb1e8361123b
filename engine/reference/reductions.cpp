#include "engine/reference/reductions.h"

#include <algorithm>

#include "engine/reference/places.h"
#include "engine/reference/rows.h"

namespace shoal::engine::reference {

namespace {

/// The rows along the axis that a call reduces: row number r begins at `begin(r)`.
struct Rows {
    Index size;   // elements of a row
    Index step;   // from one to the next
    Index count;  // rows

    explicit Rows(const OpCall& call, std::size_t input = 0) {
        const Dims& sizes = call.inputs[input].sizes();
        const Index axis = call.attributes.integer("axis");
        size = sizes[axis];
        step = sizes.count(axis + 1, sizes.rank());
        count = sizes.count() / size;
    }

    Index begin(Index row) const { return row / step * step * size + row % step; }
};

/// The place of the greatest in a row; of equals the first.
Index place_of_max(const float* row, const Rows& rows) {
    Index best = 0;
    for (Index i = 1; i < rows.size; ++i) {
        if (row[i * rows.step] > row[best * rows.step]) best = i;
    }
    return best;
}

}  // namespace

void sum(const OpCall& call) {
    const Rows rows(call);
    for (Index row = 0; row < rows.count; ++row) {
        call.y()[row] = row_sum(call.x(0) + rows.begin(row), rows.step, rows.size);
    }
}

void mean(const OpCall& call) {
    const Rows rows(call);
    for (Index row = 0; row < rows.count; ++row) {
        const float whole = row_sum(call.x(0) + rows.begin(row), rows.step, rows.size);
        call.y()[row] = whole / static_cast<float>(rows.size);
    }
}

void max(const OpCall& call) {
    const Rows rows(call);
    for (Index row = 0; row < rows.count; ++row) {
        const float* first = call.x(0) + rows.begin(row);
        call.y()[row] = first[place_of_max(first, rows) * rows.step];
    }
}

void max_gradient(const OpCall& call) {
    const Rows rows(call, 1);
    std::fill_n(call.y(), call.outputs[0].count(), 0.0F);
    for (Index row = 0; row < rows.count; ++row) {
        const Index begin = rows.begin(row);
        const Index best = place_of_max(call.x(1) + begin, rows);
        call.y()[begin + best * rows.step] = call.x(0)[row];
    }
}

void argmax(const OpCall& call) {
    const Rows rows(call);
    for (Index row = 0; row < rows.count; ++row) {
        const Index best = place_of_max(call.x(0) + rows.begin(row), rows);
        call.outputs[0].write<std::int32_t>()[row] = static_cast<std::int32_t>(best);
    }
}

// The terms of a result are what was stretched onto it, numbered in the order in which they lie.
void sum_to(const OpCall& call) {
    const Dims& wide = call.inputs[0].sizes();
    const Dims steps = steps_into(call.outputs[0].sizes(), wide);
    Dims kept = wide;
    Dims folded = wide;
    for (Index axis = 0; axis < wide.rank(); ++axis) {
        (steps[axis] == 0 ? kept : folded)[axis] = 1;
    }
    const Dims wide_steps = steps_into(wide, wide);
    for (Index place = 0; place < kept.count(); ++place) {
        const float* first = call.x(0) + offset_of(place, kept, wide_steps);
        Chain chain;
        for (Index term = 0; term < folded.count(); ++term) {
            chain.add(term, 1.0F, first[offset_of(term, folded, wide_steps)]);
        }
        call.y()[place] = chain.sum();
    }
}

}  // namespace shoal::engine::reference
