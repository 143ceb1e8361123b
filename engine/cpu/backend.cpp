#include "engine/cpu/backend.h"

#include <algorithm>

#include "engine/reference/products.h"

namespace shoal::engine::cpu {

namespace {

// A tile of an element-wise op takes some ten microseconds, far longer than to claim it.
constexpr Index elements_per_tile = 16'384;

// Below so many multiply-adds a product is done before another thread has woken.
constexpr double small_product = 40'000;

constexpr std::size_t line_floats = 16;  // of a cache line

template <class Kernel>
const Kernel* kernel_of(std::span<const Kernel> kernels, std::string_view op) {
    for (const Kernel& kernel : kernels) {
        if (op == kernel.op) return &kernel;
    }
    return nullptr;
}

Index tiles_of(Index count, Index per_tile) {
    return (count + per_tile - 1) / per_tile;
}

}  // namespace

/// A product and how far its factors and results lie apart from one batch to the next.
struct CpuBackend::Product {
    reference::Matrix a;
    reference::Matrix b;
    float* c;
};

CpuBackend::CpuBackend(const Kernels& kernels, Pool& pool)
    : kernels_(kernels),
      pool_(pool),
      scratch_(static_cast<std::size_t>(pool.threads()) *
                   static_cast<std::size_t>(kernels.product.scratch_floats) +
               line_floats) {}

/// Aligned to a cache line.
float* CpuBackend::scratch(int slot) {
    const auto address = reinterpret_cast<std::uintptr_t>(scratch_.data()) / sizeof(float);
    const std::size_t skipped = (line_floats - address % line_floats) % line_floats;
    return scratch_.data() + skipped + slot * kernels_.product.scratch_floats;
}

void CpuBackend::run(const OpRow& row, const OpCall& call) {
    const std::string_view name = row.name;
    if (name == "matmul") return run_matmul(call);
    if (name == "linear") return run_linear(call);
    if (run_unary(row, call) || run_pair(row, call)) return;
    row.reference(call);
}

bool CpuBackend::run_unary(const OpRow& row, const OpCall& call) {
    const UnaryKernel* kernel = kernel_of(kernels_.unary, row.name);
    if (kernel == nullptr) return false;
    const float* x = call.x(0);
    float* y = call.y();
    const Index count = call.outputs[0].count();
    const float p = call.attributes.real_at(0);
    const float q = call.attributes.real_at(1);
    pool_.run(tiles_of(count, elements_per_tile), [&](Index tile, int) {
        const Index first = tile * elements_per_tile;
        const Index size = std::min(elements_per_tile, count - first);
        kernel->run(x + first, y + first, size, p, q);
    });
    return true;
}

bool CpuBackend::run_pair(const OpRow& row, const OpCall& call) {
    const PairKernel* kernel = kernel_of(kernels_.pairs, row.name);
    const bool alike = kernel != nullptr && call.inputs[0].sizes() == call.inputs[1].sizes();
    if (!alike) return false;
    const float* a = call.x(0);
    const float* b = call.x(1);
    float* y = call.y();
    const Index count = call.outputs[0].count();
    const float p = call.attributes.real_at(0);
    const float q = call.attributes.real_at(1);
    pool_.run(tiles_of(count, elements_per_tile), [&](Index tile, int) {
        const Index first = tile * elements_per_tile;
        const Index size = std::min(elements_per_tile, count - first);
        kernel->run(a + first, b + first, y + first, size, p, q);
    });
    return true;
}

void CpuBackend::multiply(const Product& product, Index batches) {
    const ProductKernel& kernel = kernels_.product;
    const Index rows = product.a.rows;
    const Index columns = product.b.columns;
    const Index depth = product.a.columns;
    const Index down = tiles_of(rows, kernel.rows);
    const Index across = tiles_of(columns, kernel.columns);
    const auto work = [&](Index tile, int slot) {
        const Index batch = tile / (down * across);
        const Index i = tile / across % down * kernel.rows;
        const Index j = tile % across * kernel.columns;
        const float* a = product.a.data + batch * rows * depth;
        const float* b = product.b.data + batch * depth * columns;
        float* c = product.c + batch * rows * columns;
        kernel.run({a + i * product.a.row_step, product.a.row_step, product.a.column_step,
                    b + j * product.b.column_step, product.b.row_step, product.b.column_step,
                    c + i * columns + j, columns, std::min(kernel.rows, rows - i),
                    std::min(kernel.columns, columns - j), depth, scratch(slot)});
    };
    const Index tiles = batches * down * across;
    const double size = static_cast<double>(rows) * static_cast<double>(columns) *
                        static_cast<double>(depth) * static_cast<double>(batches);
    if (size >= small_product) return pool_.run(tiles, work);
    for (Index tile = 0; tile < tiles; ++tile) work(tile, 0);
}

void CpuBackend::run_matmul(const OpCall& call) {
    const reference::Factors factors = reference::factors_of(call);
    multiply({factors.a, factors.b, call.y()}, factors.batches);
}

void CpuBackend::run_linear(const OpCall& call) {
    const Tensor& weight = call.inputs[1];
    const Index width = weight.size(0);
    const Index depth = weight.size(1);
    const Index rows = call.inputs[0].count() / depth;
    multiply({{call.x(0), rows, depth, depth, 1}, {call.x(1), depth, width, 1, depth}, call.y()},
             1);
    reference::finish_linear(call);
}

}  // namespace shoal::engine::cpu
