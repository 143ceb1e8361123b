#include "engine/reference/shapes.h"

#include <algorithm>

#include "engine/reference/places.h"

namespace shoal::engine::reference {

void pack(const OpCall& call) {
    const Tensor& x = call.inputs[0];
    for (Index i = 0; i < x.count(); ++i) {
        call.y()[i] = x.read<float>()[offset_of(i, x.sizes(), x.strides())];
    }
}

void stretch(const OpCall& call) {
    const Dims& sizes = call.outputs[0].sizes();
    const Dims steps = steps_into(call.inputs[0].sizes(), sizes);
    for (Index i = 0; i < call.outputs[0].count(); ++i) {
        call.y()[i] = call.x(0)[offset_of(i, sizes, steps)];
    }
}

void pad(const OpCall& call) {
    const Dims& from = call.inputs[0].sizes();
    const Index axis = call.attributes.integer("axis");
    const Index inner = from.count(axis + 1, from.rank());
    const Index row = from[axis] * inner;
    const Index wide_row = call.outputs[0].size(axis) * inner;
    std::fill_n(call.y(), call.outputs[0].count(), call.attributes.real("with"));
    for (Index outer = 0; outer < from.count(0, axis); ++outer) {
        std::copy_n(call.x(0) + outer * row, row,
                    call.y() + outer * wide_row + call.attributes.integer("before") * inner);
    }
}

void concat(const OpCall& call) {
    const Dims& sizes = call.outputs[0].sizes();
    const Index axis = call.attributes.integer("axis");
    const Index inner = sizes.count(axis + 1, sizes.rank());
    for (Index outer = 0; outer < sizes.count(0, axis); ++outer) {
        float* to = call.y() + outer * sizes[axis] * inner;
        for (std::size_t i = 0; i < call.inputs.size(); ++i) {
            const Index row = call.inputs[i].size(axis) * inner;
            to = std::copy_n(call.x(i) + outer * row, row, to);
        }
    }
}

void embedding(const OpCall& call) {
    const Index width = call.inputs[0].size(1);
    for (Index i = 0; i < call.inputs[1].count(); ++i) {
        const Index row = call.inputs[1].read<std::int32_t>()[i];
        std::copy_n(call.x(0) + row * width, width, call.y() + i * width);
    }
}

// For each row one chain from +0 over the places that named it, in ascending order.
void embedding_gradient(const OpCall& call) {
    const Index width = call.outputs[0].size(1);
    std::fill_n(call.y(), call.outputs[0].count(), 0.0F);
    for (Index i = 0; i < call.inputs[1].count(); ++i) {
        const Index row = call.inputs[1].read<std::int32_t>()[i];
        for (Index column = 0; column < width; ++column) {
            float& sum = call.y()[row * width + column];
            sum = sum + call.x(0)[i * width + column];
        }
    }
}

}  // namespace shoal::engine::reference
