#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "simulation/plan.h"

namespace shoal::simulation {

/// A run that broke a promise: which, and at which step.
struct Failure {
    std::string what;
    std::uint64_t step = 0;
    std::uint64_t steps_under_faults = 0;
};

/// Plays a plan; nothing: it keeps every promise.
using Attempt = std::function<std::optional<Failure>(const Plan&)>;

struct Shrunk {
    Plan plan;
    Failure failure;
    std::uint64_t runs = 0;
};

/// The failing plan made small: the shortest time under faults, then without each fault and each
/// provider that it does not need, as long as it still fails.
Shrunk shrink(const Plan&, const Failure&, const Attempt&);

/// The last lines of an account that tell of what failed: what names the things that the failure
/// names, and what is about the world.
std::vector<std::string> relevant(const std::vector<std::string>& lines, const Failure&,
                                  std::size_t count_max);

}  // namespace shoal::simulation
