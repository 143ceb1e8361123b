#include "engine/reference/convolutions.h"

#include <algorithm>
#include <vector>

#include "engine/reference/rows.h"

namespace shoal::engine::reference {

namespace {

Slide slide_of(const Attributes& attributes, Index size, Index length) {
    return {size, attributes.integer("stride"), attributes.integer("padding"),
            attributes.integer("dilation"), length};
}

/// A convolution by its sizes: x[n, c, h, w], weight[o, c / groups, r, s], y[n, o, i, j].
struct Geometry {
    Slide down;
    Slide across;
    Index batch;
    Index groups;
    Index group_in;   // channels of x in a group
    Index group_out;  // channels of y in a group

    Geometry(const Attributes& attributes, const Dims& x, const Dims& weight)
        : down(slide_of(attributes, weight[2], x[2])),
          across(slide_of(attributes, weight[3], x[3])),
          batch(x[0]),
          groups(attributes.integer("groups")),
          group_in(weight[1]),
          group_out(weight[0] / groups) {}

    Index inputs() const { return groups * group_in; }
    Index outputs() const { return groups * group_out; }
    Index x_place(Index n, Index c, Index h, Index w) const {
        return ((n * inputs() + c) * down.length + h) * across.length + w;
    }
    Index y_place(Index n, Index o, Index i, Index j) const {
        return ((n * outputs() + o) * down.results() + i) * across.results() + j;
    }
    /// Of the weight between channel o and the channel number `c` of its group.
    Index weight_place(Index o, Index c, Index r, Index s) const {
        return ((o * group_in + c) * down.size + r) * across.size + s;
    }
};

template <class Work>
void for_each(Index a, Index b, Index c, Index d, const Work& work) {
    for (Index i = 0; i < a * b * c * d; ++i)
        work(i / (b * c * d), i / (c * d) % b, i / d % c, i % d);
}

// Term number (c·R + r)·S + s.
float conv_result(const Geometry& g, const float* x, const float* weight, Index n, Index o, Index i,
                  Index j) {
    const Index first = o / g.group_out * g.group_in;
    Chain chain;
    for_each(1, g.group_in, g.down.size, g.across.size, [&](Index, Index c, Index r, Index s) {
        const Index h = g.down.place(i, r);
        const Index w = g.across.place(j, s);
        if (!g.down.inside(h) || !g.across.inside(w)) return;
        chain.add((c * g.down.size + r) * g.across.size + s, x[g.x_place(n, first + c, h, w)],
                  weight[g.weight_place(o, c, r, s)]);
    });
    return chain.sum();
}

// Term number (o·R + r)·S + s, o counted in the group.
float data_result(const Geometry& g, const float* dy, const float* weight, Index n, Index c,
                  Index h, Index w) {
    const Index first = c / g.group_in * g.group_out;
    Chain chain;
    for_each(1, g.group_out, g.down.size, g.across.size, [&](Index, Index o, Index r, Index s) {
        const Index i = g.down.result_of(h, r);
        const Index j = g.across.result_of(w, s);
        if (i < 0 || j < 0) return;
        chain.add((o * g.down.size + r) * g.across.size + s, dy[g.y_place(n, first + o, i, j)],
                  weight[g.weight_place(first + o, c % g.group_in, r, s)]);
    });
    return chain.sum();
}

// Term number (n·OH + i)·OW + j.
float weight_result(const Geometry& g, const float* dy, const float* x, Index o, Index c, Index r,
                    Index s) {
    const Index channel = o / g.group_out * g.group_in + c;
    Chain chain;
    for_each(1, g.batch, g.down.results(), g.across.results(),
             [&](Index, Index n, Index i, Index j) {
                 const Index h = g.down.place(i, r);
                 const Index w = g.across.place(j, s);
                 if (!g.down.inside(h) || !g.across.inside(w)) return;
                 chain.add((n * g.down.results() + i) * g.across.results() + j,
                           dy[g.y_place(n, o, i, j)], x[g.x_place(n, channel, h, w)]);
             });
    return chain.sum();
}

/// The planes of x[n, c, h, w] and the window that pools them.
struct Pooling {
    Slide down;
    Slide across;
    Index planes;
    bool count_padding;

    Pooling(const OpCall& call, const Dims& x)
        : down{call.attributes.integer("size"), call.attributes.integer("stride"),
               call.attributes.integer("padding"), 1, x[2]},
          across(down),
          planes(x[0] * x[1]),
          count_padding(false) {
        across.length = x[3];
    }
    Index plane_size() const { return down.length * across.length; }
    Index result_count() const { return down.results() * across.results(); }

