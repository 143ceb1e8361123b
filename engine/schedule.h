#pragma once

#include <cstdint>
#include <variant>
#include <vector>

namespace shoal::engine {

// How a learning rate changes over the steps, as in PyTorch: each gives a factor of the base rate
// for a step, counted from 0. Step counts are above zero.

/// The rate falls by `factor` every so many steps.
struct StepDecay {
    std::int64_t every;
    double factor;
};

/// The rate falls by `factor` each step.
struct Exponential {
    double factor;
};

/// Half a wave of a cosine from 1 down to `last` in so many steps, and then `last`.
struct Cosine {
    std::int64_t steps;
    double last;
};

/// A line from `first` up to 1 in so many steps, and then 1.
struct WarmUp {
    std::int64_t steps;
    double first;
};

/// Up from 1/divide to 1 in the share `rise` of the steps, then down to 1/(divide·divide_last);
/// both are halves of a cosine wave.
struct OneCycle {
    std::int64_t steps;
    double rise;
    double divide;
    double divide_last;
};

using Schedule = std::variant<StepDecay, Exponential, Cosine, WarmUp, OneCycle>;

double factor_at(const Schedule&, std::int64_t step);

/// Schedules one after the other: each begins at its step, and counts from there.
struct Stage {
    std::int64_t begins;
    Schedule schedule;
};
double factor_at(const std::vector<Stage>&, std::int64_t step);

/// Lowers the rate when a measure that should fall has not done so for a while.
class Plateau {
public:
    struct Limits {
        double factor = 0.1;
        int patience = 10;        // measures that may pass without a better one
        double threshold = 1e-4;  // the share by which a better one must be lower
        double least = 0;         // of the factor
    };

    explicit Plateau(const Limits& limits) : limits_(limits) {}

    /// The factor of the base rate after this measure.
    double see(double measure);

private:
    Limits limits_;
    double factor_ = 1;
    double best_ = 0;
    bool seen_ = false;
    int worse_ = 0;
};

}  // namespace shoal::engine
