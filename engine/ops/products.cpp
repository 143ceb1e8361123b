#include "engine/reference/products.h"

#include <fmt/format.h>

#include "engine/ops/families.h"
#include "engine/ops/rules.h"
#include "engine/tape.h"

namespace shoal::engine::ops {

namespace {

using reference::Activation;

constexpr Input matrices[] = {{.name = "a", .rank_min = 2}, {.name = "b", .rank_min = 2}};
constexpr Input linear_inputs[] = {
    {.name = "x", .rank_min = 1},
    {.name = "weight", .rank_min = 2, .rank_max = 2},
    {.name = "bias", .rank_min = 1, .rank_max = 1, .presence = Presence::optional},
};

constexpr Param transpose_params[] = {
    {"transpose_a", ParamKind::integer, 0, 1, 0, "1: the rows of a are its last axis"},
    {"transpose_b", ParamKind::integer, 0, 1, 0, "1: the rows of b are its last axis"},
};
constexpr Param linear_params[] = {
    {"activation", ParamKind::integer, 0, 3, 0, "0 none, 1 relu, 2 tanh, 3 sigmoid"},
};

Error misfit(const Form& a, const Form& b) {
    return {Code::invalid,
            fmt::format("{} and {} do not fit each other", to_string(a), to_string(b))};
}

Result<Forms> matmul_form(const Attributes& attributes, InputForms inputs) {
    Dims a = inputs[0].sizes;
    Dims b = inputs[1].sizes;
    const Index rank = a.rank();
    if (b.rank() != rank) return misfit(inputs[0], inputs[1]);
    if (attributes.integer("transpose_a") != 0) std::swap(a[rank - 1], a[rank - 2]);
    if (attributes.integer("transpose_b") != 0) std::swap(b[rank - 1], b[rank - 2]);
    Dims result = a;
    result[rank - 1] = b[rank - 1];
    for (Index axis = 0; axis < rank - 2; ++axis) {
        if (a[axis] != b[axis]) return misfit(inputs[0], inputs[1]);
    }
    if (a[rank - 1] != b[rank - 2]) return misfit(inputs[0], inputs[1]);
    return Forms{{inputs[0].type, result}};
}

Result<Tensor> product(Tape& tape, const Tensor& a, Index transpose_a, const Tensor& b,
                       Index transpose_b) {
    return tape.call("matmul", {a, b},
                     {{"transpose_a", transpose_a}, {"transpose_b", transpose_b}});
}

// Of c = a·b it is da = dc·bᵀ and db = aᵀ·dc; a factor that was turned gets its gradient turned.
Status matmul_gradient(GradientCall& call) {
    const Index turned_a = call.attributes.integer("transpose_a");
    const Index turned_b = call.attributes.integer("transpose_b");
    const Tensor& a = call.inputs[0];
    const Tensor& b = call.inputs[1];
    const Tensor& dc = call.output_gradients[0];
    if (call.wanted[0]) {
        call.input_gradients[0] = turned_a != 0 ? TRY(product(call.tape, b, turned_b, dc, 1))
                                                : TRY(product(call.tape, dc, 0, b, 1 - turned_b));
    }
    if (call.wanted[1]) {
        call.input_gradients[1] = turned_b != 0 ? TRY(product(call.tape, dc, 1, a, turned_a))
                                                : TRY(product(call.tape, a, 1 - turned_a, dc, 0));
    }
    return Done{};
}

double matmul_flops(const Attributes& attributes, InputForms inputs, const Forms& outputs) {
    const Index depth = inputs[0].sizes.back(attributes.integer("transpose_a"));
    return 2.0 * static_cast<double>(outputs[0].sizes.count()) * static_cast<double>(depth);
}

Result<Forms> linear_form(const Attributes&, InputForms inputs) {
    Dims sizes = inputs[0].sizes;
    const Dims& weight = inputs[1].sizes;
    if (sizes.back() != weight[1]) return misfit(inputs[0], inputs[1]);
    const Dims& bias = inputs[2].sizes;
    if (!bias.empty() && bias[0] != weight[0]) return misfit(inputs[1], inputs[2]);
    sizes[sizes.rank() - 1] = weight[0];
    return Forms{{inputs[0].type, sizes}};
}

/// The gradient before the activation, from the result after it.
Result<Tensor> before_activation(GradientCall& call) {
    const Tensor& dy = call.output_gradients[0];
    const Tensor& y = call.outputs[0];
    switch (static_cast<Activation>(call.attributes.integer("activation"))) {
        case Activation::none:
            return dy;
        case Activation::relu:
            return call.tape.call("relu_gradient", {dy, y});
        case Activation::tanh:
            return call.tape.call("tanh_gradient", {dy, y});
        case Activation::sigmoid:
            return call.tape.call("sigmoid_gradient", {dy, y});
    }
    check(false);
    return dy;
}

Status linear_gradient(GradientCall& call) {
    const Index width = call.inputs[1].size(0);
    const Index depth = call.inputs[1].size(1);
    const Index rows = call.inputs[0].count() / depth;
    const Tensor before = TRY(before_activation(call));
    const Tensor dy = TRY(call.tape.call("reshape", {before}, {{"sizes", Dims{rows, width}}}));
    if (call.wanted[0]) {
        const Tensor dx = TRY(product(call.tape, dy, 0, call.inputs[1], 0));
        call.input_gradients[0] =
            TRY(call.tape.call("reshape", {dx}, {{"sizes", call.inputs[0].sizes()}}));
    }
    if (call.wanted[1]) {
        const Tensor x =
            TRY(call.tape.call("reshape", {call.inputs[0]}, {{"sizes", Dims{rows, depth}}}));
        call.input_gradients[1] = TRY(product(call.tape, dy, 1, x, 0));
    }
    if (call.wanted[2]) {
        call.input_gradients[2] = TRY(sum_to(call.tape, dy, call.inputs[2].sizes()));
    }
    return Done{};
}

double linear_flops(const Attributes&, InputForms inputs, const Forms& outputs) {
    const auto results = static_cast<double>(outputs[0].sizes.count());
    return results * (2.0 * static_cast<double>(inputs[1].sizes[1]) + 1.0);
}

constexpr OpRow rows[] = {
    {"matmul", "The product of matrices, one pair for each place of the leading axes.", matrices,
     transpose_params, matmul_form, reference::matmul, matmul_gradient, matmul_flops, nullptr,
     "MatMul"},
    {"linear", "activation(x·weightᵀ + bias).", linear_inputs, linear_params, linear_form,
     reference::linear, linear_gradient, linear_flops, nullptr, "Gemm"},
};

}  // namespace

std::span<const OpRow> products() {
    return rows;
}

}  // namespace shoal::engine::ops