    /// Calls work(place in the plane) for what the window of result `at` sees, row by row.
    template <class Work>
    void look(Index at, const Work& work) const {
        const Index i = at / across.results();
        const Index j = at % across.results();
        for_each(1, 1, down.size, across.size, [&](Index, Index, Index r, Index s) {
            const Index h = down.place(i, r);
            const Index w = across.place(j, s);
            if (down.inside(h) && across.inside(w)) work(h * across.length + w);
        });
    }

    Index place_of_max(const float* plane, Index at) const {
        Index best = -1;
        look(at, [&](Index place) {
            if (best < 0 || plane[place] > plane[best]) best = place;
        });
        return best;
    }

    /// How many places a mean is over.
    Index share(Index at) const {
        if (count_padding) return down.size * across.size;
        Index count = 0;
        look(at, [&count](Index) { ++count; });
        return count;
    }
};

}  // namespace

void conv2d(const OpCall& call) {
    const Geometry g(call.attributes, call.inputs[0].sizes(), call.inputs[1].sizes());
    float* y = call.y();
    for_each(g.batch, g.outputs(), g.down.results(), g.across.results(),
             [&](Index n, Index o, Index i, Index j) {
                 const float sum = conv_result(g, call.x(0), call.x(1), n, o, i, j);
                 *y++ = call.inputs[2] ? sum + call.x(2)[o] : sum;
             });
}

void conv2d_data_gradient(const OpCall& call) {
    const Geometry g(call.attributes, call.outputs[0].sizes(), call.inputs[1].sizes());
    float* dx = call.y();
    for_each(g.batch, g.inputs(), g.down.length, g.across.length,
             [&](Index n, Index c, Index h, Index w) {
                 *dx++ = data_result(g, call.x(0), call.x(1), n, c, h, w);
             });
}

void conv2d_weight_gradient(const OpCall& call) {
    const Geometry g(call.attributes, call.inputs[1].sizes(), call.outputs[0].sizes());
    float* dw = call.y();
    for_each(g.outputs(), g.group_in, g.down.size, g.across.size,
             [&](Index o, Index c, Index r, Index s) {
                 *dw++ = weight_result(g, call.x(0), call.x(1), o, c, r, s);
             });
}

void max_pool2d(const OpCall& call) {
    const Pooling pooling(call, call.inputs[0].sizes());
    float* y = call.y();
    for (Index plane = 0; plane < pooling.planes; ++plane) {
        const float* x = call.x(0) + plane * pooling.plane_size();
        for (Index at = 0; at < pooling.result_count(); ++at) {
            *y++ = x[pooling.place_of_max(x, at)];
        }
    }
}

// Where windows overlap, a place gets its gradients in the order of the results.
void max_pool2d_gradient(const OpCall& call) {
    const Pooling pooling(call, call.inputs[1].sizes());
    std::vector<Chain> sums(static_cast<std::size_t>(call.outputs[0].count()));
    const float* dy = call.x(0);
    for (Index plane = 0; plane < pooling.planes; ++plane) {
        const Index first = plane * pooling.plane_size();
        for (Index at = 0; at < pooling.result_count(); ++at) {
            const Index best = pooling.place_of_max(call.x(1) + first, at);
            sums.data()[first + best].add(at, 1.0F, *dy++);
        }
    }
    std::ranges::transform(sums, call.y(), [](const Chain& chain) { return chain.sum(); });
}

void average_pool2d(const OpCall& call) {
    Pooling pooling(call, call.inputs[0].sizes());
    pooling.count_padding = call.attributes.integer("count_padding") != 0;
    float* y = call.y();
    std::vector<float> seen;
    for (Index plane = 0; plane < pooling.planes; ++plane) {
        const float* x = call.x(0) + plane * pooling.plane_size();
        for (Index at = 0; at < pooling.result_count(); ++at) {
            seen.clear();
            pooling.look(at, [&](Index place) { seen.push_back(x[place]); });
            *y++ = row_sum(seen.data(), 1, static_cast<Index>(seen.size())) /
                   static_cast<float>(pooling.share(at));
        }
    }
}

void average_pool2d_gradient(const OpCall& call) {
    Pooling pooling(call, call.outputs[0].sizes());
    pooling.count_padding = call.attributes.integer("count_padding") != 0;
    std::vector<Chain> sums(static_cast<std::size_t>(call.outputs[0].count()));
    const float* dy = call.x(0);
    for (Index plane = 0; plane < pooling.planes; ++plane) {
        for (Index at = 0; at < pooling.result_count(); ++at) {
            const float part = *dy++ / static_cast<float>(pooling.share(at));
            pooling.look(at, [&](Index place) {
                sums.data()[plane * pooling.plane_size() + place].add(at, 1.0F, part);
            });
        }
    }
    std::ranges::transform(sums, call.y(), [](const Chain& chain) { return chain.sum(); });
}

}  // namespace shoal::engine::reference
