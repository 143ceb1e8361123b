#include "engine/reference/convolutions.h"

#include <fmt/format.h>

#include "engine/ops/families.h"
#include "engine/ops/rules.h"
#include "engine/tape.h"

namespace shoal::engine::ops {

namespace {

using reference::Slide;

constexpr Input planes_x[] = {{.name = "x", .rank_min = 4, .rank_max = 4}};
constexpr Input dy_and_x[] = {
    {.name = "dy", .rank_min = 4, .rank_max = 4},
    {.name = "x", .rank_min = 4, .rank_max = 4},
};
constexpr Input dy_alone[] = {{.name = "dy", .rank_min = 4, .rank_max = 4}};
constexpr Input conv_inputs[] = {
    {.name = "x", .rank_min = 4, .rank_max = 4},
    {.name = "weight", .rank_min = 4, .rank_max = 4},
    {.name = "bias", .rank_min = 1, .rank_max = 1, .presence = Presence::optional},
};
constexpr Input dy_and_weight[] = {
    {.name = "dy", .rank_min = 4, .rank_max = 4},
    {.name = "weight", .rank_min = 4, .rank_max = 4},
};

constexpr double far = 1 << 20;  // a window is not moved further
constexpr Param stride_param{
    "stride", ParamKind::integer, 1, far, 1, "how far the window moves from result to result"};
constexpr Param padding_param{
    "padding", ParamKind::integer, 0, far, 0, "how many places the window starts and ends outside"};
constexpr Param dilation_param{
    "dilation", ParamKind::integer, 1, far, 1, "the distance between the window's places"};
constexpr Param groups_param{"groups", ParamKind::integer,
                             1,        far,
                             1,        "channels are cut into so many groups that do not mix"};
constexpr Param count_param{"count_padding",
                            ParamKind::integer,
                            0,
                            1,
                            0,
                            "1: the mean is over all places of the window, 0: over those inside"};
constexpr Param conv_params[] = {stride_param, padding_param, dilation_param, groups_param};
constexpr Param data_gradient_params[] = {
    stride_param,
    padding_param,
    dilation_param,
    groups_param,
    {"height", ParamKind::integer, 1, far, 1, "the height of x"},
    {"width", ParamKind::integer, 1, far, 1, "the width of x"},
};
constexpr Param weight_gradient_params[] = {
    stride_param,
    padding_param,
    dilation_param,
    groups_param,
    {"rows", ParamKind::integer, 1, far, 1, "the rows of the window"},
    {"columns", ParamKind::integer, 1, far, 1, "the columns of the window"},
};
constexpr Param size_param{"size", ParamKind::integer, 1, far, 2, "the window's rows and columns"};
constexpr Param max_params[] = {size_param, stride_param, padding_param};
constexpr Param average_params[] = {size_param, stride_param, padding_param, count_param};
constexpr Param average_gradient_params[] = {
    size_param,
    stride_param,
    padding_param,
    count_param,
    {"height", ParamKind::integer, 1, far, 1, "the height of x"},
    {"width", ParamKind::integer, 1, far, 1, "the width of x"},
};

Error misfit(const Form& a, const Form& b) {
    return {Code::invalid,
            fmt::format("{} and {} do not fit each other", to_string(a), to_string(b))};
}

/// The form of y from those of x and weight. invalid: they do not fit, or nothing comes out.
Result<Form> conv_result(const Attributes& attributes, const Form& x, const Form& weight) {
    const Index groups = attributes.integer("groups");
    const bool channels = x.sizes[1] == weight.sizes[1] * groups && weight.sizes[0] % groups == 0;
    if (!channels) return misfit(x, weight);
    Dims sizes{x.sizes[0], weight.sizes[0]};
    for (const Index axis : {2, 3}) {
        const Slide slide{weight.sizes[axis], attributes.integer("stride"),
                          attributes.integer("padding"), attributes.integer("dilation"),
                          x.sizes[axis]};
        if (slide.results() < 1) return misfit(x, weight);
        sizes.push_back(slide.results());
    }
    return Form{x.type, sizes};
}

Result<Forms> conv_form(const Attributes& attributes, InputForms inputs) {
    const Dims& bias = inputs[2].sizes;
    if (!bias.empty() && bias[0] != inputs[1].sizes[0]) return misfit(inputs[1], inputs[2]);
    const Form y = TRY(conv_result(attributes, inputs[0], inputs[1]));
    return Forms{y};
}

Result<Forms> data_gradient_form(const Attributes& attributes, InputForms inputs) {
    const Dims& dy = inputs[0].sizes;
    const Dims& weight = inputs[1].sizes;
    const Form x{inputs[0].type,
                 {dy[0], weight[1] * attributes.integer("groups"), attributes.integer("height"),
                  attributes.integer("width")}};
    const Form y = TRY(conv_result(attributes, x, inputs[1]));
    if (!(y == inputs[0])) return misfit(inputs[0], inputs[1]);
    return Forms{x};
}

Result<Forms> weight_gradient_form(const Attributes& attributes, InputForms inputs) {
    const Dims& dy = inputs[0].sizes;
    const Dims& x = inputs[1].sizes;
    if (x[1] % attributes.integer("groups") != 0) return misfit(inputs[0], inputs[1]);
    const Form weight{inputs[1].type,
                      {dy[1], x[1] / attributes.integer("groups"), attributes.integer("rows"),
                       attributes.integer("columns")}};
    const Form y = TRY(conv_result(attributes, inputs[1], weight));
    if (!(y == inputs[0])) return misfit(inputs[0], inputs[1]);
    return Forms{weight};
}

Status conv_backward(GradientCall& call) {
    const Attributes& a = call.attributes;
    const Argument stride{"stride", a.integer("stride")};
    const Argument padding{"padding", a.integer("padding")};
    const Argument dilation{"dilation", a.integer("dilation")};
    const Argument groups{"groups", a.integer("groups")};
    const Tensor& x = call.inputs[0];
    const Tensor& weight = call.inputs[1];
    const Tensor& dy = call.output_gradients[0];
    if (call.wanted[0]) {
        call.input_gradients[0] = TRY(call.tape.call(
            "conv2d_data_gradient", {dy, weight},
            {stride, padding, dilation, groups, {"height", x.size(2)}, {"width", x.size(3)}}));
    }
    if (call.wanted[1]) {
        call.input_gradients[1] = TRY(call.tape.call("conv2d_weight_gradient", {dy, x},
                                                     {stride,
                                                      padding,
                                                      dilation,
                                                      groups,
                                                      {"rows", weight.size(2)},
                                                      {"columns", weight.size(3)}}));
    }
    if (call.wanted[2]) {
        const Index channels = weight.size(0);
        const Tensor sum = TRY(sum_to(call.tape, dy, {channels, 1, 1}));
        call.input_gradients[2] =
            TRY(call.tape.call("reshape", {sum}, {{"sizes", Dims{channels}}}));
    }
    return Done{};
}

/// Two for each term, counted as if the window were never outside.
double conv_flops(const Attributes&, InputForms inputs, const Forms& outputs) {
    const Dims& weight = inputs[1].sizes;
    return 2.0 * static_cast<double>(outputs[0].sizes.count()) *
           static_cast<double>(weight.count(1, 4));
}

double data_gradient_flops(const Attributes&, InputForms inputs, const Forms&) {
    return 2.0 * static_cast<double>(inputs[0].sizes.count()) *
           static_cast<double>(inputs[1].sizes.count(1, 4));
}

double weight_gradient_flops(const Attributes&, InputForms inputs, const Forms& outputs) {
    return 2.0 * static_cast<double>(inputs[0].sizes.count()) *
           static_cast<double>(outputs[0].sizes.count(1, 4));
}

/// invalid: the window does not fit, or a window could lie outside altogether.
Result<Form> pooled(const Attributes& attributes, const Form& x) {
    const Index size = attributes.integer("size");
    const Index padding = attributes.integer("padding");
    Form y = x;
    for (const Index axis : {2, 3}) {
        const Slide slide{size, attributes.integer("stride"), padding, 1, x.sizes[axis]};
        if (slide.results() < 1 || 2 * padding > size) {
            return Error{Code::invalid,
                         fmt::format("a window of {} with padding {} does not fit {}", size,
                                     padding, to_string(x))};
        }
        y.sizes[axis] = slide.results();
    }
    return y;
}

Result<Forms> pool_form(const Attributes& attributes, InputForms inputs) {
    const Form y = TRY(pooled(attributes, inputs[0]));
    return Forms{y};
}

Result<Forms> max_gradient_form(const Attributes& attributes, InputForms inputs) {
    const Form y = TRY(pooled(attributes, inputs[1]));
    if (!(y == inputs[0])) return misfit(inputs[0], inputs[1]);
    return Forms{inputs[1]};
}

Result<Forms> average_gradient_form(const Attributes& attributes, InputForms inputs) {
    Form x = inputs[0];
    x.sizes[2] = attributes.integer("height");
    x.sizes[3] = attributes.integer("width");
    const Form y = TRY(pooled(attributes, x));
    if (!(y == inputs[0])) return misfit(inputs[0], x);
    return Forms{x};
}

Status max_backward(GradientCall& call) {
    const Attributes& a = call.attributes;
    call.input_gradients[0] =
        TRY(call.tape.call("max_pool2d_gradient", {call.output_gradients[0], call.inputs[0]},
                           {{"size", a.integer("size")},
                            {"stride", a.integer("stride")},
                            {"padding", a.integer("padding")}}));
    return Done{};
}

Status average_backward(GradientCall& call) {
    const Attributes& a = call.attributes;
    call.input_gradients[0] =
        TRY(call.tape.call("average_pool2d_gradient", {call.output_gradients[0]},
                           {{"size", a.integer("size")},
                            {"stride", a.integer("stride")},
                            {"padding", a.integer("padding")},
                            {"count_padding", a.integer("count_padding")},
                            {"height", call.inputs[0].size(2)},
                            {"width", call.inputs[0].size(3)}}));
    return Done{};
}

double pool_flops(const Attributes& attributes, InputForms, const Forms& outputs) {
    const auto size = static_cast<double>(attributes.integer("size"));
    return size * size * static_cast<double>(outputs[0].sizes.count());
}

constexpr OpRow rows[] = {
    {"conv2d", "Each window of x, times the weights, summed; then the bias.", conv_inputs,
     conv_params, conv_form, reference::conv2d, conv_backward, conv_flops, nullptr, "Conv"},
    {"max_pool2d", "The greatest in each window; of equals the first.", planes_x, max_params,
     pool_form, reference::max_pool2d, max_backward, pool_flops, nullptr, "MaxPool"},
    {"average_pool2d", "The mean of each window.", planes_x, average_params, pool_form,
     reference::average_pool2d, average_backward, pool_flops, nullptr, "AveragePool"},
    {"conv2d_data_gradient", "The gradient of conv2d for x.", dy_and_weight, data_gradient_params,
     data_gradient_form, reference::conv2d_data_gradient, nullptr, data_gradient_flops},
    {"conv2d_weight_gradient", "The gradient of conv2d for the weights.", dy_and_x,
     weight_gradient_params, weight_gradient_form, reference::conv2d_weight_gradient, nullptr,
     weight_gradient_flops},
    {"max_pool2d_gradient", "The gradient of max_pool2d.", dy_and_x, max_params, max_gradient_form,
     reference::max_pool2d_gradient},
    {"average_pool2d_gradient", "The gradient of average_pool2d.", dy_alone,
     average_gradient_params, average_gradient_form, reference::average_pool2d_gradient},
};

}  // namespace

std::span<const OpRow> convolutions() {
    return rows;
}

}  // namespace shoal::engine::ops
