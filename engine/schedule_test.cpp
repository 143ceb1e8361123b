#include "engine/schedule.h"

#include <cmath>
#include <vector>

#include <doctest/doctest.h>

namespace shoal::engine {
namespace {

constexpr double pi = 3.14159265358979323846;

void check_near(double found, double expected) {
    CHECK(std::abs(found - expected) < 1e-6);
}

TEST_CASE("steps and powers") {
    const Schedule steps = StepDecay{10, 0.5};
    check_near(factor_at(steps, 9), 1);
    check_near(factor_at(steps, 10), 0.5);
    check_near(factor_at(steps, 35), 0.125);
    const Schedule powers = Exponential{0.9};
    check_near(factor_at(powers, 0), 1);
    check_near(factor_at(powers, 12), std::pow(0.9, 12));
}

TEST_CASE("a cosine falls to its last value and stays") {
    const Schedule schedule = Cosine{20, 0.1};
    for (int step = 0; step <= 20; ++step) {
        check_near(factor_at(schedule, step), 0.1 + 0.9 * (1 + std::cos(pi * step / 20)) / 2);
    }
    check_near(factor_at(schedule, 1000), 0.1);
}

TEST_CASE("one cycle rises to 1 and falls far below its start") {
    const Schedule schedule = OneCycle{100, 0.3, 25, 10'000};
    check_near(factor_at(schedule, 0), 1.0 / 25);
    check_near(factor_at(schedule, 29), 1);
    check_near(factor_at(schedule, 99), 1.0 / 250'000);
    const double share = 10.0 / 29;
    check_near(factor_at(schedule, 10), 1 - (1 - 0.04) / 2 * (1 + std::cos(pi * share)));
    for (int step = 30; step < 99; ++step) {
        CHECK(factor_at(schedule, step) < factor_at(schedule, step - 1));
    }
}

TEST_CASE("stages follow each other, each counted from its beginning") {
    const std::vector<Stage> stages = {{0, WarmUp{4, 0}}, {4, Cosine{6, 0}}};
    check_near(factor_at(stages, 0), 0);
    check_near(factor_at(stages, 3), 0.75);
    check_near(factor_at(stages, 4), 1);
    check_near(factor_at(stages, 7), 0.5);
    check_near(factor_at(stages, 10), 0);
    check_near(factor_at(std::vector<Stage>{}, 5), 1);
}

TEST_CASE("a plateau lowers the rate once patience is over, and not below the least") {
    Plateau plateau({.factor = 0.5, .patience = 2, .threshold = 0.01, .least = 0.2});
    check_near(plateau.see(1.0), 1);
    check_near(plateau.see(0.5), 1);    // better
    check_near(plateau.see(0.499), 1);  // too little better: worse, 1
    check_near(plateau.see(0.6), 1);    // worse, 2
    check_near(plateau.see(0.6), 0.5);  // worse, 3
    check_near(plateau.see(0.6), 0.5);
    check_near(plateau.see(0.6), 0.5);
    check_near(plateau.see(0.6), 0.25);
    for (int more = 0; more < 9; ++more) plateau.see(0.6);
    check_near(plateau.see(0.6), 0.2);
}

}  // namespace
}  // namespace shoal::engine
