#include "engine/reference/shapes.h"

#include <fmt/format.h>

#include "engine/ops/families.h"
#include "engine/ops/rules.h"
#include "engine/tape.h"

namespace shoal::engine::ops {

namespace {

constexpr double size_max = elements_max;

constexpr Input any_x[] = {{.name = "x"}};
constexpr Input ranked_x[] = {{.name = "x", .rank_min = 1}};
constexpr Input joined[] = {{.name = "x", .rank_min = 1, .presence = Presence::repeated}};
constexpr Input table_and_ids[] = {
    {.name = "table", .rank_min = 2, .rank_max = 2},
    {.name = "ids",
     .type = Type::int32,
     .rank_max = rank_max - 1,
     .domain = Domain::below_size,
     .bound_input = 0,
     .bound_axis = 0},
};
constexpr Input dy_and_ids[] = {
    {.name = "dy", .rank_min = 1},
    {.name = "ids",
     .type = Type::int32,
     .rank_max = rank_max - 1,
     .domain = Domain::below_param,
     .bound_param = "rows"},
};

constexpr Param sizes_param[] = {
    {"sizes", ParamKind::integers, 1, size_max, 0, "the sizes of the result"}};
constexpr Param transpose_params[] = {
    {"axis", ParamKind::integer, 0, rank_max - 1, 0, "the one axis"},
    {"other", ParamKind::integer, 0, rank_max - 1, 1, "the axis that changes places with it"},
};
constexpr Param slice_params[] = {
    {"axis", ParamKind::integer, 0, rank_max - 1, 0, "the axis that is cut"},
    {"first", ParamKind::integer, 0, size_max, 0, "where the slice begins"},
    {"count", ParamKind::integer, 1, size_max, 1, "how many it has along the axis"},
};
constexpr Param pad_params[] = {
    {"axis", ParamKind::integer, 0, rank_max - 1, 0, "the axis that grows"},
    {"before", ParamKind::integer, 0, size_max, 0, "how many are put in front"},
    {"after", ParamKind::integer, 0, size_max, 0, "how many are put behind"},
    {"with", ParamKind::real, -1e30, 1e30, 0, "their value"},
};
constexpr Param axis_param[] = {
    {"axis", ParamKind::integer, 0, rank_max - 1, 0, "the axis along which they are joined"}};
constexpr Param rows_param[] = {
    {"rows", ParamKind::integer, 1, size_max, 1, "the rows of the table"}};

Error misfit(std::string_view what, const Form& form) {
    return {Code::invalid, fmt::format("{} do not fit {}", what, to_string(form))};
}

Result<Forms> reshape_form(const Attributes& attributes, InputForms inputs) {
    const Dims& sizes = attributes.integers("sizes");
    if (sizes.count() != inputs[0].sizes.count()) {
        return misfit("sizes " + to_string(sizes), inputs[0]);
    }
    return Forms{{inputs[0].type, sizes}};
}

Tensor reshape_view(const Attributes& attributes, const Tensor& x) {
    return x.reshaped(attributes.integers("sizes"));
}

Status reshape_gradient(GradientCall& call) {
    call.input_gradients[0] = TRY(
        call.tape.call("reshape", {call.output_gradients[0]}, {{"sizes", call.inputs[0].sizes()}}));
    return Done{};
}

Result<Forms> transpose_form(const Attributes& attributes, InputForms inputs) {
    const Index axis = attributes.integer("axis");
    const Index other = attributes.integer("other");
    Form form = inputs[0];
    if (axis >= form.sizes.rank() || other >= form.sizes.rank()) return misfit("the axes", form);
    std::swap(form.sizes[axis], form.sizes[other]);
    return Forms{form};
}

Tensor transpose_view(const Attributes& attributes, const Tensor& x) {
    return x.transposed(attributes.integer("axis"), attributes.integer("other"));
}

Status transpose_gradient(GradientCall& call) {
    call.input_gradients[0] = TRY(call.tape.call(
        "transpose", {call.output_gradients[0]},
        {{"axis", call.attributes.integer("axis")}, {"other", call.attributes.integer("other")}}));
    return Done{};
}

Result<Forms> slice_form(const Attributes& attributes, InputForms inputs) {
    const Index axis = attributes.integer("axis");
    const Index count = attributes.integer("count");
    Form form = inputs[0];
    if (axis >= form.sizes.rank() || attributes.integer("first") + count > form.sizes[axis]) {
        return misfit("the axis or its places", form);
    }
    form.sizes[axis] = count;
    return Forms{form};
}

Tensor slice_view(const Attributes& attributes, const Tensor& x) {
    return x.sliced(attributes.integer("axis"), attributes.integer("first"),
                    attributes.integer("count"));
}

Status slice_gradient(GradientCall& call) {
    const Index axis = call.attributes.integer("axis");
    const Index first = call.attributes.integer("first");
    const Index end = first + call.attributes.integer("count");
    call.input_gradients[0] = TRY(call.tape.call(
        "pad", {call.output_gradients[0]},
        {{"axis", axis}, {"before", first}, {"after", call.inputs[0].size(axis) - end}}));
    return Done{};
}

Status pack_gradient(GradientCall& call) {
    call.input_gradients[0] = call.output_gradients[0];
    return Done{};
}

Result<Forms> stretch_form(const Attributes& attributes, InputForms inputs) {
    const Form wide{inputs[0].type, attributes.integers("sizes")};
    const Form both[] = {inputs[0], wide};
    const Forms stretched_forms = TRY(stretched(attributes, both));
    if (!(stretched_forms[0] == wide)) return misfit("sizes " + to_string(wide.sizes), inputs[0]);
    return Forms{wide};
}

Status stretch_gradient(GradientCall& call) {
    call.input_gradients[0] =
        TRY(sum_to(call.tape, call.output_gradients[0], call.inputs[0].sizes()));
    return Done{};
}

Result<Forms> pad_form(const Attributes& attributes, InputForms inputs) {
    const Index axis = attributes.integer("axis");
    Form form = inputs[0];
    if (axis >= form.sizes.rank()) return misfit("the axis", form);
    form.sizes[axis] += attributes.integer("before") + attributes.integer("after");
    return Forms{form};
}

Status pad_gradient(GradientCall& call) {
    const Index axis = call.attributes.integer("axis");
    call.input_gradients[0] = TRY(call.tape.call("slice", {call.output_gradients[0]},
                                                 {{"axis", axis},
                                                  {"first", call.attributes.integer("before")},
                                                  {"count", call.inputs[0].size(axis)}}));
    return Done{};
}

Result<Forms> concat_form(const Attributes& attributes, InputForms inputs) {
    const Index axis = attributes.integer("axis");
    Form joined_form = inputs[0];
    if (axis >= joined_form.sizes.rank()) return misfit("the axis", joined_form);
    joined_form.sizes[axis] = 0;
    for (const Form& form : inputs) {
        if (form.sizes.rank() != joined_form.sizes.rank()) return misfit("the inputs", form);
        Dims rest = form.sizes;
        rest[axis] = joined_form.sizes[axis];
        if (!(rest == joined_form.sizes)) return misfit("the inputs", form);
        joined_form.sizes[axis] += form.sizes[axis];
    }
    return Forms{joined_form};
}

Status concat_gradient(GradientCall& call) {
    const Index axis = call.attributes.integer("axis");
    Index first = 0;
    for (std::size_t i = 0; i < call.inputs.size(); ++i) {
        const Index count = call.inputs[i].size(axis);
        if (call.wanted[i]) {
            call.input_gradients[i] =
                TRY(call.tape.call("slice", {call.output_gradients[0]},
                                   {{"axis", axis}, {"first", first}, {"count", count}}));
        }
        first += count;
    }
    return Done{};
}

Result<Forms> embedding_form(const Attributes&, InputForms inputs) {
    Dims sizes = inputs[1].sizes;
    sizes.push_back(inputs[0].sizes[1]);
    return Forms{{inputs[0].type, sizes}};
}

Status embedding_backward(GradientCall& call) {
    call.input_gradients[0] =
        TRY(call.tape.call("embedding_gradient", {call.output_gradients[0], call.inputs[1]},
                           {{"rows", call.inputs[0].size(0)}}));
    return Done{};
}

Result<Forms> embedding_gradient_form(const Attributes& attributes, InputForms inputs) {
    Dims expected = inputs[1].sizes;
    expected.push_back(inputs[0].sizes.back());
    if (!(inputs[0].sizes == expected)) return misfit("the ids", inputs[0]);
    return Forms{{inputs[0].type, {attributes.integer("rows"), expected.back()}}};
}

constexpr OpRow rows[] = {
    {"reshape", "The same elements in the same order under other sizes.", any_x, sizes_param,
     reshape_form, reference::pack, reshape_gradient, nullptr, reshape_view, "Reshape"},
    {"transpose", "Two axes change places.", ranked_x, transpose_params, transpose_form, nullptr,
     transpose_gradient, nullptr, transpose_view, "Transpose", true},
    {"slice", "A stretch of places along an axis.", ranked_x, slice_params, slice_form, nullptr,
     slice_gradient, nullptr, slice_view, "Slice", true},
    {"pack",
     "The elements of a view, one behind the other.",
     any_x,
     {},
     same_as_first,
     reference::pack,
     pack_gradient,
     nullptr,
     nullptr,
     nullptr,
     true},
    {"stretch", "Sizes of 1, and missing ones in front, are repeated.", any_x, sizes_param,
     stretch_form, reference::stretch, stretch_gradient, nullptr, nullptr, "Expand"},
    {"pad", "A constant is put before and behind, along an axis.", ranked_x, pad_params, pad_form,
     reference::pad, pad_gradient, nullptr, nullptr, "Pad"},
    {"concat", "Joined one behind the other along an axis.", joined, axis_param, concat_form,
     reference::concat, concat_gradient, nullptr, nullptr, "Concat"},
    {"embedding",
     "The rows of a table that the ids name.",
     table_and_ids,
     {},
     embedding_form,
     reference::embedding,
     embedding_backward,
     nullptr,
     nullptr,
     "Gather"},
    {"embedding_gradient", "The gradient of embedding: dy is added to the rows that ids name.",
     dy_and_ids, rows_param, embedding_gradient_form, reference::embedding_gradient},
};

}  // namespace

std::span<const OpRow> shapes() {
    return rows;
}

}  // namespace shoal::engine::ops
