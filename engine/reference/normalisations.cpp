#include "engine/reference/normalisations.h"

#include <cmath>
#include <vector>

#include "engine/math/exp.h"
#include "engine/math/log.h"
#include "engine/reference/rows.h"

namespace shoal::engine::reference {

namespace {

Index row_size(const Tensor& tensor) {
    return tensor.sizes().back();
}
Index row_count(const Tensor& tensor) {
    return tensor.count() / row_size(tensor);
}

struct Moments {
    float mean;
    float scale;  // one over the root of the variance and eps
};

float scale_of(float variance, float eps) {
    return 1.0F / std::sqrt(variance + eps);
}

Moments moments(const float* x, Index count, float eps) {
    const auto size = static_cast<float>(count);
    const float mean = row_sum(x, 1, count) / size;
    std::vector<float> away(static_cast<std::size_t>(count));
    for (Index i = 0; i < count; ++i) away.data()[i] = x[i] - mean;
    const float variance = row_dot(away.data(), 1, away.data(), 1, count) / size;
    return {mean, scale_of(variance, eps)};
}

float root_scale(const float* x, Index count, float eps) {
    return scale_of(row_dot(x, 1, x, 1, count) / static_cast<float>(count), eps);
}

/// dx of a row from g = dy·γ and x̂: scale·(g - mean(g) - x̂·mean(g·x̂)); without mean(g) where the
/// norm takes no mean off.
void row_gradient(const std::vector<float>& g, const std::vector<float>& normal, float scale,
                  bool centred, float* dx) {
    const auto count = static_cast<Index>(g.size());
    const auto size = static_cast<float>(count);
    const float mean = centred ? row_sum(g.data(), 1, count) / size : 0.0F;
    const float along = row_dot(g.data(), 1, normal.data(), 1, count) / size;
    for (std::size_t i = 0; i < g.size(); ++i) {
        dx[i] = scale * std::fma(-normal[i], along, g[i] - mean);
    }
}

/// The gradients of layer_norm and rms_norm; dγ is a chain over the rows.
void norm_gradient(const OpCall& call, bool centred) {
    const Tensor& x = call.inputs[1];
    const Index size = row_size(x);
    const float eps = call.attributes.real("eps");
    std::vector<Chain> dgamma(static_cast<std::size_t>(size));
    std::vector<float> normal(dgamma.size());
    std::vector<float> g(dgamma.size());
    for (Index row = 0; row < row_count(x); ++row) {
        const float* from = call.x(1) + row * size;
        const float* dy = call.x(0) + row * size;
        const Moments m =
            centred ? moments(from, size, eps) : Moments{0.0F, root_scale(from, size, eps)};
        for (std::size_t i = 0; i < g.size(); ++i) {
            normal[i] = centred ? (from[i] - m.mean) * m.scale : from[i] * m.scale;
            g[i] = dy[i] * call.x(2)[i];
            dgamma[i].add(row, dy[i], normal[i]);
        }
        row_gradient(g, normal, m.scale, centred, call.y(0) + row * size);
    }
    for (std::size_t i = 0; i < dgamma.size(); ++i) call.y(1)[i] = dgamma[i].sum();
}

/// The elements of one channel of x[n, c, …], in order.
class Channel {
public:
    Channel(const Dims& sizes, Index channel)
        : inner_(sizes.count(2, sizes.rank())), channels_(sizes[1]), channel_(channel) {
        count = sizes[0] * inner_;
    }
    Index place(Index i) const { return (i / inner_ * channels_ + channel_) * inner_ + i % inner_; }

