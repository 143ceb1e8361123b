#pragma once

#include "engine/math/lanes.h"

namespace shoal::engine {

/// e to the x, within 1.03 ulp; below -86.6434 it is +0, above 88.7228 infinite.
///
/// x is n·ln 2 + r with |r| at most half of ln 2; the polynomial gives e^r, and n goes into the
/// exponent in two steps, so that n = 128 does not overflow before the end.
template <class Lanes>
FloatOf<Lanes> exp(FloatOf<Lanes> x) {
    using Float = FloatOf<Lanes>;
    const Float shift = Lanes::constant(0x4b400000);  // 1.5 · 2^23: adding it rounds to a whole n
    const Float shifted = Lanes::fma(x, Lanes::constant(0x3fb8aa3b), shift);
    const Float n = shifted - shift;
    Float r = Lanes::fma(n, Lanes::constant(0xbf317200), x);
    r = Lanes::fma(n, Lanes::constant(0xb5bfbe8e), r);

    Float sum = polynomial<Lanes>(r, Lanes::constant(0x39500d01), 0x3ab60b61U, 0x3c088889U,
                                  0x3d2aaaabU, 0x3e2aaaabU, 0x3f000000U);
    sum = Lanes::fma(sum, r * r, r);
    sum = sum + Lanes::all(1.0F);

    const auto exponent = Lanes::bits_of(shifted - Lanes::all(1.0F)) << 23;
    Float result = Lanes::from_bits(Lanes::bits_of(sum) + exponent) * Lanes::all(2.0F);
    result = Lanes::select(Lanes::less(x, Lanes::constant(0xc2ad496b)), Lanes::all(0.0F), result);
    result = Lanes::select(Lanes::less(Lanes::constant(0x42b17218), x), Lanes::constant(0x7f800000),
                           result);
    return Lanes::select(Lanes::is_nan(x), Lanes::constant(0x7fc00000), result);
}

}  // namespace shoal::engine
