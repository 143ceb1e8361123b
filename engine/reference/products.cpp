#include "engine/reference/products.h"

#include "engine/math/elementwise.h"
#include "engine/reference/rows.h"

namespace shoal::engine::reference {

namespace {

/// The last two axes as a matrix.
Matrix matrix_of(const Tensor& tensor, Index transposed) {
    const Index rows = tensor.sizes().back(1);
    const Index columns = tensor.sizes().back(0);
    const float* data = tensor.read<float>();
    if (transposed != 0) return {data, columns, rows, 1, columns};
    return {data, rows, columns, columns, 1};
}

}  // namespace

Factors factors_of(const OpCall& call) {
    const Matrix a = matrix_of(call.inputs[0], call.attributes.integer("transpose_a"));
    const Matrix b = matrix_of(call.inputs[1], call.attributes.integer("transpose_b"));
    return {call.inputs[0].count() / (a.rows * a.columns), a, b};
}

void multiply(const Matrix& a, const Matrix& b, float* c) {
    for (Index i = 0; i < a.rows; ++i) {
        for (Index j = 0; j < b.columns; ++j) {
            const float* left = a.data + i * a.row_step;
            const float* right = b.data + j * b.column_step;
            Chain chain;
            for (Index k = 0; k < a.columns; ++k) {
                chain.add(k, left[k * a.column_step], right[k * b.row_step]);
            }
            c[i * b.columns + j] = chain.sum();
        }
    }
}

void matmul(const OpCall& call) {
    Factors factors = factors_of(call);
    for (Index batch = 0; batch < factors.batches; ++batch) {
        multiply(factors.a, factors.b, call.y() + batch * factors.a.rows * factors.b.columns);
        factors.a.data += factors.a.rows * factors.a.columns;
        factors.b.data += factors.b.rows * factors.b.columns;
    }
}

float activate(Activation activation, float x) {
    switch (activation) {
        case Activation::none:
            return x;
        case Activation::relu:
            return elementwise::Relu::apply<ScalarLanes>(x, 0, 0);
        case Activation::tanh:
            return engine::tanh<ScalarLanes>(x);
        case Activation::sigmoid:
            return elementwise::sigmoid<ScalarLanes>(x);
    }
    check(false);
    return 0;
}

void linear(const OpCall& call) {
    const Index width = call.inputs[1].size(0);
    const Index depth = call.inputs[1].size(1);
    const Index rows = call.inputs[0].count() / depth;
    multiply({call.x(0), rows, depth, depth, 1}, {call.x(1), depth, width, 1, depth}, call.y());
    finish_linear(call);
}

void finish_linear(const OpCall& call) {
    const Index width = call.inputs[1].size(0);
    const auto activation = static_cast<Activation>(call.attributes.integer("activation"));
    for (Index i = 0; i < call.outputs[0].count(); ++i) {
        float& y = call.y()[i];
        if (call.inputs[2]) y = y + call.x(2)[i % width];
        y = activate(activation, y);
    }
}

}  // namespace shoal::engine::reference
