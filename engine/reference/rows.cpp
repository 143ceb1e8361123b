#include "engine/reference/rows.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace shoal::engine::reference {

namespace {

constexpr Index lane_count = 64;
constexpr Index block_size = 65'536;
constexpr Index slice_size = 256;

float block_dot(const float* x, Index x_step, const float* y, Index y_step, Index count) {
    std::array<float, lane_count> lanes{};
    for (Index i = 0; i < count; ++i) {
        float& lane = lanes[static_cast<std::size_t>(i % lane_count)];
        lane = std::fma(x[i * x_step], y[i * y_step], lane);
    }
    for (std::size_t half = lane_count / 2; half > 0; half /= 2) {
        for (std::size_t i = 0; i < half; ++i) lanes[i] = lanes[i] + lanes[i + half];
    }
    return 0.0F + lanes[0];
}

}  // namespace

float row_dot(const float* x, Index x_step, const float* y, Index y_step, Index count) {
    float sum = 0;
    for (Index first = 0; first < count; first += block_size) {
        const Index size = std::min(block_size, count - first);
        const float part = block_dot(x + first * x_step, x_step, y + first * y_step, y_step, size);
        sum = first == 0 ? part : sum + part;
    }
    return sum;
}

float row_sum(const float* x, Index step, Index count) {
    constexpr float one = 1;
    return row_dot(x, step, &one, 0, count);
}

void Chain::add(Index number, float a, float b) {
    if (number / slice_size != slice_number_) {
        whole_ = whole_ + slice_;
        slice_ = 0;
        slice_number_ = number / slice_size;
    }
    slice_ = std::fma(a, b, slice_);
}

float Chain::sum() const {
    return whole_ + slice_;
}

}  // namespace shoal::engine::reference
