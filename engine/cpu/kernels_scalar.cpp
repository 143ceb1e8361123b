#include "engine/cpu/sets.h"

namespace shoal::engine::cpu {
namespace {
using KernelLanes = ScalarLanes;
}  // namespace
}  // namespace shoal::engine::cpu

#include "engine/cpu/elementwise.inc"
#include "engine/cpu/product.inc"

namespace shoal::engine::cpu {

constexpr Kernels scalar_kernels{"scalar", UnaryTable<elementwise::Unary>::rows,
                                 PairTable<elementwise::Pairs>::rows, product_kernel};

}  // namespace shoal::engine::cpu
