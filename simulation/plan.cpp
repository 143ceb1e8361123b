#include "simulation/plan.h"

#include <algorithm>

#include <boost/mp11/algorithm.hpp>

#include "core/check.h"

namespace shoal::simulation {

namespace {

template <class Enum>
std::string_view name_of(Enum wanted) {
    std::string_view name;
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<Enum>>([&](auto enumerator) {
        if (enumerator.value == wanted) name = enumerator.name;
    });
    check(!name.empty());
    return name;
}

template <class Enum>
std::vector<Enum> all_of() {
    std::vector<Enum> all;
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<Enum>>(
        [&](auto enumerator) { all.push_back(enumerator.value); });
    return all;
}

/// The most that a fault strikes, per million occasions; the least is a 30th of it.
std::uint32_t rate_max(Fault fault) {
    switch (fault) {
        case Fault::delay:
            return 100'000;
        case Fault::loss:
        case Fault::duplication:
        case Fault::reordering:
            return 60'000;
        case Fault::broken_connection:
            return 3'000;
        case Fault::partition:
            return 500;
        case Fault::disk_full:
            return 600;
        case Fault::write_failed:
            return 3'000;
        case Fault::write_torn:
        case Fault::write_lost:
        case Fault::snapshot_damaged:
            return 4'000'000;  // of the crashes that may leave one: in many runs of each
        case Fault::market_crash:
            return 2'000;
        case Fault::provider_crash:
            return 1'500;
        case Fault::provider_away:
            return 300;
        case Fault::drain:
            return 2'000;
        case Fault::shim_killed:
            return 100'000;
        case Fault::machine_fault:
            return 250'000;
        case Fault::transfer_failed:
            return 1'200'000;
        case Fault::lie:
            return 1'000'000;  // of the times that it says it lives
        case Fault::key_lost:
            return 1'000'000;  // of the market's starts
    }
    return 0;
}

/// What is rare strikes more often in a short run, so that it is seen at all.
std::uint64_t nudged(std::uint64_t rate, const Plan& plan) {
    constexpr std::uint64_t common = 10'000;
    constexpr Duration long_enough{3'600'000};
    constexpr std::int64_t most = 20;
    if (rate >= common || plan.length >= long_enough) return rate;
    const std::int64_t times = long_enough / std::max(plan.length, Duration{1});
    return rate * static_cast<std::uint64_t>(std::min(times, most));
}

/// Between the two, each order of magnitude equally likely.
std::uint64_t scaled(Random& random, std::uint64_t least, std::uint64_t most) {
    std::uint64_t value = least;
    while (value < most / 2 && random.percent(60)) value *= 2;
    return random.between(value, std::min(value * 2, most));
}

}  // namespace

std::string_view to_string(Fault fault) {
    return name_of(fault);
}

std::vector<Fault> all_faults() {
    return all_of<Fault>();
}

std::string_view to_string(Bug bug) {
    return name_of(bug);
}

std::vector<Bug> all_bugs() {
    std::vector<Bug> bugs = all_of<Bug>();
    std::erase(bugs, Bug::none);
    return bugs;
}

World draw_world(Random& random, const Plan& plan) {
    World world;
    for (const Fault fault : all_faults()) {
        const std::uint64_t most = nudged(rate_max(fault), plan);
        const bool is_on = random.percent(60);
        const auto rate = static_cast<std::uint32_t>(scaled(random, most / 30, most));
        // Drawn in any case: without one fault, the others are as they were.
        if (is_on && !plan.without.contains(fault)) {
            world.per_million[static_cast<std::size_t>(fault)] = rate;
        }
    }
    constexpr std::uint32_t buyers_max = 4;
    world.buyers = static_cast<std::uint32_t>(random.between(1, buyers_max));
    world.think = Duration{scaled(random, 1'000, 60'000)};
    world.lease_term = Duration{random.percent(50) ? 60'000 : 20'000 + random.below(60'000)};
    world.retry_delay = Duration{100 + random.below(2'000)};
    const bool keeps_long = random.percent(30);
    world.keep_upload = Duration{keeps_long ? 3'600'000 : 60'000 + random.below(600'000)};
    world.keep_blob = Duration{keeps_long ? 86'400'000 : 60'000 + random.below(1'800'000)};
    constexpr std::uint32_t fees[] = {0, 1'000, 1'000, 3'333, 10'000};
    world.fee_basis_points = fees[random.below(std::size(fees))];
    world.as_text = random.percent(15);
    world.snapshot_after = static_cast<std::uint32_t>(scaled(random, 10, 1'000));
    return world;
}

}  // namespace shoal::simulation
