// The simulation itself: the same plan is the same run, a fault that is left out does not strike, a
// planted bug breaks a promise. SEED=n plays one run alone.

#include <cstdlib>
#include <string>

#include <doctest/doctest.h>

#include "simulation/run.h"

namespace shoal::simulation {
namespace {

Plan short_plan(std::uint64_t seed) {
    Plan plan;
    plan.seed = seed;
    plan.length = Duration{100'000};
    return plan;
}

TEST_CASE("whatever goes wrong, every promise is kept, and the same plan is the same run") {
    const char* only = std::getenv("SEED");
    const std::uint64_t first = only ? std::strtoull(only, nullptr, 10) : 1;
    const std::uint64_t last = only ? first : 4;
    std::uint64_t jobs = 0;
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        CAPTURE(seed);
        const Report report = run_twice(short_plan(seed));
        CHECK(report.outcome.failure == "");
        jobs += report.outcome.jobs;
    }
    CHECK(jobs > 0);
}

TEST_CASE("another seed is another run") {
    CHECK(run(short_plan(1)).outcome.trail != run(short_plan(2)).outcome.trail);
}

TEST_CASE("a fault that is left out does not strike, and none strikes in a world without") {
    Plan plan = short_plan(1);
    for (const Fault fault : all_faults()) plan.without.insert(fault);
    const Report report = run(plan);
    CHECK(report.outcome.failure == "");
    CHECK(report.coverage.faults.empty());
    CHECK(report.outcome.jobs > 0);
}

TEST_CASE("the time under faults ends after so many steps") {
    Plan plan = short_plan(1);
    plan.steps_max = 50;
    CHECK(run(plan).outcome.steps_under_faults == 50);
}

TEST_CASE("a bug in the shell breaks a promise, and the account ends with it") {
    Plan plan = short_plan(1);
    plan.bug = Bug::answer_before_commit;
    std::string last;
    const Report report = run(plan, [&](std::uint64_t, const std::string& line) { last = line; });
    CHECK(report.outcome.failed());
    CHECK(last == "BROKEN: " + report.outcome.failure);
}

}  // namespace
}  // namespace shoal::simulation
