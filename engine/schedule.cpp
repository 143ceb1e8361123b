#include "engine/schedule.h"

#include <algorithm>

#include "core/check.h"
#include "engine/math/sin_cos.h"

namespace shoal::engine {

namespace {

double power(double base, std::int64_t exponent) {
    double result = 1;
    for (std::int64_t i = 0; i < exponent; ++i) result *= base;
    return result;
}

/// From `from` to `to` along half a cosine wave, as `share` goes from 0 to 1. The cosine is the
/// engine's, so that the rates of a job are the same bits wherever they are computed.
double wave(double from, double to, double share) {
    constexpr double half_turn = 3.14159265358979323846;
    const auto angle = static_cast<float>(half_turn * share);
    const auto cosine = static_cast<double>(cos<ScalarLanes>(angle));
    return to + (from - to) / 2 * (1 + cosine);
}

double share_of(std::int64_t step, double steps) {
    return std::clamp(static_cast<double>(step) / steps, 0.0, 1.0);
}

double factor(const StepDecay& s, std::int64_t step) {
    return power(s.factor, step / s.every);
}
double factor(const Exponential& s, std::int64_t step) {
    return power(s.factor, step);
}

double factor(const Cosine& s, std::int64_t step) {
    return wave(1, s.last, share_of(step, static_cast<double>(s.steps)));
}

double factor(const WarmUp& s, std::int64_t step) {
    return s.first + (1 - s.first) * share_of(step, static_cast<double>(s.steps));
}

double factor(const OneCycle& s, std::int64_t step) {
    const double top = s.rise * static_cast<double>(s.steps) - 1;
    const double last = static_cast<double>(s.steps) - 1;
    const double low = 1 / s.divide;
    if (static_cast<double>(step) <= top) return wave(low, 1, static_cast<double>(step) / top);
    const double share = (static_cast<double>(step) - top) / (last - top);
    return wave(1, low / s.divide_last, std::clamp(share, 0.0, 1.0));
}

}  // namespace

double factor_at(const Schedule& schedule, std::int64_t step) {
    check(step >= 0);
    return std::visit([step](const auto& s) { return factor(s, step); }, schedule);
}

double factor_at(const std::vector<Stage>& stages, std::int64_t step) {
    const Stage* now = nullptr;
    for (const Stage& stage : stages) {
        if (stage.begins <= step) now = &stage;
    }
    return now == nullptr ? 1 : factor_at(now->schedule, step - now->begins);
}

double Plateau::see(double measure) {
    const bool better = !seen_ || measure < best_ * (1 - limits_.threshold);
    if (better) {
        best_ = measure;
        worse_ = 0;
    } else {
        ++worse_;
    }
    seen_ = true;
    if (worse_ > limits_.patience) {
        factor_ = std::max(factor_ * limits_.factor, limits_.least);
        worse_ = 0;
    }
    return factor_;
}

}  // namespace shoal::engine
