#pragma once

#include <functional>

#include "core/time.h"

namespace shoal::io {

/// The clocks of the machine, which a test replaces.
struct MachineClocks {
    std::function<Time()> wall;            // UTC; people and time servers may set it
    std::function<Duration()> since_boot;  // never goes back, counts while the machine sleeps
};

MachineClocks machine_clocks();

/// Tells the core what time it is.
///
/// It starts at the wall clock, or at the last time in the journal if that is later, and from then
/// on follows the time since boot: it never goes back, and when somebody sets the wall clock
/// nothing happens here. For one thread.
class CoreClockSource {
public:
    explicit CoreClockSource(Time last_journalled, MachineClocks clocks = machine_clocks());

    Time now();

private:
    MachineClocks clocks_;
    Time start_;
    Duration boot_start_;
    Time latest_;
};

}  // namespace shoal::io
