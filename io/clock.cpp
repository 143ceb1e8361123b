#include "io/clock.h"

#include <algorithm>
#include <utility>

#include <time.h>

#include "core/check.h"

namespace shoal::io {

namespace {

Duration read_clock(clockid_t id) {
    timespec moment{};
    check(::clock_gettime(id, &moment) == 0);
    return std::chrono::duration_cast<Duration>(std::chrono::seconds(moment.tv_sec) +
                                                std::chrono::nanoseconds(moment.tv_nsec));
}

}  // namespace

MachineClocks machine_clocks() {
    return {[] { return Time{read_clock(CLOCK_REALTIME)}; },
            [] { return read_clock(CLOCK_BOOTTIME); }};
}

CoreClockSource::CoreClockSource(Time last_journalled, MachineClocks clocks)
    : clocks_(std::move(clocks)),
      start_(std::max(last_journalled, clocks_.wall())),
      boot_start_(clocks_.since_boot()),
      latest_(start_) {}

Time CoreClockSource::now() {
    latest_ = std::max(latest_, start_ + (clocks_.since_boot() - boot_start_));
    return latest_;
}

}  // namespace shoal::io
