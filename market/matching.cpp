#include "market/matching.h"

#include <algorithm>

#include "core/check.h"

namespace shoal::market {

using protocol::Price;

namespace {

constexpr Duration hour{3'600'000};

/// The longest whole number of milliseconds for which the price stays within the money.
std::optional<Duration> affordable(const Price& price, const protocol::Resources& needed,
                                   Lamports money, Duration most) {
    const auto fits = [&](Duration time) {
        const auto cost = ledger::quote(price, footprint(needed), time);
        return cost.ok() && cost.value() <= money;
    };
    if (!fits(Duration{})) return std::nullopt;
    Duration low{};
    Duration high = most;
    while (low < high) {  // the cost grows with the time
        const Duration middle = low + (high - low + Duration{1}) / 2;
        if (fits(middle)) {
            low = middle;
        } else {
            high = middle - Duration{1};
        }
    }
    return low;
}

}  // namespace

ledger::Footprint footprint(const protocol::Resources& needed) {
    return {needed.cores, needed.gpu.count, needed.memory};
}

Result<Lamports> hourly(const Price& price, const protocol::Resources& needed) {
    return ledger::quote(price, footprint(needed), hour);
}

bool has_room(const protocol::Offer& offer, const Usage& usage, const protocol::Resources& needed) {
    const auto fits = [](std::uint64_t used, std::uint64_t wanted, std::uint64_t whole) {
        return used <= whole && wanted <= whole - used;
    };
    return usage.attempts < offer.attempts_max &&
           fits(usage.cores, needed.cores, offer.capacity.cores) &&
           fits(usage.memory_bytes, needed.memory.bytes, offer.capacity.memory.bytes) &&
           fits(usage.disk_bytes, needed.disk.bytes, offer.capacity.disk.bytes) &&
           fits(usage.gpus, needed.gpu.count, offer.capacity.gpu.count);
}

bool within_cap(const Price& price, const protocol::JobSpec& spec) {
    const auto cost = hourly(price, spec.resources);
    return cost.ok() && (!spec.price.max_hour || cost.value() <= *spec.price.max_hour);
}

std::optional<Allowance> allowance(const Job& job, std::size_t tasks_waiting, const Price& price,
                                   Duration time_min) {
    const auto waiting = static_cast<std::int64_t>(tasks_waiting);
    check(waiting > 0);
    const Lamports free = job.hold - job.charged - job.reserved;
    const Duration wanted = job.spec.limits.time.length;
    const auto whole = ledger::quote(price, footprint(job.spec.resources), wanted);
    // check() has ended the process where there are none, which the analyzer does not follow.
    const Lamports share{free.value / waiting};  // NOLINT(clang-analyzer-core.DivideZero)
    if (whole.ok() && whole.value() <= share) return Allowance{whole.value(), wanted};
    const auto time = affordable(price, job.spec.resources, share, wanted);
    if (!time || *time < std::min(time_min, wanted)) return std::nullopt;
    return Allowance{share, *time};
}

Duration billed(const Attempt& attempt, Time now) {
    if (!attempt.started) return Duration{};
    if (attempt.exited) return attempt.ran;
    return std::min(now - *attempt.started, attempt.time_max);
}

}  // namespace shoal::market
