#include "io/clock.h"

#include <set>

#include <doctest/doctest.h>

#include "io/entropy.h"

namespace shoal::io {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

struct MadeUpClocks {
    Time wall{hours(1'000)};
    Duration since_boot{hours(5)};

    MachineClocks view() {
        return {[this] { return wall; }, [this] { return since_boot; }};
    }
};

TEST_CASE("the core's clock starts at the wall clock and follows the time since boot") {
    MadeUpClocks machine;
    CoreClockSource clock(Time{}, machine.view());
    CHECK(clock.now() == Time{hours(1'000)});
    machine.since_boot += milliseconds(7);
    CHECK(clock.now() == Time{hours(1'000) + milliseconds(7)});
}

TEST_CASE("the core's clock starts no earlier than the last journalled time") {
    MadeUpClocks machine;
    CoreClockSource clock(Time{hours(1'001)}, machine.view());
    CHECK(clock.now() == Time{hours(1'001)});
}

TEST_CASE("a wall clock that jumps by a day moves nothing") {
    MadeUpClocks machine;
    CoreClockSource clock(Time{}, machine.view());
    for (const auto jump : {hours(24), hours(-48)}) {
        machine.wall += jump;
        const Time before = clock.now();
        machine.since_boot += milliseconds(3);
        CHECK(clock.now() == before + milliseconds(3));
    }
}

TEST_CASE("the core's clock never goes back") {
    MadeUpClocks machine;
    CoreClockSource clock(Time{}, machine.view());
    machine.since_boot += milliseconds(10);
    const Time before = clock.now();
    machine.since_boot -= milliseconds(4);
    CHECK(clock.now() == before);
}

TEST_CASE("the machine's clocks run") {
    const MachineClocks machine = machine_clocks();
    CHECK(machine.wall() > Time{hours(24 * 365 * 50)});
    CHECK(machine.since_boot() > Duration{});
    CoreClockSource clock(Time{});
    CHECK(clock.now() <= clock.now());
}

TEST_CASE("entropy is new each time") {
    std::set<std::array<std::uint8_t, 32>> seen;
    for (int i = 0; i < 64; ++i) CHECK(seen.insert(entropy()).second);
}

}  // namespace
}  // namespace shoal::io
