#pragma once

#include "engine/op.h"

namespace shoal::engine::reference {

void sgd_step(const OpCall&);
void adam_step(const OpCall&);
void rmsprop_step(const OpCall&);
void square_sum(const OpCall&);
void clip_factor(const OpCall&);

}  // namespace shoal::engine::reference
