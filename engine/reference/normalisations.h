#pragma once

#include "engine/op.h"

namespace shoal::engine::reference {

void softmax(const OpCall&);
void softmax_gradient(const OpCall&);
void log_softmax(const OpCall&);
void log_softmax_gradient(const OpCall&);
void layer_norm(const OpCall&);
void layer_norm_gradient(const OpCall&);
void rms_norm(const OpCall&);
void rms_norm_gradient(const OpCall&);
void batch_norm(const OpCall&);
void batch_norm_gradient(const OpCall&);

/// e^(x - max) of a row into `e`, their sum, and the max.
struct SoftRow {
    float max;
    float sum;
};
SoftRow soft_row(const float* x, float* e, Index count);

}  // namespace shoal::engine::reference
