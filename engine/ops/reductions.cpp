#include "engine/reference/reductions.h"

#include <fmt/format.h>

#include "engine/ops/families.h"
#include "engine/ops/rules.h"
#include "engine/tape.h"

namespace shoal::engine::ops {

namespace {

constexpr Input any_x[] = {{.name = "x"}};
constexpr Input ranked_x[] = {{.name = "x", .rank_min = 1}};
constexpr Input dy_and_x[] = {{.name = "dy"}, {.name = "x", .rank_min = 1}};
constexpr Param axis_param[] = {
    {"axis", ParamKind::integer, 0, rank_max - 1, 0, "the axis that is reduced, and then gone"}};
constexpr Param sizes_param[] = {
    {"sizes", ParamKind::integers, 1, elements_max, 0, "the sizes of the result"}};

Result<Dims> without_axis(const Attributes& attributes, const Dims& sizes) {
    const Index axis = attributes.integer("axis");
    if (axis >= sizes.rank()) {
        return Error{Code::invalid, fmt::format("axis {} is none of {}", axis, to_string(sizes))};
    }
    Dims rest = sizes;
    rest.erase(axis);
    return rest;
}

Result<Forms> reduced(const Attributes& attributes, InputForms inputs) {
    const Dims rest = TRY(without_axis(attributes, inputs[0].sizes));
    return Forms{{inputs[0].type, rest}};
}

Result<Forms> reduced_to_place(const Attributes& attributes, InputForms inputs) {
    const Dims rest = TRY(without_axis(attributes, inputs[0].sizes));
    return Forms{{Type::int32, rest}};
}

/// The gradient of a reduction, repeated for each element of the row.
Result<Tensor> spread(GradientCall& call) {
    const Dims& sizes = call.inputs[0].sizes();
    Dims kept = sizes;
    kept[call.attributes.integer("axis")] = 1;
    const Tensor dy = TRY(call.tape.call("reshape", {call.output_gradients[0]}, {{"sizes", kept}}));
    return call.tape.call("stretch", {dy}, {{"sizes", sizes}});
}

Status sum_gradient(GradientCall& call) {
    call.input_gradients[0] = TRY(spread(call));
    return Done{};
}

Status mean_gradient(GradientCall& call) {
    const Tensor dy = TRY(spread(call));
    const auto size = static_cast<float>(call.inputs[0].size(call.attributes.integer("axis")));
    call.input_gradients[0] = TRY(call.tape.call("scale", {dy}, {{"by", 1.0F / size}}));
    return Done{};
}

Status max_backward(GradientCall& call) {
    call.input_gradients[0] =
        TRY(call.tape.call("max_gradient", {call.output_gradients[0], call.inputs[0]},
                           {{"axis", call.attributes.integer("axis")}}));
    return Done{};
}

Result<Forms> max_gradient_form(const Attributes& attributes, InputForms inputs) {
    const Dims rest = TRY(without_axis(attributes, inputs[1].sizes));
    if (rest == inputs[0].sizes) return Forms{inputs[1]};
    return Error{Code::invalid,
                 fmt::format("expected dy of {}, got {}", to_string(rest), to_string(inputs[0]))};
}

Result<Forms> sum_to_form(const Attributes& attributes, InputForms inputs) {
    const Form narrow{inputs[0].type, attributes.integers("sizes")};
    const Form both[] = {narrow, inputs[0]};
    const Forms wide = TRY(stretched(attributes, both));
    if (wide[0] == inputs[0]) return Forms{narrow};
    return Error{Code::invalid, fmt::format("{} is not {} stretched", to_string(inputs[0]),
                                            to_string(narrow.sizes))};
}

Status sum_to_gradient(GradientCall& call) {
    call.input_gradients[0] = TRY(
        call.tape.call("stretch", {call.output_gradients[0]}, {{"sizes", call.inputs[0].sizes()}}));
    return Done{};
}

double one_per_input(const Attributes&, InputForms inputs, const Forms&) {
    return static_cast<double>(inputs[0].sizes.count());
}

constexpr OpRow rows[] = {
    {"sum", "The sum along an axis, in 64 lanes.", ranked_x, axis_param, reduced, reference::sum,
     sum_gradient, one_per_input, nullptr, "ReduceSum"},
    {"mean", "The sum along an axis over its size.", ranked_x, axis_param, reduced, reference::mean,
     mean_gradient, one_per_input, nullptr, "ReduceMean"},
    {"max", "The greatest along an axis; of equals the first.", ranked_x, axis_param, reduced,
     reference::max, max_backward, one_per_input, nullptr, "ReduceMax"},
    {"argmax", "The place of the greatest along an axis; of equals the first.", ranked_x,
     axis_param, reduced_to_place, reference::argmax, nullptr, one_per_input, nullptr, "ArgMax"},
    {"sum_to", "What stretch would repeat is summed: chains in slices of 256.", any_x, sizes_param,
     sum_to_form, reference::sum_to, sum_to_gradient, one_per_input},
    {"max_gradient", "The gradient of max: dy at the place of the greatest.", dy_and_x, axis_param,
     max_gradient_form, reference::max_gradient},
};

}  // namespace

std::span<const OpRow> reductions() {
    return rows;
}

}  // namespace shoal::engine::ops
