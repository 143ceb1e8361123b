#pragma once

#include <vector>

#include "engine/math/elementwise.h"
#include "engine/op.h"
#include "engine/reference/rows.h"

namespace shoal::engine::reference {

void cross_entropy(const OpCall&);
void cross_entropy_gradient(const OpCall&);

// The losses that are a mean over elements: what one element adds, and its slope by x. `p` is the
// op's parameter.

struct SquaredError {
    static float value(float x, float t, float) { return (x - t) * (x - t); }
    static float slope(float x, float t, float) { return 2.0F * (x - t); }
};

struct AbsoluteError {
    static float value(float x, float t, float) { return magnitude<ScalarLanes>(x - t); }
    static float slope(float x, float t, float) {
        const float away = x - t;
        return away > 0 ? 1.0F : (away < 0 ? -1.0F : 0.0F);
    }
};

/// Half the square up to p away, a line beyond.
struct Huber {
    static float value(float x, float t, float p) {
        const float away = magnitude<ScalarLanes>(x - t);
        return away > p ? p * (away - 0.5F * p) : (0.5F * away) * away;
    }
    static float slope(float x, float t, float p) {
        const float away = x - t;
        return away > p ? p : (away < -p ? -p : away);
    }
};

/// max(x, 0) - x·t + log(1 + e^-|x|), of a logit x and a target t from 0 to 1.
struct BinaryCrossEntropy {
    static float value(float x, float t, float) {
        const float small = exp<ScalarLanes>(0.0F - magnitude<ScalarLanes>(x));
        return ((x > 0 ? x : 0.0F) - x * t) + log<ScalarLanes>(1.0F + small);
    }
    static float slope(float x, float t, float) { return elementwise::sigmoid<ScalarLanes>(x) - t; }
};

template <class Loss>
void mean_loss(const OpCall& call) {
    const Index count = call.inputs[0].count();
    const float p = call.attributes.real_at(0);
    std::vector<float> each(static_cast<std::size_t>(count));
    for (Index i = 0; i < count; ++i) each.data()[i] = Loss::value(call.x(0)[i], call.x(1)[i], p);
    *call.y() = row_sum(each.data(), 1, count) / static_cast<float>(count);
}

/// Inputs: the gradient of the loss, x, t.
template <class Loss>
void mean_loss_gradient(const OpCall& call) {
    const Index count = call.inputs[1].count();
    const float p = call.attributes.real_at(0);
    for (Index i = 0; i < count; ++i) {
        const float slope = Loss::slope(call.x(1)[i], call.x(2)[i], p);
        call.y()[i] = (slope / static_cast<float>(count)) * *call.x(0);
    }
}

}  // namespace shoal::engine::reference
