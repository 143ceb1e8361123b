#pragma once

#include <cstdint>

#include "core/result.h"
#include "core/time.h"
#include "core/units.h"
#include "protocol/ledger.h"

namespace shoal::ledger {

/// The platform's part of a charge unless the operator says otherwise, in basis points.
constexpr std::uint32_t fee_basis_points_default = 1'000;

/// How a charge is divided.
struct Split {
    Lamports provider;
    Lamports fee;

    friend bool operator==(const Split&, const Split&) = default;
};

/// The fee is rounded down; the remainder goes to the provider. The parts always sum to the charge.
/// The charge must not be negative, the fee at most 10,000 basis points.
Split split(Lamports charge, std::uint32_t fee_basis_points = fee_basis_points_default);

/// What a task occupies, as far as it is priced.
struct Footprint {
    std::uint32_t cores = 0;
    std::uint32_t gpus = 0;
    Size memory;
};

/// invalid: a part of the price is negative. Offers of peers pass here before they are charged.
Status check_price(const protocol::Price&);

/// What a lease has cost after `time`: exact over milliseconds, rounded down once. It is the
/// caller's to cap by the hold; what does not fit 64 bits is the largest amount, which any hold
/// caps. The price must have passed check_price, the time must be from zero to ten years.
Lamports charge(const protocol::Price&, const Footprint&, Duration time);

/// The most that `time` may cost: the same sum, rounded up once.
/// exhausted: it does not fit 64 bits. The same is asked of price and time as by charge.
Result<Lamports> quote(const protocol::Price&, const Footprint&, Duration time);

}  // namespace shoal::ledger
