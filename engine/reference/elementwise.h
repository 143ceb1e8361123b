#pragma once

#include "engine/math/elementwise_pairs.h"
#include "engine/op.h"
#include "engine/reference/places.h"

namespace shoal::engine::reference {

template <class Function>
void unary(const OpCall& call) {
    const float p = call.attributes.real_at(0);
    const float q = call.attributes.real_at(1);
    for (Index i = 0; i < call.outputs[0].count(); ++i) {
        call.y()[i] = Function::template apply<ScalarLanes>(call.x(0)[i], p, q);
    }
}

/// Sizes of 1 are stretched, as are axes that are missing in front.
template <class Function>
void pair(const OpCall& call) {
    const Dims& sizes = call.outputs[0].sizes();
    const Dims a_steps = steps_into(call.inputs[0].sizes(), sizes);
    const Dims b_steps = steps_into(call.inputs[1].sizes(), sizes);
    const float p = call.attributes.real_at(0);
    const float q = call.attributes.real_at(1);
    for (Index i = 0; i < call.outputs[0].count(); ++i) {
        const float a = call.x(0)[offset_of(i, sizes, a_steps)];
        const float b = call.x(1)[offset_of(i, sizes, b_steps)];
        call.y()[i] = Function::template apply<ScalarLanes>(a, b, p, q);
    }
}

}  // namespace shoal::engine::reference
