#include "engine/op.h"

#include <cmath>
#include <string>

#include <fmt/format.h>

namespace shoal::engine {

namespace {

/// In floating point, since the product of hostile sizes does not fit a whole number.
bool few_elements(const Dims& sizes) {
    double count = 1;
    for (const Index size : sizes) count *= static_cast<double>(size);
    return count <= static_cast<double>(elements_max);
}

Status check_range(const Param& param, double number) {
    if (number >= param.low && number <= param.high) return Done{};
    return Error{Code::invalid, fmt::format("{}: expected a number from {} to {}, got {}",
                                            param.name, param.low, param.high, number)};
}

Status check_value(const Param& param, const Value& value) {
    switch (param.kind) {
        case ParamKind::integer:
            return check_range(param, static_cast<double>(value.integer));
        case ParamKind::real:
            return check_range(param, static_cast<double>(value.real));
        case ParamKind::integers:
            for (const Index number : value.integers) {
                const Status fits = check_range(param, static_cast<double>(number));
                if (!fits.ok()) return fits;
            }
            if (few_elements(value.integers)) return Done{};
            return Error{Code::invalid, fmt::format("{}: {} is more than a tensor can hold",
                                                    param.name, to_string(value.integers))};
    }
    check(false);
    return Done{};
}

Value fallback_of(const Param& param) {
    const bool whole = param.kind == ParamKind::integer;
    return {whole ? static_cast<Index>(param.fallback) : 0,
            whole ? 0 : static_cast<float>(param.fallback),
            {}};
}

/// The row's input that argument `i` stands for: the last may be repeated.
const Input& input_at(const OpRow& row, std::size_t i) {
    return row.inputs[i < row.inputs.size() ? i : row.inputs.size() - 1];
}

Status check_input(const Input& input, const Form& form) {
    if (form.type != input.type) {
        return Error{Code::invalid, fmt::format("{}: expected {}, got {}", input.name,
                                                to_string(input.type), to_string(form))};
    }
    if (form.sizes.rank() < input.rank_min || form.sizes.rank() > input.rank_max) {
        return Error{Code::invalid,
                     fmt::format("{}: expected {} to {} dimensions, got {}", input.name,
                                 input.rank_min, input.rank_max, to_string(form))};
    }
    for (const Index size : form.sizes) {
        if (size >= 1) continue;
        return Error{Code::invalid,
                     fmt::format("{}: a dimension is empty in {}", input.name, to_string(form))};
    }
    return Done{};
}

bool absent(const Input& input, const Form& form) {
    return input.presence == Presence::optional && form == Form{};
}

template <class Integer>
Status check_bound(const Input& input, const Tensor& tensor, Index bound) {
    const Integer* numbers = tensor.read<Integer>();
    for (Index i = 0; i < tensor.count(); ++i) {
        if (numbers[i] >= 0 && numbers[i] < bound) continue;
        return Error{Code::invalid,
                     fmt::format("{}: expected whole numbers from 0 to {}, got {} at place {}",
                                 input.name, bound - 1, numbers[i], i)};
    }
    return Done{};
}

}  // namespace

Result<Attributes> Attributes::make(const OpRow& row, std::span<const Argument> arguments) {
    check(row.params.size() <= params_max);
    Attributes made(row);
    std::size_t used = 0;
    for (std::size_t i = 0; i < row.params.size(); ++i) {
        made.values_[i] = fallback_of(row.params[i]);
        for (const Argument& argument : arguments) {
            if (argument.name != row.params[i].name) continue;
            made.values_[i] = argument.value;
            ++used;
        }
        const Status fits = check_value(row.params[i], made.values_[i]);
        if (!fits.ok()) return Error{fits.error().code, row.name + (": " + fits.error().what)};
    }
    if (used == arguments.size()) return made;
    return Error{Code::invalid,
                 fmt::format("{}: a parameter that the op does not have, or twice", row.name)};
}

const Value& Attributes::value(std::string_view name) const {
    for (std::size_t i = 0; i < row_->params.size(); ++i) {
        if (name == row_->params[i].name) return values_[i];
    }
    check(false);
    return values_[0];
}

Result<Forms> check_call(const OpRow& row, const Attributes& attributes, InputForms inputs) {
    const bool repeated = row.inputs.back().presence == Presence::repeated;
    const bool fits = repeated ? inputs.size() >= row.inputs.size() && inputs.size() <= inputs_max
                               : inputs.size() == row.inputs.size();
    if (!fits) {
        return Error{Code::invalid, fmt::format("{}: expected {} inputs, got {}", row.name,
                                                row.inputs.size(), inputs.size())};
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (absent(input_at(row, i), inputs[i])) continue;
        const Status good = check_input(input_at(row, i), inputs[i]);
        if (!good.ok()) return Error{good.error().code, row.name + (": " + good.error().what)};
    }
    Result<Forms> forms = row.shape(attributes, inputs);
    if (!forms.ok()) return Error{forms.error().code, row.name + (": " + forms.error().what)};
    for (std::size_t i = 0; i < forms.value().count(); ++i) {
        if (few_elements(forms.value()[i].sizes)) continue;
        return Error{Code::invalid, fmt::format("{}: the result would be {}", row.name,
                                                to_string(forms.value()[i]))};
    }
    return forms;
}

Status check_indices(const OpRow& row, const Attributes& attributes,
                     std::span<const Tensor> inputs) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const Input& input = input_at(row, i);
        const bool by_param = input.domain == Domain::below_param;
        if ((input.domain != Domain::below_size && !by_param) || !inputs[i]) continue;
        check(input.type == Type::int32);
        const Index bound =
            by_param ? attributes.integer(input.bound_param)
                     : inputs[static_cast<std::size_t>(input.bound_input)].size(input.bound_axis);
        const Status good = check_bound<std::int32_t>(input, inputs[i], bound);
        if (!good.ok()) return Error{good.error().code, row.name + (": " + good.error().what)};
    }
    return Done{};
}

Cost cost_of(const OpRow& row, const Attributes& attributes, InputForms inputs,
             const Forms& outputs) {
    Cost cost;
    double elements = 0;
    const auto add_bytes = [&cost](const Form& form) {
        cost.bytes += static_cast<double>(form.sizes.count() * bytes_of(form.type));
    };
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (!absent(input_at(row, i), inputs[i])) add_bytes(inputs[i]);
    }
    for (std::size_t i = 0; i < outputs.count(); ++i) {
        add_bytes(outputs[i]);
        elements += static_cast<double>(outputs[i].sizes.count());
    }
    cost.flops = row.flops != nullptr ? row.flops(attributes, inputs, outputs) : elements;
    return cost;
}

}  // namespace shoal::engine
