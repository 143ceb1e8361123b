#include "engine/cpu/sets.h"

namespace shoal::engine::cpu {
namespace {

constexpr const Kernels* all[] = {&scalar_kernels, &neon_kernels};

}  // namespace

// Every 64-bit ARM has NEON with a fused multiply-add.
std::span<const Kernels* const> usable_kernels() {
    return all;
}

}  // namespace shoal::engine::cpu
