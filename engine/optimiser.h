#pragma once

#include <span>
#include <vector>

#include "engine/tape.h"

namespace shoal::engine {

enum class Method { sgd, adam, adamw, rmsprop };

/// The numbers of a method, named as in PyTorch and with its defaults.
struct OptimiserSettings {
    Method method = Method::sgd;
    double momentum = 0;
    bool nesterov = false;
    double weight_decay = 0;
    double beta1 = 0.9;
    double beta2 = 0.999;
    double alpha = 0.99;
    double eps = 1e-8;
    double clip_norm = 0;  // 0: gradients are left as they are
};

/// Moves parameters against their gradients.
///
/// The formulas are PyTorch's, in a fixed order (`reference/updates.cpp`). What changes from step
/// to step is computed in double precision by multiplications alone, rounded once, and handed to
/// the op as a tensor.
class Optimiser {
public:
    /// invalid: a setting out of its range.
    static Result<Optimiser> make(const OptimiserSettings&, std::span<const Tensor> parameters,
                                  Arena&);

    /// Replaces each parameter by what it is after one step with this learning rate. invalid: as
    /// many gradients as parameters are expected, in their order and of their sizes.
    Status step(Tape&, std::span<Tensor> parameters, std::span<const Tensor> gradients,
                double rate);

    std::span<const Tensor> first_moments() const { return first_; }
    std::span<const Tensor> second_moments() const { return second_; }

private:
    explicit Optimiser(const OptimiserSettings& settings) : settings_(settings) {}
    Tensor rates(Arena&, double rate) const;
    Result<Tensor> clip(Tape&, std::span<const Tensor> gradients) const;
    Status step_one(Tape&, std::size_t i, Tensor& parameter, const Tensor& gradient,
                    const Tensor& rates);

    OptimiserSettings settings_;
    std::vector<Tensor> first_;
    std::vector<Tensor> second_;
    double beta1_power_ = 1;
    double beta2_power_ = 1;
};

}  // namespace shoal::engine
