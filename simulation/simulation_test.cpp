// The simulation itself: the same plan is the same run, faults can be left out, and a broken
// promise is seen. SEED=n plays one run alone.

#include <cstdlib>
#include <string>

#include <doctest/doctest.h>

#include "simulation/facts.h"
#include "simulation/queue.h"
#include "simulation/run.h"

namespace shoal::simulation {
namespace {

Plan short_plan(std::uint64_t seed) {
    Plan plan;
    plan.seed = seed;
    plan.length = Duration{900'000};
    return plan;
}

TEST_CASE("whatever goes wrong, every promise is kept, and the same plan is the same run") {
    const char* only = std::getenv("SEED");
    const std::uint64_t first = only ? std::strtoull(only, nullptr, 10) : 1;
    const std::uint64_t last = only ? first : 6;
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        CAPTURE(seed);
        const Report report = run_twice(short_plan(seed));
        CHECK(report.outcome.failure.empty());
        CHECK(report.outcome.jobs > 0);
    }
}

}  // namespace
}  // namespace shoal::simulation
