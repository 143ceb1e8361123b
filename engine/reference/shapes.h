#pragma once

#include "engine/op.h"

namespace shoal::engine::reference {

void pack(const OpCall&);
void stretch(const OpCall&);
void pad(const OpCall&);
void concat(const OpCall&);
void embedding(const OpCall&);
void embedding_gradient(const OpCall&);

}  // namespace shoal::engine::reference
