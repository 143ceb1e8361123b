#include "ledger/price.h"

#include <limits>

#include "core/check.h"
#include "core/limits.h"

namespace shoal::ledger {

using protocol::Price;

namespace {

__extension__ using Wide = unsigned __int128;

constexpr Wide amount_max = std::numeric_limits<std::int64_t>::max();
constexpr Wide bytes_per_gib = Wide{1} << 30;
constexpr Wide milliseconds_per_hour = 3'600'000;

/// The start and the whole lamports of the time, and whether a fraction of a lamport remains.
struct Total {
    Wide whole;
    bool fraction;
};

Wide wide(Lamports amount) {
    check(amount.value >= 0);
    return static_cast<Wide>(amount.value);
}

/// Nothing here can overflow, whatever the price and the footprint: the rate (lamports an hour,
/// times the bytes of a GiB) is below 2^128, its quotient below 2^77, ten years below 2^39.
Total total(const Price& price, const Footprint& footprint, Duration time) {
    check(time.count() >= 0 && time <= limits::charged_time_max);
    const auto length = static_cast<Wide>(time.count());
    const Wide machine = wide(price.hour) + wide(price.core_hour) * footprint.cores +
                         wide(price.gpu_hour) * footprint.gpus;
    const Wide rate = machine * bytes_per_gib + wide(price.gib_hour) * footprint.memory.bytes;
    const Wide divisor = bytes_per_gib * milliseconds_per_hour;
    const Wide rest = (rate % divisor) * length;
    return {wide(price.start) + (rate / divisor) * length + rest / divisor, rest % divisor != 0};
}

}  // namespace

Split split(Lamports charge, std::uint32_t fee_basis_points) {
    const Lamports fee = basis_points(charge, fee_basis_points);
    return {charge - fee, fee};
}

Status check_price(const Price& price) {
    for (const Lamports part :
         {price.start, price.hour, price.core_hour, price.gpu_hour, price.gib_hour}) {
        if (part < Lamports{}) {
            return Error{Code::invalid,
                         "expected a price of zero or more lamports, got " + to_string(part)};
        }
    }
    return Done{};
}

Lamports charge(const Price& price, const Footprint& footprint, Duration time) {
    const Wide whole = total(price, footprint, time).whole;
    return Lamports{static_cast<std::int64_t>(whole < amount_max ? whole : amount_max)};
}

Result<Lamports> quote(const Price& price, const Footprint& footprint, Duration time) {
    const Total exact = total(price, footprint, time);
    const Wide rounded = exact.whole + (exact.fraction ? 1 : 0);
    if (rounded > amount_max) {
        return Error{Code::exhausted, "expected a total that fits 64 bits of lamports"};
    }
    return Lamports{static_cast<std::int64_t>(rounded)};
}

}  // namespace shoal::ledger
