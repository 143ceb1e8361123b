#pragma once

#include <compare>
#include <cstdint>

#include <boost/describe.hpp>

#include "core/json.h"
#include "core/time.h"
#include "protocol/resources.h"

namespace shoal::market {

/// How much a buyer has used, where what was used half a life ago counts half.
///
/// Instead of making old use smaller, new use is written larger: it is multiplied by
/// 2^(time / half-life), so that two buyers compare alike at every later moment without being
/// touched. (Forward decay: Cormode, Shkapenyuk, Srivastava and Xu, ICDE 2009.) A floating number
/// of its own, because the factor grows without end: mantissa x 2^exponent, the mantissa's highest
/// bit set, or zero. What is shifted out is dropped, the same on every machine.
struct DecayedUse {
    std::int64_t exponent = 0;
    std::uint64_t mantissa = 0;

    /// Larger is more; zero is least.
    friend std::strong_ordering operator<=>(const DecayedUse& a, const DecayedUse& b) {
        if (a.mantissa == 0 || b.mantissa == 0) return a.mantissa <=> b.mantissa;
        if (a.exponent != b.exponent) return a.exponent <=> b.exponent;
        return a.mantissa <=> b.mantissa;
    }
    friend bool operator==(const DecayedUse&, const DecayedUse&) = default;
};
BOOST_DESCRIBE_STRUCT(DecayedUse, (), (exponent, mantissa))

/// A use of `amount` at a time. The half-life must be at least 64 ms.
DecayedUse use_at(std::uint64_t amount, Time, Duration half_life);

DecayedUse operator+(const DecayedUse&, const DecayedUse&);

/// Zero where more is taken away than there is.
DecayedUse operator-(const DecayedUse&, const DecayedUse&);

/// What is compared between buyers: use by weight, which must not be zero.
DecayedUse share(const DecayedUse&, std::uint32_t weight);

/// What a use is worth at a time, to be shown: in the units that were given to use_at.
double worth(const DecayedUse&, Time, Duration half_life);

/// How much of a market a task occupies, in thousandths of a core: a core is 1,000, a GiB of memory
/// 256, a GPU 16,000. (As Slurm's billing weights; prices would let free machines count nothing.)
std::uint64_t units(const protocol::Resources&);

}  // namespace shoal::market
