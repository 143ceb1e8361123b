#pragma once

#include <vector>

#include "core/hash.h"
#include "core/random.h"
#include "engine/op.h"

namespace shoal::engine {

/// A call that fits its row. What is tested of ops is tested on these, which are drawn from the row
/// alone: a new op is tested as soon as it has a row.
struct Case {
    const OpRow* row;
    std::vector<Argument> arguments;
    std::vector<Tensor> inputs;
};

/// Draws parameters and sizes until the row's shape rule accepts them, then elements in the inputs'
/// domains: different ones, an eighth apart, so that no maximum has a rival nearby.
Case random_case(const OpRow&, Random&, Arena&);

/// The forms and the elements of results; a NaN is 7fc00000 whatever its bits.
Hash hash_of(std::span<const Tensor>);

std::vector<const OpRow*> every_row();

}  // namespace shoal::engine
