#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/hash.h"
#include "simulation/coverage.h"
#include "simulation/plan.h"
#include "simulation/stage.h"

namespace shoal::simulation {

/// What came of a run.
struct Outcome {
    std::string failure;      // the promise that was broken; empty: none
    std::uint64_t steps = 0;  // what happened, one by one
    std::uint64_t steps_under_faults = 0;
    std::uint64_t inputs = 0;  // of them and from them: what the market and providers decided
    std::uint64_t events = 0;
    std::uint64_t jobs = 0;
    std::uint64_t trail = 0;
    std::string state;  // the hash of the market's state at the end

    bool failed() const { return !failure.empty(); }
};
BOOST_DESCRIBE_STRUCT(Outcome, (),
                      (failure, steps, steps_under_faults, inputs, events, jobs, trail, state))

/// A run's outcome and what it came to on the way.
struct Report {
    Outcome outcome;
    Coverage coverage;
};
BOOST_DESCRIBE_STRUCT(Report, (), (outcome, coverage))

/// What the account says when the faults end.
constexpr std::string_view healed_line = "the world is healed";

/// Plays the plan: first under faults, when nothing may go wrong; then without, when everything
/// must come to its end.
Report run(const Plan&, Stage::Listener listener = {});

/// Twice: the same plan is the same run. The inputs of both are counted.
Report run_twice(const Plan&);

}  // namespace shoal::simulation