    Index count;

private:
    Index inner_;
    Index channels_;
    Index channel_;
};

std::vector<float> take(const float* x, const Channel& channel) {
    std::vector<float> row(static_cast<std::size_t>(channel.count));
    for (Index i = 0; i < channel.count; ++i) row.data()[i] = x[channel.place(i)];
    return row;
}

}  // namespace

SoftRow soft_row(const float* x, float* e, Index count) {
    float max = x[0];
    for (Index i = 1; i < count; ++i) max = x[i] > max ? x[i] : max;
    for (Index i = 0; i < count; ++i) e[i] = exp<ScalarLanes>(x[i] - max);
    return {max, row_sum(e, 1, count)};
}

void softmax(const OpCall& call) {
    const Index size = row_size(call.inputs[0]);
    for (Index row = 0; row < row_count(call.inputs[0]); ++row) {
        float* y = call.y() + row * size;
        const SoftRow soft = soft_row(call.x(0) + row * size, y, size);
        for (Index i = 0; i < size; ++i) y[i] = y[i] / soft.sum;
    }
}

void softmax_gradient(const OpCall& call) {
    const Index size = row_size(call.inputs[1]);
    for (Index row = 0; row < row_count(call.inputs[1]); ++row) {
        const float* dy = call.x(0) + row * size;
        const float* y = call.x(1) + row * size;
        const float along = row_dot(dy, 1, y, 1, size);
        for (Index i = 0; i < size; ++i) call.y()[row * size + i] = y[i] * (dy[i] - along);
    }
}

void log_softmax(const OpCall& call) {
    const Index size = row_size(call.inputs[0]);
    for (Index row = 0; row < row_count(call.inputs[0]); ++row) {
        const float* x = call.x(0) + row * size;
        float* y = call.y() + row * size;
        const SoftRow soft = soft_row(x, y, size);
        const float whole = log<ScalarLanes>(soft.sum);
        for (Index i = 0; i < size; ++i) y[i] = (x[i] - soft.max) - whole;
    }
}

void log_softmax_gradient(const OpCall& call) {
    const Index size = row_size(call.inputs[1]);
    for (Index row = 0; row < row_count(call.inputs[1]); ++row) {
        const float* dy = call.x(0) + row * size;
        const float* y = call.x(1) + row * size;
        const float whole = row_sum(dy, 1, size);
        for (Index i = 0; i < size; ++i) {
            call.y()[row * size + i] = std::fma(-exp<ScalarLanes>(y[i]), whole, dy[i]);
        }
    }
}

void layer_norm(const OpCall& call) {
    const Index size = row_size(call.inputs[0]);
    for (Index row = 0; row < row_count(call.inputs[0]); ++row) {
        const float* x = call.x(0) + row * size;
        const Moments m = moments(x, size, call.attributes.real("eps"));
        for (Index i = 0; i < size; ++i) {
            call.y()[row * size + i] =
                std::fma((x[i] - m.mean) * m.scale, call.x(1)[i], call.x(2)[i]);
        }
    }
}

void rms_norm(const OpCall& call) {
    const Index size = row_size(call.inputs[0]);
    for (Index row = 0; row < row_count(call.inputs[0]); ++row) {
        const float* x = call.x(0) + row * size;
        const float scale = root_scale(x, size, call.attributes.real("eps"));
        for (Index i = 0; i < size; ++i) {
            call.y()[row * size + i] = (x[i] * scale) * call.x(1)[i];
        }
    }
}

void layer_norm_gradient(const OpCall& call) {
    norm_gradient(call, true);
}
void rms_norm_gradient(const OpCall& call) {
    norm_gradient(call, false);
}

void batch_norm(const OpCall& call) {
    const Dims& sizes = call.inputs[0].sizes();
    for (Index c = 0; c < sizes[1]; ++c) {
        const Channel channel(sizes, c);
        const std::vector<float> x = take(call.x(0), channel);
        const auto size = static_cast<float>(channel.count);
        const float mean = row_sum(x.data(), 1, channel.count) / size;
        std::vector<float> away = x;
        for (float& number : away) number = number - mean;
        const float variance = row_dot(away.data(), 1, away.data(), 1, channel.count) / size;
        const float scale = scale_of(variance, call.attributes.real("eps"));
        for (Index i = 0; i < channel.count; ++i) {
            call.y(0)[channel.place(i)] =
                std::fma(away.data()[i] * scale, call.x(1)[c], call.x(2)[c]);
        }
        call.y(1)[c] = mean;
        call.y(2)[c] = variance;
    }
}

// dx = (γ·r)·fma(-x̂, dγ/m, dy - dβ/m).
void batch_norm_gradient(const OpCall& call) {
    const Dims& sizes = call.inputs[1].sizes();
    for (Index c = 0; c < sizes[1]; ++c) {
        const Channel channel(sizes, c);
        const std::vector<float> dy = take(call.x(0), channel);
        std::vector<float> normal = take(call.x(1), channel);
        const float scale = scale_of(call.x(4)[c], call.attributes.real("eps"));
        Chain dgamma;
        Chain dbeta;
        for (std::size_t i = 0; i < dy.size(); ++i) {
            normal[i] = (normal[i] - call.x(3)[c]) * scale;
            dgamma.add(static_cast<Index>(i), dy[i], normal[i]);
            dbeta.add(static_cast<Index>(i), 1.0F, dy[i]);
        }
        call.y(1)[c] = dgamma.sum();
        call.y(2)[c] = dbeta.sum();
        const auto size = static_cast<float>(channel.count);
        const float along = dgamma.sum() / size;
        const float mean = dbeta.sum() / size;
        for (Index i = 0; i < channel.count; ++i) {
            call.y(0)[channel.place(i)] =
                (call.x(2)[c] * scale) * std::fma(-normal.data()[i], along, dy.data()[i] - mean);
        }
    }
}

}  // namespace shoal::engine::reference
