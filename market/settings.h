#pragma once

#include <cstdint>
#include <optional>

#include "core/seal.h"
#include "core/time.h"
#include "market/blob_holds.h"

namespace shoal::market {

/// A market's fixed choices.
struct Settings {
    Duration lease_term{60'000};
    Duration retry_delay{1'000};  // doubled with each retry of a task
    Duration retry_delay_max{60'000};
    Duration paid_time_min{60'000};  // a lease that buys less time than this is not granted
    Duration starving_after{
        60'000};  // a task that fits but finds no room has room kept for it then
    std::uint32_t fee_basis_points = 1'000;
    std::uint32_t cache_basis_points = 1'000;  // of what a result cost, for giving it again
    Retention retention;
    std::optional<SealKey> seal_key{};  // of secrets; without it there are none
};

}  // namespace shoal::market
