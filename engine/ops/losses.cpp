#include "engine/reference/losses.h"

#include <fmt/format.h>

#include "engine/ops/families.h"
#include "engine/ops/rules.h"
#include "engine/tape.h"

namespace shoal::engine::ops {

namespace {

constexpr Input x_and_target[] = {{.name = "x"}, {.name = "target", .constant = true}};
constexpr Input gradient_inputs[] = {
    {.name = "d", .rank_max = 0},
    {.name = "x"},
    {.name = "target"},
};
constexpr Input labelled[] = {
    {.name = "logits", .rank_min = 2, .rank_max = 2},
    {.name = "targets",
     .type = Type::int32,
     .rank_min = 1,
     .rank_max = 1,
     .domain = Domain::below_size,
     .bound_input = 0,
     .bound_axis = 1},
    {.name = "weights",
     .constant = true,
     .rank_min = 1,
     .rank_max = 1,
     .domain = Domain::positive,
     .presence = Presence::optional},
};
constexpr Input labelled_gradient[] = {
    {.name = "d", .rank_max = 0},
    {.name = "logits", .rank_min = 2, .rank_max = 2},
    {.name = "targets",
     .type = Type::int32,
     .rank_min = 1,
     .rank_max = 1,
     .domain = Domain::below_size,
     .bound_input = 1,
     .bound_axis = 1},
    {.name = "weights",
     .rank_min = 1,
     .rank_max = 1,
     .domain = Domain::positive,
     .presence = Presence::optional},
};
constexpr Param smoothing_param[] = {
    {"smoothing", ParamKind::real, 0, 1, 0, "the share that is spread over all classes"}};
constexpr Param bend_param[] = {
    {"bend", ParamKind::real, 1e-6, 1e6, 1, "where the parabola becomes a line"}};

Error misfit(const Form& a, const Form& b) {
    return {Code::invalid,
            fmt::format("{} and {} do not fit each other", to_string(a), to_string(b))};
}

Result<Forms> mean_form(const Attributes&, InputForms inputs) {
    if (!(inputs[0] == inputs[1])) return misfit(inputs[0], inputs[1]);
    return Forms{{Type::float32, {}}};
}

Result<Forms> mean_gradient_form(const Attributes&, InputForms inputs) {
    if (!(inputs[1] == inputs[2])) return misfit(inputs[1], inputs[2]);
    return Forms{inputs[1]};
}

Status fit_labels(const Form& logits, const Form& targets, const Form& weights) {
    if (logits.sizes[0] != targets.sizes[0]) return misfit(logits, targets);
    const bool fits = weights.sizes.empty() || weights.sizes[0] == logits.sizes[1];
    if (!fits) return misfit(logits, weights);
    return Done{};
}

Result<Forms> cross_entropy_form(const Attributes&, InputForms inputs) {
    const Status fits = fit_labels(inputs[0], inputs[1], inputs[2]);
    if (!fits.ok()) return fits.error();
    return Forms{{Type::float32, {}}};
}

Result<Forms> cross_entropy_gradient_form(const Attributes&, InputForms inputs) {
    const Status fits = fit_labels(inputs[1], inputs[2], inputs[3]);
    if (!fits.ok()) return fits.error();
    return Forms{inputs[1]};
}

Status cross_entropy_backward(GradientCall& call) {
    call.input_gradients[0] = TRY(
        call.tape.call("cross_entropy_gradient",
                       {call.output_gradients[0], call.inputs[0], call.inputs[1], call.inputs[2]},
                       {{"smoothing", call.attributes.real("smoothing")}}));
    return Done{};
}

struct MeanSquare {
    static constexpr const char* gradient = "mean_square_gradient";
};
struct MeanAbsolute {
    static constexpr const char* gradient = "mean_absolute_gradient";
};
struct MeanBinary {
    static constexpr const char* gradient = "binary_cross_entropy_gradient";
};

template <class Loss>
Status mean_backward(GradientCall& call) {
    call.input_gradients[0] = TRY(
        call.tape.call(Loss::gradient, {call.output_gradients[0], call.inputs[0], call.inputs[1]}));
    return Done{};
}

Status huber_backward(GradientCall& call) {
    call.input_gradients[0] = TRY(
        call.tape.call("huber_gradient", {call.output_gradients[0], call.inputs[0], call.inputs[1]},
                       {{"bend", call.attributes.real("bend")}}));
    return Done{};
}

double few_per_element(const Attributes&, InputForms inputs, const Forms&) {
    constexpr double operations = 8;
    return operations * static_cast<double>(inputs[0].sizes.count());
}

constexpr OpRow rows[] = {
    {"cross_entropy",
     "The mean over rows of -log of the softmax at the target, weighted by the target's class.",
     labelled, smoothing_param, cross_entropy_form, reference::cross_entropy,
     cross_entropy_backward, few_per_element, nullptr, "SoftmaxCrossEntropyLoss"},
    {"binary_cross_entropy",
     "The mean of -t·log s - (1 - t)·log(1 - s), s the sigmoid of the logit x.",
     x_and_target,
     {},
     mean_form,
     reference::mean_loss<reference::BinaryCrossEntropy>,
     mean_backward<MeanBinary>,
     few_per_element},
    {"mean_square",
     "The mean of (x - target)².",
     x_and_target,
     {},
     mean_form,
     reference::mean_loss<reference::SquaredError>,
     mean_backward<MeanSquare>,
     few_per_element},
    {"mean_absolute",
     "The mean of |x - target|.",
     x_and_target,
     {},
     mean_form,
     reference::mean_loss<reference::AbsoluteError>,
     mean_backward<MeanAbsolute>,
     few_per_element},
    {"huber", "The mean of a parabola up to bend away from the target, and lines beyond.",
     x_and_target, bend_param, mean_form, reference::mean_loss<reference::Huber>, huber_backward,
     few_per_element},
    {"cross_entropy_gradient", "The gradient of cross_entropy for the logits.", labelled_gradient,
     smoothing_param, cross_entropy_gradient_form, reference::cross_entropy_gradient},
    {"binary_cross_entropy_gradient",
     "The gradient of binary_cross_entropy.",
     gradient_inputs,
     {},
     mean_gradient_form,
     reference::mean_loss_gradient<reference::BinaryCrossEntropy>},
    {"mean_square_gradient",
     "The gradient of mean_square.",
     gradient_inputs,
     {},
     mean_gradient_form,
     reference::mean_loss_gradient<reference::SquaredError>},
    {"mean_absolute_gradient",
     "The gradient of mean_absolute.",
     gradient_inputs,
     {},
     mean_gradient_form,
     reference::mean_loss_gradient<reference::AbsoluteError>},
    {"huber_gradient", "The gradient of huber.", gradient_inputs, bend_param, mean_gradient_form,
     reference::mean_loss_gradient<reference::Huber>},
};

}  // namespace

std::span<const OpRow> losses() {
    return rows;
}

}  // namespace shoal::engine::ops
