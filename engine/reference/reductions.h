#pragma once

#include "engine/op.h"

namespace shoal::engine::reference {

void sum(const OpCall&);
void mean(const OpCall&);
void max(const OpCall&);
void max_gradient(const OpCall&);
void argmax(const OpCall&);
void sum_to(const OpCall&);

}  // namespace shoal::engine::reference
