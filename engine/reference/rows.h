#pragma once

#include "engine/index.h"

// The three orders in which sums are made. Every op that adds names one of them.

namespace shoal::engine::reference {

/// The sum of x·y over a row of 64 lanes: element i goes to lane i mod 64 by a fused multiply-add;
/// the lanes are folded, the upper half onto the lower, and the result is added to +0. A row longer
/// than 65,536 is cut into blocks, whose sums are added in order.
float row_dot(const float* x, Index x_step, const float* y, Index y_step, Index count);

/// The same with ones for y.
float row_sum(const float* x, Index step, Index count);

/// A sum of products whose terms are numbered and come in ascending order: one chain of fused
/// multiply-adds from +0 for each slice of 256 numbers, the slices added in order to +0. Leaving a
/// term out does not number the others anew.
class Chain {
public:
    void add(Index number, float a, float b);
    float sum() const;

private:
    float whole_ = 0;
    float slice_ = 0;
    Index slice_number_ = 0;
};

}  // namespace shoal::engine::reference
