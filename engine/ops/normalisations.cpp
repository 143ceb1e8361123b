#include "engine/reference/normalisations.h"

#include <algorithm>

#include <fmt/format.h>

#include "engine/ops/families.h"
#include "engine/ops/rules.h"
#include "engine/tape.h"

namespace shoal::engine::ops {

namespace {

constexpr Input ranked_x[] = {{.name = "x", .rank_min = 1}};
constexpr Input dy_and_y[] = {{.name = "dy", .rank_min = 1}, {.name = "y", .rank_min = 1}};
constexpr Input affine_inputs[] = {
    {.name = "x", .rank_min = 1},
    {.name = "gamma", .rank_min = 1, .rank_max = 1},
    {.name = "beta", .rank_min = 1, .rank_max = 1},
};
constexpr Input scaled_inputs[] = {
    {.name = "x", .rank_min = 1},
    {.name = "gamma", .rank_min = 1, .rank_max = 1},
};
constexpr Input norm_gradient_inputs[] = {
    {.name = "dy", .rank_min = 1},
    {.name = "x", .rank_min = 1},
    {.name = "gamma", .rank_min = 1, .rank_max = 1},
};
constexpr Input batch_inputs[] = {
    {.name = "x", .rank_min = 2},
    {.name = "gamma", .rank_min = 1, .rank_max = 1},
    {.name = "beta", .rank_min = 1, .rank_max = 1},
};
constexpr Input batch_gradient_inputs[] = {
    {.name = "dy", .rank_min = 2},
    {.name = "x", .rank_min = 2},
    {.name = "gamma", .rank_min = 1, .rank_max = 1},
    {.name = "mean", .rank_min = 1, .rank_max = 1},
    {.name = "variance", .rank_min = 1, .rank_max = 1, .domain = Domain::positive},
};
constexpr Param eps_param[] = {
    {"eps", ParamKind::real, 1e-12, 1, 1e-5, "what is added to the variance"}};

Error misfit(const Form& a, const Form& b) {
    return {Code::invalid,
            fmt::format("{} and {} do not fit each other", to_string(a), to_string(b))};
}

/// Whether inputs `first` and later are rows of `size`.
Status fit_rows(InputForms inputs, std::size_t first, std::size_t x, Index size) {
    for (std::size_t i = first; i < inputs.size(); ++i) {
        if (inputs[i].sizes[0] != size) return misfit(inputs[x], inputs[i]);
    }
    return Done{};
}

Status softmax_backward(GradientCall& call) {
    call.input_gradients[0] =
        TRY(call.tape.call("softmax_gradient", {call.output_gradients[0], call.outputs[0]}));
    return Done{};
}

Status log_softmax_backward(GradientCall& call) {
    call.input_gradients[0] =
        TRY(call.tape.call("log_softmax_gradient", {call.output_gradients[0], call.outputs[0]}));
    return Done{};
}

Result<Forms> last_axis_form(const Attributes&, InputForms inputs) {
    const Status fits = fit_rows(inputs, 1, 0, inputs[0].sizes.back());
    if (!fits.ok()) return fits.error();
    return Forms{inputs[0]};
}

Result<Forms> norm_gradient_form(const Attributes&, InputForms inputs) {
    if (!(inputs[0] == inputs[1])) return misfit(inputs[0], inputs[1]);
    const Status fits = fit_rows(inputs, 2, 1, inputs[1].sizes.back());
    if (!fits.ok()) return fits.error();
    return Forms{inputs[1], inputs[2]};
}

Result<Outputs> norm_gradients(GradientCall& call, std::string_view op) {
    const Tensor inputs[] = {call.output_gradients[0], call.inputs[0], call.inputs[1]};
    const Argument arguments[] = {{"eps", call.attributes.real("eps")}};
    return call.tape.call_all(op, inputs, arguments);
}

Status layer_norm_backward(GradientCall& call) {
    const Outputs found = TRY(norm_gradients(call, "layer_norm_gradient"));
    call.input_gradients[0] = found[0];
    call.input_gradients[1] = found[1];
    if (!call.wanted[2]) return Done{};
    call.input_gradients[2] =
        TRY(sum_to(call.tape, call.output_gradients[0], call.inputs[2].sizes()));
    return Done{};
}

Status rms_norm_backward(GradientCall& call) {
    const Outputs found = TRY(norm_gradients(call, "rms_norm_gradient"));
    call.input_gradients[0] = found[0];
    call.input_gradients[1] = found[1];
    return Done{};
}

Result<Forms> batch_norm_form(const Attributes&, InputForms inputs) {
    const Status fits = fit_rows(inputs, 1, 0, inputs[0].sizes[1]);
    if (!fits.ok()) return fits.error();
    return Forms{inputs[0], inputs[1], inputs[1]};
}

Result<Forms> batch_norm_gradient_form(const Attributes&, InputForms inputs) {
    if (!(inputs[0] == inputs[1])) return misfit(inputs[0], inputs[1]);
    const Status fits = fit_rows(inputs, 2, 1, inputs[1].sizes[1]);
    if (!fits.ok()) return fits.error();
    return Forms{inputs[1], inputs[2], inputs[2]};
}

/// The statistics are results to look at, not to differentiate.
Status batch_norm_backward(GradientCall& call) {
    if (!call.output_gradients[0] || call.output_gradients[1] || call.output_gradients[2]) {
        return Error{Code::unsupported, "batch_norm has a gradient of its first result only"};
    }
    const Tensor inputs[] = {call.output_gradients[0], call.inputs[0], call.inputs[1],
                             call.outputs[1], call.outputs[2]};
    const Argument arguments[] = {{"eps", call.attributes.real("eps")}};
    const Outputs found = TRY(call.tape.call_all("batch_norm_gradient", inputs, arguments));
    std::copy(found.begin(), found.end(), call.input_gradients.begin());
    return Done{};
}

double few_per_element(const Attributes&, InputForms inputs, const Forms&) {
    constexpr double operations = 8;  // of an element: the sums, the scale, a division or an exp
    return operations * static_cast<double>(inputs[0].sizes.count());
}

constexpr OpRow rows[] = {
    {"softmax",
     "e^(x - max) over its sum, along the last axis.",
     ranked_x,
     {},
     same_as_first,
     reference::softmax,
     softmax_backward,
     few_per_element,
     nullptr,
     "Softmax"},
    {"log_softmax",
     "The logarithm of softmax.",
     ranked_x,
     {},
     same_as_first,
     reference::log_softmax,
     log_softmax_backward,
     few_per_element,
     nullptr,
     "LogSoftmax"},
    {"layer_norm", "(x - mean)/√(variance + eps)·gamma + beta along the last axis.", affine_inputs,
     eps_param, last_axis_form, reference::layer_norm, layer_norm_backward, few_per_element,
     nullptr, "LayerNormalization"},
    {"rms_norm", "x/√(mean of squares + eps)·gamma along the last axis.", scaled_inputs, eps_param,
     last_axis_form, reference::rms_norm, rms_norm_backward, few_per_element, nullptr,
     "RMSNormalization"},
    {"batch_norm",
     "Each channel (axis 1) brought to mean 0 and variance 1, then ·gamma + beta. "
     "Also gives the means and the variances.",
     batch_inputs, eps_param, batch_norm_form, reference::batch_norm, batch_norm_backward,
     few_per_element, nullptr, "BatchNormalization"},
    {"softmax_gradient",
     "The gradient of softmax, from its result.",
     dy_and_y,
     {},
     all_alike,
     reference::softmax_gradient,
     nullptr,
     few_per_element},
    {"log_softmax_gradient",
     "The gradient of log_softmax, from its result.",
     dy_and_y,
     {},
     all_alike,
     reference::log_softmax_gradient,
     nullptr,
     few_per_element},
    {"layer_norm_gradient", "The gradients of layer_norm for x and gamma.", norm_gradient_inputs,
     eps_param, norm_gradient_form, reference::layer_norm_gradient, nullptr, few_per_element},
    {"rms_norm_gradient", "The gradients of rms_norm.", norm_gradient_inputs, eps_param,
     norm_gradient_form, reference::rms_norm_gradient, nullptr, few_per_element},
    {"batch_norm_gradient", "The gradients of batch_norm.", batch_gradient_inputs, eps_param,
     batch_norm_gradient_form, reference::batch_norm_gradient, nullptr, few_per_element},
};

}  // namespace

std::span<const OpRow> normalisations() {
    return rows;
}

}  // namespace shoal::engine::ops
