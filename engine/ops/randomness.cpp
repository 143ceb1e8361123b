#include "engine/reference/randomness.h"

#include <fmt/format.h>

#include "engine/ops/families.h"
#include "engine/tape.h"

namespace shoal::engine::ops {

namespace {

constexpr Input inputs[] = {
    {.name = "x"},
    {.name = "draw", .type = Type::int32, .rank_min = 1, .rank_max = 1},
};
constexpr Param params[] = {
    {"rate", ParamKind::real, 0, 0.999, 0.5, "the share that becomes zero"}};

Result<Forms> dropout_form(const Attributes&, InputForms forms) {
    if (forms[1].sizes[0] == 4) return Forms{forms[0]};
    return Error{Code::invalid,
                 fmt::format("draw: expected the 4 words of a draw, got {}", to_string(forms[1]))};
}

/// The same places are dropped again.
Status dropout_gradient(GradientCall& call) {
    call.input_gradients[0] =
        TRY(call.tape.call("dropout", {call.output_gradients[0], call.inputs[1]},
                           {{"rate", call.attributes.real("rate")}}));
    return Done{};
}

double ten_per_element(const Attributes&, InputForms forms, const Forms&) {
    constexpr double operations = 10;  // a quarter of the rounds of a draw
    return operations * static_cast<double>(forms[0].sizes.count());
}

constexpr OpRow rows[] = {
    {"dropout",
     "Zero with the given chance, else x / (1 - rate). The draw (two words of the job's key, the "
     "owner, the step) decides which.",
     inputs, params, dropout_form, reference::dropout, dropout_gradient, ten_per_element, nullptr,
     "Dropout"},
};

}  // namespace

std::span<const OpRow> randomness() {
    return rows;
}

}  // namespace shoal::engine::ops
