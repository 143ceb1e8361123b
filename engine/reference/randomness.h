#pragma once

#include "engine/op.h"

namespace shoal::engine::reference {

void dropout(const OpCall&);

}  // namespace shoal::engine::reference
