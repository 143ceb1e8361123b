#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

namespace shoal {

/// An amount of money in lamports (10^-9 SOL; with chain/offline, of credit). A 64-bit whole
/// number; every sum is checked, so an overflow is an error or ends the process, never a wrap.
struct Lamports {
    std::int64_t value = 0;

    constexpr Lamports() = default;
    constexpr explicit Lamports(std::int64_t amount) : value(amount) {}
    friend auto operator<=>(Lamports, Lamports) = default;
};

/// exhausted: the sum does not fit 64 bits.
Result<Lamports> add(Lamports, Lamports);
Result<Lamports> subtract(Lamports, Lamports);

/// For sums that were checked when they were decided; a wrap here is a bug and ends the process.
Lamports operator+(Lamports, Lamports);
Lamports operator-(Lamports, Lamports);

/// `part` of 10,000 basis points of an amount that is not negative, rounded down; exact in 128
/// bits.
Lamports basis_points(Lamports, std::uint32_t part);

/// An amount as people write it: "2000000" lamports, or SOL with a unit, "0.002SOL".
/// invalid: anything else, more than nine decimals, a negative amount, more than 64 bits.
Result<Lamports> parse_lamports(std::string_view text);

/// The plain number of lamports, as on every wire.
std::string to_string(Lamports);

/// For people: "0.002", in units of 10^9 lamports without trailing zeros.
std::string to_decimal(Lamports);

}  // namespace shoal
