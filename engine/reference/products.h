#pragma once

#include "engine/op.h"

namespace shoal::engine::reference {

/// A matrix whose elements lie at `data[row · row_step + column · column_step]`.
struct Matrix {
    const float* data;
    Index rows;
    Index columns;
    Index row_step;
    Index column_step;
};

/// The matrices of a call of matmul, as its parameters turn them.
struct Factors {
    Index batches;
    Matrix a;
    Matrix b;
};
Factors factors_of(const OpCall&);

/// c = a·b, packed: each element is one Chain over k.
void multiply(const Matrix& a, const Matrix& b, float* c);

void matmul(const OpCall&);
void linear(const OpCall&);

/// What linear may do with each result: the values of its parameter `activation`.
enum class Activation { none, relu, tanh, sigmoid };
float activate(Activation, float);

/// The part of linear after the product: bias, then activation, for the results that are there.
void finish_linear(const OpCall&);

}  // namespace shoal::engine::reference
