#include "engine/reference/losses.h"

#include <cmath>

#include "engine/reference/normalisations.h"

namespace shoal::engine::reference {

namespace {

/// What cross_entropy and its gradient read, from the input number `first` on.
struct Labelled {
    const float* logits;
    const std::int32_t* targets;
    const float* weights;  // of the classes; none: all 1
    Index rows;
    Index classes;
    float smoothing;

    Labelled(const OpCall& call, std::size_t first)
        : logits(call.x(first)),
          targets(call.inputs[first + 1].read<std::int32_t>()),
          weights(call.inputs[first + 2] ? call.x(first + 2) : nullptr),
          rows(call.inputs[first].size(0)),
          classes(call.inputs[first].size(1)),
          smoothing(call.attributes.real("smoothing")) {}

    float weight(Index c) const { return weights == nullptr ? 1.0F : weights[c]; }
    float target_weight(Index row) const { return weight(targets[row]); }
    /// What each class gets of the smoothing.
    float share() const { return smoothing / static_cast<float>(classes); }

    /// The sum of the weights of the targets: what the mean is over.
    float whole() const {
        std::vector<float> each(static_cast<std::size_t>(rows));
        for (Index row = 0; row < rows; ++row) each.data()[row] = target_weight(row);
        return row_sum(each.data(), 1, rows);
    }
};

}  // namespace

// A row's loss is (1 - ε)·w_y·(log s - (x_y - max)) + ε/C·Σ_c w_c·(log s - (x_c - max)).
void cross_entropy(const OpCall& call) {
    const Labelled data(call, 0);
    std::vector<float> e(static_cast<std::size_t>(data.classes));
    std::vector<float> losses(static_cast<std::size_t>(data.rows));
    for (Index row = 0; row < data.rows; ++row) {
        const float* x = data.logits + row * data.classes;
        const SoftRow soft = soft_row(x, e.data(), data.classes);
        const float whole = log<ScalarLanes>(soft.sum);
        const float own = whole - (x[data.targets[row]] - soft.max);
        for (Index c = 0; c < data.classes; ++c) {
            e.data()[c] = data.weight(c) * (whole - (x[c] - soft.max));
        }
        const float smooth = row_sum(e.data(), 1, data.classes);
        losses.data()[row] = std::fma(data.share(), smooth,
                                      ((1.0F - data.smoothing) * data.target_weight(row)) * own);
    }
    *call.y() = row_sum(losses.data(), 1, data.rows) / data.whole();
}

// dx_c = ((1 - ε)·w_y·(p_c - [c = y]) + ε/C·(p_c·Σw - w_c)) / Σ_rows w_y, times the gradient that
// arrives.
void cross_entropy_gradient(const OpCall& call) {
    const Labelled data(call, 1);
    std::vector<float> weights(static_cast<std::size_t>(data.classes));
    for (Index c = 0; c < data.classes; ++c) weights.data()[c] = data.weight(c);
    const float all_weights = row_sum(weights.data(), 1, data.classes);
    const float whole = data.whole();
    for (Index row = 0; row < data.rows; ++row) {
        float* dx = call.y() + row * data.classes;
        const SoftRow soft = soft_row(data.logits + row * data.classes, dx, data.classes);
        const float own = (1.0F - data.smoothing) * data.target_weight(row);
        for (Index c = 0; c < data.classes; ++c) {
            const float p = dx[c] / soft.sum;
            const float sharp = own * (p - (c == data.targets[row] ? 1.0F : 0.0F));
            const float smooth = std::fma(p, all_weights, -data.weight(c));
            dx[c] = (std::fma(data.share(), smooth, sharp) / whole) * *call.x(0);
        }
    }
}

}  // namespace shoal::engine::reference
