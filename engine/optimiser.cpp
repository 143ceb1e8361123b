#include "engine/optimiser.h"

#include <algorithm>

#include <fmt/format.h>

namespace shoal::engine {

namespace {

Tensor zeros_like(Arena& arena, const Tensor& tensor) {
    Tensor made(arena, tensor.form());
    std::fill_n(made.write<float>(), made.count(), 0.0F);
    return made;
}

bool below_one(double number) {
    return number >= 0 && number < 1;
}

bool in_range(const OptimiserSettings& s) {
    const bool sizes = s.weight_decay >= 0 && s.eps >= 0 && s.clip_norm >= 0;
    const bool averages = below_one(s.beta1) && below_one(s.beta2) && below_one(s.alpha);
    return sizes && averages && below_one(s.momentum);
}

}  // namespace

Result<Optimiser> Optimiser::make(const OptimiserSettings& settings,
                                  std::span<const Tensor> parameters, Arena& arena) {
    if (!in_range(settings)) {
        return Error{Code::invalid,
                     "momentum, beta1, beta2 and alpha are from 0 to below 1, and weight_decay, "
                     "eps and clip_norm not below 0"};
    }
    if (settings.nesterov && settings.momentum == 0) {
        return Error{Code::invalid, "Nesterov's rule needs a momentum"};
    }
    Optimiser made(settings);
    for (const Tensor& parameter : parameters) {
        made.first_.push_back(zeros_like(arena, parameter));
        if (settings.method == Method::sgd) continue;
        made.second_.push_back(zeros_like(arena, parameter));
    }
    return made;
}

Tensor Optimiser::rates(Arena& arena, double rate) const {
    const OptimiserSettings& s = settings_;
    const auto row = [&arena](std::initializer_list<double> numbers) {
        Tensor made(arena, {Type::float32, {static_cast<Index>(numbers.size())}});
        std::ranges::transform(numbers, made.write<float>(),
                               [](double number) { return static_cast<float>(number); });
        return made;
    };
    switch (s.method) {
        case Method::sgd:
            return row({rate, s.momentum, s.weight_decay});
        case Method::rmsprop:
            return row({rate, s.momentum, s.weight_decay, s.alpha, 1 - s.alpha, s.eps});
        case Method::adam:
        case Method::adamw:
            break;
    }
    const bool decoupled = s.method == Method::adamw;
    return row({s.beta1, 1 - s.beta1, s.beta2, 1 - s.beta2, rate / (1 - beta1_power_),
                1 / (1 - beta2_power_), decoupled ? 1 - rate * s.weight_decay : 1,
                decoupled ? 0 : s.weight_decay, s.eps});
}

/// The factor that brings the norm of all gradients down to clip_norm.
Result<Tensor> Optimiser::clip(Tape& tape, std::span<const Tensor> gradients) const {
    Tensor squares;
    for (const Tensor& gradient : gradients) {
        const Tensor own = TRY(tape.call("square_sum", {gradient}));
        if (!squares) {
            squares = own;
            continue;
        }
        auto more = tape.call("add", {squares, own});
        if (!more.ok()) return more.error();
        squares = std::move(more).value();
    }
    return tape.call("clip_factor", {squares}, {{"norm", static_cast<float>(settings_.clip_norm)}});
}

Status Optimiser::step_one(Tape& tape, std::size_t i, Tensor& parameter, const Tensor& gradient,
                           const Tensor& rates) {
    if (settings_.method == Method::sgd) {
        const Tensor inputs[] = {parameter, gradient, first_[i], rates};
        const Argument arguments[] = {{"nesterov", settings_.nesterov ? 1 : 0}};
        const Outputs moved = TRY(tape.call_all("sgd_step", inputs, arguments));
        parameter = moved[0];
        first_[i] = moved[1];
        return Done{};
    }
    const Tensor inputs[] = {parameter, gradient, first_[i], second_[i], rates};
    const bool rmsprop = settings_.method == Method::rmsprop;
    const Outputs moved = TRY(tape.call_all(rmsprop ? "rmsprop_step" : "adam_step", inputs, {}));
    parameter = moved[0];
    first_[i] = moved[1];
    second_[i] = moved[2];
    return Done{};
}

Status Optimiser::step(Tape& tape, std::span<Tensor> parameters, std::span<const Tensor> gradients,
                       double rate) {
    if (parameters.size() != first_.size() || gradients.size() != first_.size()) {
        return Error{Code::invalid,
                     fmt::format("expected {} parameters and gradients, got {} and {}",
                                 first_.size(), parameters.size(), gradients.size())};
    }
    beta1_power_ *= settings_.beta1;
    beta2_power_ *= settings_.beta2;
    const Tensor numbers = rates(tape.arena(), rate);
    Tensor factor;
    if (settings_.clip_norm > 0) factor = TRY(clip(tape, gradients));
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        auto gradient =
            factor ? tape.call("multiply", {gradients[i], factor}) : Result<Tensor>(gradients[i]);
        if (!gradient.ok()) return gradient.error();
        const Status moved = step_one(tape, i, parameters[i], gradient.value(), numbers);
        if (!moved.ok()) return moved;
    }
    return Done{};
}

}  // namespace shoal::engine
