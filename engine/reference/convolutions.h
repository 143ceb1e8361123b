#pragma once

#include "engine/op.h"

namespace shoal::engine::reference {

void conv2d(const OpCall&);
void conv2d_data_gradient(const OpCall&);
void conv2d_weight_gradient(const OpCall&);
void max_pool2d(const OpCall&);
void max_pool2d_gradient(const OpCall&);
void average_pool2d(const OpCall&);
void average_pool2d_gradient(const OpCall&);

/// A window that slides over an axis: where its place `tap` lies when it makes result `at`.
struct Slide {
    Index size;  // places of the window
    Index stride;
    Index padding;
    Index dilation;
    Index length;  // of the axis

    /// How many results there are; none if the window does not fit once.
    Index results() const {
        const Index reach = length + 2 * padding - dilation * (size - 1) - 1;
        return reach < 0 ? 0 : reach / stride + 1;
    }
    Index place(Index at, Index tap) const { return at * stride + tap * dilation - padding; }
    bool inside(Index place) const { return place >= 0 && place < length; }
    /// The result that reads `place` by its `tap`; -1 if none does.
    Index result_of(Index place, Index tap) const {
        const Index moved = place + padding - tap * dilation;
        if (moved < 0 || moved % stride != 0) return -1;
        return moved / stride < results() ? moved / stride : -1;
    }
};

}  // namespace shoal::engine::reference
