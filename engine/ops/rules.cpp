#include "engine/ops/rules.h"

#include <algorithm>

#include <fmt/format.h>

#include "engine/tape.h"

namespace shoal::engine::ops {

Result<Forms> same_as_first(const Attributes&, InputForms inputs) {
    return Forms{inputs[0]};
}

Result<Forms> all_alike(const Attributes&, InputForms inputs) {
    for (const Form& form : inputs) {
        if (form.sizes == inputs[0].sizes) continue;
        return Error{Code::invalid, fmt::format("expected equal sizes, got {} and {}",
                                                to_string(inputs[0]), to_string(form))};
    }
    return Forms{inputs[0]};
}

Result<Forms> stretched(const Attributes&, InputForms inputs) {
    const Dims& a = inputs[0].sizes;
    const Dims& b = inputs[1].sizes;
    Dims sizes = a.rank() >= b.rank() ? a : b;
    for (Index i = 0; i < std::min(a.rank(), b.rank()); ++i) {
        const Index x = a.back(i);
        const Index y = b.back(i);
        if (x != y && x != 1 && y != 1) {
            return Error{Code::invalid, fmt::format("{} and {} do not fit each other",
                                                    to_string(inputs[0]), to_string(inputs[1]))};
        }
        sizes[sizes.rank() - 1 - i] = std::max(x, y);
    }
    return Forms{{inputs[0].type, sizes}};
}

Result<Tensor> sum_to(Tape& tape, const Tensor& tensor, const Dims& sizes) {
    if (tensor.sizes() == sizes) return tensor;
    return tape.call("sum_to", {tensor}, {{"sizes", sizes}});
}

Result<Index> axis_of(const Attributes& attributes, const Dims& sizes) {
    const Index axis = attributes.integer("axis");
    const Index counted = axis < 0 ? axis + sizes.rank() : axis;
    if (counted >= 0 && counted < sizes.rank()) return counted;
    return Error{Code::invalid, fmt::format("axis: {} is none of {}", axis, to_string(sizes))};
}

}  // namespace shoal::engine::ops
