#pragma once

#include "engine/op.h"

// Shape rules and steps of gradients that several families share.

namespace shoal::engine::ops {

/// One result like the first input.
Result<Forms> same_as_first(const Attributes&, InputForms);

/// invalid: the inputs' sizes differ. One result like them.
Result<Forms> all_alike(const Attributes&, InputForms);

/// invalid: two sizes differ and none is 1. The last axes are matched; sizes of 1 are stretched.
Result<Forms> stretched(const Attributes&, InputForms);

/// The tensor, or its sum over what was stretched to get from `sizes` to it.
Result<Tensor> sum_to(Tape&, const Tensor&, const Dims& sizes);

/// invalid: the axis is none of the tensor's. Counted from the end if negative.
Result<Index> axis_of(const Attributes&, const Dims& sizes);

}  // namespace shoal::engine::ops
