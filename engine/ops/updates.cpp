#include "engine/reference/updates.h"

#include <fmt/format.h>

#include "engine/ops/families.h"
#include "engine/ops/rules.h"

namespace shoal::engine::ops {

namespace {

// The rates are a tensor, since they change from step to step.
constexpr Input sgd_inputs[] = {
    {.name = "w"}, {.name = "g"}, {.name = "m"}, {.name = "rates", .rank_min = 1, .rank_max = 1}};
constexpr Input moment_inputs[] = {
    {.name = "w"},
    {.name = "g"},
    {.name = "m"},
    {.name = "v", .domain = Domain::positive},
    {.name = "rates", .rank_min = 1, .rank_max = 1, .domain = Domain::positive}};
constexpr Input any_x[] = {{.name = "x"}};
constexpr Input square_norm[] = {{.name = "squares", .rank_max = 0, .domain = Domain::positive}};

constexpr Param nesterov_param[] = {
    {"nesterov", ParamKind::integer, 0, 1, 0, "1: look ahead by Nesterov's rule"}};
constexpr Param norm_param[] = {
    {"norm", ParamKind::real, 1e-12, 1e12, 1, "the greatest norm that is left as it is"}};

constexpr Index sgd_rates = 3;
constexpr Index adam_rates = 9;
constexpr Index rmsprop_rates = 6;

/// The weights' form for each of the results, if all but the rates have it.
template <Index RateCount>
Result<Forms> step_form(const Attributes&, InputForms inputs) {
    const InputForms alike = inputs.first(inputs.size() - 1);
    for (const Form& form : alike) {
        if (form == inputs[0]) continue;
        return Error{Code::invalid, fmt::format("{} and {} do not fit each other",
                                                to_string(inputs[0]), to_string(form))};
    }
    if (inputs.back().sizes[0] != RateCount) {
        return Error{Code::invalid,
                     fmt::format("expected {} rates, got {}", RateCount, to_string(inputs.back()))};
    }
    if (alike.size() == 3) return Forms{inputs[0], inputs[0]};
    return Forms{inputs[0], inputs[0], inputs[0]};
}

Result<Forms> one_number(const Attributes&, InputForms) {
    return Forms{{Type::float32, {}}};
}

double few_per_element(const Attributes&, InputForms inputs, const Forms&) {
    constexpr double operations = 12;
    return operations * static_cast<double>(inputs[0].sizes.count());
}

constexpr OpRow rows[] = {
    {"sgd_step", "Weights and momentum after a step of SGD. Rates: rate, momentum, decay.",
     sgd_inputs, nesterov_param, step_form<sgd_rates>, reference::sgd_step, nullptr,
     few_per_element},
    {"adam_step",
     "Weights and both moments after a step of Adam or AdamW. Rates: beta1, 1 - beta1, beta2, "
     "1 - beta2, rate/(1 - beta1^t), 1/(1 - beta2^t), 1 - rate·decay, decay of the gradient, eps.",
     moment_inputs,
     {},
     step_form<adam_rates>,
     reference::adam_step,
     nullptr,
     few_per_element},
    {"rmsprop_step",
     "Weights, momentum and mean square after a step of RMSprop. Rates: rate, momentum, decay, "
     "alpha, 1 - alpha, eps.",
     moment_inputs,
     {},
     step_form<rmsprop_rates>,
     reference::rmsprop_step,
     nullptr,
     few_per_element},
    {"square_sum",
     "The sum of the squares of all elements, in 64 lanes.",
     any_x,
     {},
     one_number,
     reference::square_sum,
     nullptr,
     few_per_element},
    {"clip_factor", "norm / (√squares + 1e-6), at most 1.", square_norm, norm_param, one_number,
     reference::clip_factor},
};

}  // namespace

std::span<const OpRow> updates() {
    return rows;
}

}  // namespace shoal::engine::ops
