#include "engine/reference/updates.h"

#include <cmath>

#include "engine/reference/rows.h"

namespace shoal::engine::reference {

// g = fma(decay, w, g); m = fma(momentum, m, g); u = m, or fma(momentum, m, g) with Nesterov's
// rule; w = fma(-rate, u, w).
void sgd_step(const OpCall& call) {
    const float* rates = call.x(3);
    const float rate = rates[0];
    const float momentum = rates[1];
    const float decay = rates[2];
    const bool nesterov = call.attributes.integer("nesterov") != 0;
    for (Index i = 0; i < call.outputs[0].count(); ++i) {
        const float w = call.x(0)[i];
        const float g = std::fma(decay, w, call.x(1)[i]);
        const float m = std::fma(momentum, call.x(2)[i], g);
        const float step = nesterov ? std::fma(momentum, m, g) : m;
        call.y(0)[i] = std::fma(-rate, step, w);
        call.y(1)[i] = m;
    }
}

// g = fma(decay, w, g); m = fma(β₁, m, (1-β₁)·g); v = fma(β₂, v, ((1-β₂)·g)·g);
// w = w·d - (a·m) / (√(v·b) + eps).
void adam_step(const OpCall& call) {
    const float* rates = call.x(4);
    const float beta1 = rates[0];
    const float rest1 = rates[1];
    const float beta2 = rates[2];
    const float rest2 = rates[3];
    const float a = rates[4];
    const float b = rates[5];
    const float kept = rates[6];
    const float decay = rates[7];
    const float eps = rates[8];
    for (Index i = 0; i < call.outputs[0].count(); ++i) {
        const float w = call.x(0)[i];
        const float g = std::fma(decay, w, call.x(1)[i]);
        const float m = std::fma(beta1, call.x(2)[i], rest1 * g);
        const float v = std::fma(beta2, call.x(3)[i], (rest2 * g) * g);
        call.y(0)[i] = w * kept - (a * m) / (std::sqrt(v * b) + eps);
        call.y(1)[i] = m;
        call.y(2)[i] = v;
    }
}

// g = fma(decay, w, g); v = fma(α, v, ((1-α)·g)·g); m = fma(momentum, m, g / (√v + eps));
// w = fma(-rate, m, w).
void rmsprop_step(const OpCall& call) {
    const float* rates = call.x(4);
    const float rate = rates[0];
    const float momentum = rates[1];
    const float decay = rates[2];
    const float alpha = rates[3];
    const float rest = rates[4];
    const float eps = rates[5];
    for (Index i = 0; i < call.outputs[0].count(); ++i) {
        const float w = call.x(0)[i];
        const float g = std::fma(decay, w, call.x(1)[i]);
        const float v = std::fma(alpha, call.x(3)[i], (rest * g) * g);
        const float m = std::fma(momentum, call.x(2)[i], g / (std::sqrt(v) + eps));
        call.y(0)[i] = std::fma(-rate, m, w);
        call.y(1)[i] = m;
        call.y(2)[i] = v;
    }
}

void square_sum(const OpCall& call) {
    const Index count = call.inputs[0].count();
    *call.y() = row_dot(call.x(0), 1, call.x(0), 1, count);
}

// The factor is never above 1; the norm gets a little more, so that it is never divided by zero.
void clip_factor(const OpCall& call) {
    const float norm = std::sqrt(*call.x(0));
    const float factor = call.attributes.real("norm") / (norm + 1e-6F);
    *call.y() = factor < 1.0F ? factor : 1.0F;
}

}  // namespace shoal::engine::reference
