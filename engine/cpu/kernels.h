#pragma once

#include <span>

#include "engine/math/lanes.h"

namespace shoal::engine::cpu {

/// y[i] = f(x[i]) for the op of that name.
struct UnaryKernel {
    const char* op;
    void (*run)(const float* x, float* y, Index count, float p, float q);
};

/// y[i] = f(a[i], b[i]) for the op of that name.
struct PairKernel {
    const char* op;
    void (*run)(const float* a, const float* b, float* y, Index count, float p, float q);
};

/// A part of c = a·b: `rows` by `columns` results, over the whole depth.
struct ProductTile {
    const float* a;
    Index a_row;  // the distance between rows
    Index a_column;
    const float* b;
    Index b_row;
    Index b_column;
    float* c;
    Index c_row;
    Index rows;
    Index columns;
    Index depth;
    float* scratch;
};

struct ProductKernel {
    Index rows;  // the most that a tile has
    Index columns;
    Index scratch_floats;
    void (*run)(const ProductTile&);
};

/// The kernels of one instruction set. Those of two sets differ in speed and in nothing else: each
/// is the same source, whose lanes run over results and never over the terms of a sum.
struct Kernels {
    const char* name;
    std::span<const UnaryKernel> unary;
    std::span<const PairKernel> pairs;
    ProductKernel product;
};

/// The instruction sets that this program has kernels for and this machine can run: scalar first,
/// the fastest last.
std::span<const Kernels* const> usable_kernels();

}  // namespace shoal::engine::cpu
