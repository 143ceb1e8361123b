#include "engine/optimiser.h"

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace shoal::engine {
namespace {

/// PyTorch's formulas as its documentation has them, in double precision, for one weight.
struct Model {
    OptimiserSettings s;
    double w;
    double m = 0;
    double v = 0;
    int t = 0;

    void step(double g, double rate) {
        ++t;
        if (s.method == Method::adamw) {
            w -= rate * s.weight_decay * w;
        } else {
            g += s.weight_decay * w;
        }
        switch (s.method) {
            case Method::sgd:
                m = t == 1 ? g : s.momentum * m + g;
                w -= rate * (s.nesterov ? g + s.momentum * m : m);
                return;
            case Method::rmsprop:
                v = s.alpha * v + (1 - s.alpha) * g * g;
                m = s.momentum * m + g / (std::sqrt(v) + s.eps);
                w -= rate * m;
                return;
            case Method::adam:
            case Method::adamw:
                m = s.beta1 * m + (1 - s.beta1) * g;
                v = s.beta2 * v + (1 - s.beta2) * g * g;
                const double m_hat = m / (1 - std::pow(s.beta1, t));
                const double v_hat = v / (1 - std::pow(s.beta2, t));
                w -= rate * m_hat / (std::sqrt(v_hat) + s.eps);
                return;
        }
    }
};

constexpr std::array start{0.5F, -1.25F, 2.0F};

/// The gradient of a bowl with its bottom at 0.3, 1 and -0.5.
float slope(std::size_t i, float w) {
    constexpr std::array bottom{0.3F, 1.0F, -0.5F};
    return 2 * (w - bottom[i]);
}

double rate_at(int step) {
    return 0.05 / (1 + 0.1 * step);
}

void check_trajectory(const OptimiserSettings& settings) {
    Arena arena;
    ReferenceBackend reference;
    Tape tape(arena, reference);
    std::array parameters{Tensor::of<float>(arena, {3}, start)};
    auto optimiser = Optimiser::make(settings, parameters, arena);
    REQUIRE(optimiser.ok());
    Optimiser moving = std::move(optimiser).value();
    std::vector<Model> models;
    models.reserve(start.size());
    for (const float w : start) models.push_back({settings, static_cast<double>(w)});
    for (int step = 0; step < 40; ++step) {
        std::array gradients{Tensor(arena, {Type::float32, {3}})};
        for (std::size_t i = 0; i < start.size(); ++i) {
            const float g = slope(i, parameters[0].read<float>()[i]);
            gradients[0].write<float>()[i] = g;
            models[i].step(static_cast<double>(g), rate_at(step));
        }
        REQUIRE(moving.step(tape, parameters, gradients, rate_at(step)).ok());
        tape.next_step();
        for (std::size_t i = 0; i < start.size(); ++i) {
            CAPTURE(step);
            CAPTURE(i);
            CHECK(std::abs(static_cast<double>(parameters[0].read<float>()[i]) - models[i].w) <
                  2e-5);
        }
    }
}

TEST_CASE("SGD moves as PyTorch's formulas say") {
    check_trajectory({.method = Method::sgd});
    check_trajectory({.method = Method::sgd, .momentum = 0.9, .weight_decay = 0.01});
    check_trajectory({.method = Method::sgd, .momentum = 0.8, .nesterov = true});
}

TEST_CASE("Adam, AdamW and RMSprop move as PyTorch's formulas say") {
    check_trajectory({.method = Method::adam});
    check_trajectory({.method = Method::adam, .weight_decay = 0.1});
    check_trajectory({.method = Method::adamw, .weight_decay = 0.1});
    check_trajectory({.method = Method::rmsprop});
    check_trajectory({.method = Method::rmsprop, .momentum = 0.5});
}

TEST_CASE("gradients above the norm are brought down to it, others left alone") {
    Arena arena;
    ReferenceBackend reference;
    Tape tape(arena, reference);
    const auto moved = [&](std::array<float, 2> gradient) {
        const std::array<float, 2> zero{};
        std::array parameters{Tensor::of<float>(arena, {2}, zero)};
        const std::array gradients{Tensor::of<float>(arena, {2}, gradient)};
        Optimiser sgd =
            Optimiser::make({.method = Method::sgd, .clip_norm = 1}, parameters, arena).value();
        REQUIRE(sgd.step(tape, parameters, gradients, 1).ok());
        return std::array{parameters[0].read<float>()[0], parameters[0].read<float>()[1]};
    };
    const auto clipped = moved({3, 4});
    CHECK(std::abs(clipped[0] + 0.6F) < 1e-5F);
    CHECK(std::abs(clipped[1] + 0.8F) < 1e-5F);
    CHECK(moved({0.25F, 0.5F}) == std::array{-0.25F, -0.5F});
}

TEST_CASE("settings out of range, and gradients that are missing, are refused") {
    Arena arena;
    ReferenceBackend reference;
    Tape tape(arena, reference);
    std::array parameters{Tensor::of<float>(arena, {3}, start)};
    CHECK(!Optimiser::make({.momentum = 1}, parameters, arena).ok());
    CHECK(!Optimiser::make({.nesterov = true}, parameters, arena).ok());
    CHECK(!Optimiser::make({.beta2 = 1.5}, parameters, arena).ok());
    Optimiser sgd = Optimiser::make({}, parameters, arena).value();
    const Status refused = sgd.step(tape, parameters, {}, 0.1);
    REQUIRE(!refused.ok());
    CHECK(refused.error().what == "expected 1 parameters and gradients, got 1 and 0");
}

}  // namespace
}  // namespace shoal::engine
