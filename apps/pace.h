#pragma once

#include <algorithm>
#include <cstdint>

#include "core/time.h"

namespace shoal::apps {

/// How fast a peer may go on: so many units a second, of which a second's worth may come at once.
/// Whoever is faster is not refused but read later.
class Pace {
public:
    explicit Pace(std::uint64_t per_second) : per_second_(per_second) {}

    /// So many units came. How long to wait until the next may.
    Duration spend(std::uint64_t units, Time now) {
        if (!begun_) free_at_ = now;
        begun_ = true;
        // What was not used for more than a second is lost.
        free_at_ = std::max(free_at_, now - burst);
        debt_ += units * static_cast<std::uint64_t>(burst.count());
        free_at_ += Duration{static_cast<std::int64_t>(debt_ / per_second_)};
        debt_ %= per_second_;
        return std::max(free_at_ - now, Duration{0});
    }

private:
    static constexpr Duration burst{1'000};

    std::uint64_t per_second_;
    std::uint64_t debt_ = 0;  // in units by milliseconds, less than one millisecond's
    Time free_at_{};
    bool begun_ = false;
};

}  // namespace shoal::apps
