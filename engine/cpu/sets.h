#pragma once

#include "engine/cpu/kernels.h"

namespace shoal::engine::cpu {

// Each is defined where its source is compiled: CMake leaves out those of the other architecture.
extern const Kernels scalar_kernels;
extern const Kernels avx2_kernels;
extern const Kernels avx512_kernels;
extern const Kernels neon_kernels;

}  // namespace shoal::engine::cpu
