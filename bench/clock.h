#pragma once

// What the programs of bench/ measure with: time that passes, and processor time of this process.

#include <chrono>

#include <sys/resource.h>

#include "core/check.h"

namespace shoal::bench {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Of all threads, in the system too.
inline double cpu_seconds() {
    rusage use{};
    check(getrusage(RUSAGE_SELF, &use) == 0);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(use.ru_utime) + seconds(use.ru_stime);
}

}  // namespace shoal::bench
