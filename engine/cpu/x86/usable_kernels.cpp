#include "engine/cpu/sets.h"

namespace shoal::engine::cpu {
namespace {

constexpr const Kernels* all[] = {&scalar_kernels, &avx2_kernels, &avx512_kernels};

// What __builtin_cpu_supports() affirms, the operating system saves as well.
std::size_t count_usable() {
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
    if (!avx2) return 1;
    const bool avx512 =
        __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
        __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512bw") != 0;
    return avx512 ? 3 : 2;
}

}  // namespace

std::span<const Kernels* const> usable_kernels() {
    return std::span(all).first(count_usable());
}

}  // namespace shoal::engine::cpu
