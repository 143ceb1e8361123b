#include "engine/reference/elementwise.h"

#include "engine/ops/families.h"
#include "engine/ops/rules.h"
#include "engine/tape.h"

namespace shoal::engine::ops {

namespace {

namespace e = elementwise;

constexpr Input any_x[] = {{.name = "x"}};
constexpr Input positive_x[] = {{.name = "x", .domain = Domain::positive}};
constexpr Input smooth_x[] = {{.name = "x", .domain = Domain::not_zero}};
constexpr Input a_and_b[] = {{.name = "a"}, {.name = "b"}};
constexpr Input a_over_b[] = {{.name = "a"}, {.name = "b", .domain = Domain::not_zero}};
constexpr Input dy_and_x[] = {{.name = "dy"}, {.name = "x"}};
constexpr Input dy_and_y[] = {{.name = "dy"}, {.name = "y"}};

constexpr Param scale_params[] = {
    {"by", ParamKind::real, -1e30, 1e30, 1, "what each element is multiplied by"},
    {"plus", ParamKind::real, -1e30, 1e30, 0, "what is added to the product"},
};
constexpr Param clamp_params[] = {
    {"low", ParamKind::real, -1e30, 1e30, -1, "what is less becomes this"},
    {"high", ParamKind::real, -1e30, 1e30, 1, "what is greater becomes this"},
};
constexpr Param slope_params[] = {
    {"slope", ParamKind::real, 0, 1, 0.01, "the factor of what is not above zero"},
};

/// dx = Op(dy, x).
template <class Op>
Status by_input(GradientCall& call) {
    call.input_gradients[0] =
        TRY(call.tape.call(Op::name, {call.output_gradients[0], call.inputs[0]}));
    return Done{};
}

/// dx = Op(dy, y).
template <class Op>
Status by_output(GradientCall& call) {
    call.input_gradients[0] =
        TRY(call.tape.call(Op::name, {call.output_gradients[0], call.outputs[0]}));
    return Done{};
}

Status log_gradient(GradientCall& call) {
    call.input_gradients[0] =
        TRY(call.tape.call("divide", {call.output_gradients[0], call.inputs[0]}));
    return Done{};
}

Status sin_gradient(GradientCall& call) {
    const Tensor slope = TRY(call.tape.call("cos", {call.inputs[0]}));
    call.input_gradients[0] = TRY(call.tape.call("multiply", {call.output_gradients[0], slope}));
    return Done{};
}

Status cos_gradient(GradientCall& call) {
    const Tensor sine = TRY(call.tape.call("sin", {call.inputs[0]}));
    const Tensor slope = TRY(call.tape.call("negate", {sine}));
    call.input_gradients[0] = TRY(call.tape.call("multiply", {call.output_gradients[0], slope}));
    return Done{};
}

Status sqrt_gradient(GradientCall& call) {
    const Tensor half = TRY(call.tape.call("scale", {call.output_gradients[0]}, {{"by", 0.5F}}));
    call.input_gradients[0] = TRY(call.tape.call("divide", {half, call.outputs[0]}));
    return Done{};
}

Status negate_gradient(GradientCall& call) {
    call.input_gradients[0] = TRY(call.tape.call("negate", {call.output_gradients[0]}));
    return Done{};
}

Status scale_gradient(GradientCall& call) {
    call.input_gradients[0] = TRY(
        call.tape.call("scale", {call.output_gradients[0]}, {{"by", call.attributes.real("by")}}));
    return Done{};
}

Status clamp_gradient(GradientCall& call) {
    call.input_gradients[0] = TRY(call.tape.call(
        "clamp_gradient", {call.output_gradients[0], call.inputs[0]},
        {{"low", call.attributes.real("low")}, {"high", call.attributes.real("high")}}));
    return Done{};
}

Status leaky_relu_gradient(GradientCall& call) {
    call.input_gradients[0] =
        TRY(call.tape.call("leaky_relu_gradient", {call.output_gradients[0], call.inputs[0]},
                           {{"slope", call.attributes.real("slope")}}));
    return Done{};
}

/// Leaves each operand the gradient that it would have at the result's sizes, summed to its own.
Status give(GradientCall& call, std::size_t i, const Tensor& gradient) {
    call.input_gradients[i] = TRY(sum_to(call.tape, gradient, call.inputs[i].sizes()));
    return Done{};
}

Status add_gradient(GradientCall& call) {
    const Tensor& dy = call.output_gradients[0];
    if (call.wanted[0]) TRY(give(call, 0, dy));
    if (call.wanted[1]) TRY(give(call, 1, dy));
    return Done{};
}

Status subtract_gradient(GradientCall& call) {
    const Tensor& dy = call.output_gradients[0];
    if (call.wanted[0]) TRY(give(call, 0, dy));
    if (!call.wanted[1]) return Done{};
    const Tensor negative = TRY(call.tape.call("negate", {dy}));
    return give(call, 1, negative);
}

Status multiply_gradient(GradientCall& call) {
    for (std::size_t i = 0; i < 2; ++i) {
        if (!call.wanted[i]) continue;
        const Tensor product =
            TRY(call.tape.call("multiply", {call.output_gradients[0], call.inputs[1 - i]}));
        TRY(give(call, i, product));
    }
    return Done{};
}

/// da = dy / b, db = -(da · y).
Status divide_gradient(GradientCall& call) {
    const Tensor da = TRY(call.tape.call("divide", {call.output_gradients[0], call.inputs[1]}));
    if (call.wanted[0]) TRY(give(call, 0, da));
    if (!call.wanted[1]) return Done{};
    const Tensor product = TRY(call.tape.call("multiply", {da, call.outputs[0]}));
    const Tensor db = TRY(call.tape.call("negate", {product}));
    return give(call, 1, db);
}

/// All of dy goes to the operand that was taken.
Status maximum_gradient(GradientCall& call) {
    const Tensor& dy = call.output_gradients[0];
    const Tensor second = TRY(call.tape.call("less", {call.inputs[0], call.inputs[1]}));
    const Tensor db = TRY(call.tape.call("multiply", {dy, second}));
    const Tensor da = TRY(call.tape.call("subtract", {dy, db}));
    if (call.wanted[0]) TRY(give(call, 0, da));
    if (call.wanted[1]) TRY(give(call, 1, db));
    return Done{};
}

using GradientRule = Status (*)(GradientCall&);

template <class Op>
constexpr OpRow unary(const char* text, GradientRule gradient, const char* onnx,
                      std::span<const Input> inputs = any_x, std::span<const Param> params = {}) {
    return {Op::name, text,    inputs,  params, same_as_first, reference::unary<Op>,
            gradient, nullptr, nullptr, onnx};
}

template <class Op>
constexpr OpRow pair(const char* text, GradientRule gradient, const char* onnx,
                     std::span<const Input> inputs = a_and_b) {
    return {Op::name, text,    inputs,  {},  stretched, reference::pair<Op>,
            gradient, nullptr, nullptr, onnx};
}

template <class Op>
constexpr OpRow gradient_row(const char* text, std::span<const Input> inputs,
                             std::span<const Param> params = {}) {
    return {Op::name, text, inputs, params, all_alike, reference::pair<Op>};
}

constexpr OpRow rows[] = {
    unary<e::Exp>("e to the x.", by_output<e::Multiply>, "Exp"),
    unary<e::Log>("The natural logarithm.", log_gradient, "Log", positive_x),
    unary<e::Tanh>("The hyperbolic tangent.", by_output<e::TanhGradient>, "Tanh"),
    unary<e::Erf>("The error function.", by_input<e::ErfGradient>, "Erf"),
    unary<e::Sin>("The sine; NaN beyond 2^20.", sin_gradient, "Sin"),
    unary<e::Cos>("The cosine; NaN beyond 2^20.", cos_gradient, "Cos"),
    unary<e::Sqrt>("The square root.", sqrt_gradient, "Sqrt", positive_x),
    unary<e::Negate>("-x.", negate_gradient, "Neg"),
    unary<e::Absolute>("|x|.", by_input<e::AbsoluteGradient>, "Abs", smooth_x),
    unary<e::Scale>("x·by + plus, rounded twice.", scale_gradient, nullptr, any_x, scale_params),
    unary<e::Clamp>("x, but at least low and at most high.", clamp_gradient, "Clip", any_x,
                    clamp_params),
    unary<e::Relu>("x where it is above zero, else +0.", by_input<e::ReluGradient>, "Relu",
                   smooth_x),
    unary<e::LeakyRelu>("x where it is above zero, else slope·x.", leaky_relu_gradient, "LeakyRelu",
                        smooth_x, slope_params),
    unary<e::Sigmoid>("1 / (1 + e^-x).", by_output<e::SigmoidGradient>, "Sigmoid"),
    unary<e::Silu>("x·sigmoid(x).", by_input<e::SiluGradient>, nullptr),
    unary<e::Gelu>("x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))/2.", by_input<e::GeluGradient>, "Gelu"),
    unary<e::GeluErf>("x·(1 + erf(x/√2))/2.", by_input<e::GeluErfGradient>, "Gelu"),
    pair<e::Add>("a + b.", add_gradient, "Add"),
    pair<e::Subtract>("a - b.", subtract_gradient, "Sub"),
    pair<e::Multiply>("a·b.", multiply_gradient, "Mul"),
    pair<e::Divide>("a / b.", divide_gradient, "Div", a_over_b),
    pair<e::Maximum>("The greater of a and b; a, if they are equal.", maximum_gradient, "Max"),
    pair<e::Less>("1 where a < b, else 0.", nullptr, nullptr),
    gradient_row<e::AbsoluteGradient>("The gradient of absolute.", dy_and_x),
    gradient_row<e::ReluGradient>("The gradient of relu.", dy_and_x),
    gradient_row<e::LeakyReluGradient>("The gradient of leaky_relu.", dy_and_x, slope_params),
    gradient_row<e::ClampGradient>("The gradient of clamp.", dy_and_x, clamp_params),
    gradient_row<e::TanhGradient>("The gradient of tanh, from its result.", dy_and_y),
    gradient_row<e::SigmoidGradient>("The gradient of sigmoid, from its result.", dy_and_y),
    gradient_row<e::ErfGradient>("The gradient of erf.", dy_and_x),
    gradient_row<e::SiluGradient>("The gradient of silu.", dy_and_x),
    gradient_row<e::GeluGradient>("The gradient of gelu.", dy_and_x),
    gradient_row<e::GeluErfGradient>("The gradient of gelu_erf.", dy_and_x),
};

}  // namespace

std::span<const OpRow> elementwise() {
    return rows;
}

}  // namespace shoal::engine::ops
