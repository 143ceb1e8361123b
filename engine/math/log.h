#pragma once

#include "engine/math/lanes.h"

namespace shoal::engine {

/// The natural logarithm, within 1 ulp; of zero it is -infinity, of less a NaN (7fc00000).
///
/// x is m·2^k with m from 2/3 to 4/3, so that m - 1 = f is exact and k is 0 near 1.
template <class Lanes>
FloatOf<Lanes> log(FloatOf<Lanes> x) {
    using Float = FloatOf<Lanes>;
    using Bits = typename Lanes::Bits;
    const Float zero = Lanes::all(0.0F);
    const auto subnormal = Lanes::less(x, Lanes::constant(0x00800000));
    const Float scaled = Lanes::select(subnormal, x * Lanes::constant(0x4b000000), x);  // · 2^23
    const Float lost = Lanes::select(subnormal, Lanes::all(23.0F), zero);

    const Bits offset = Lanes::bits_of(scaled) - Lanes::bits_of(Lanes::constant(0x3f2aaaab));
    const Bits exponent = offset & Lanes::bits_of(Lanes::constant(0xff800000));
    const Float k = Lanes::whole_from_shifted(offset, 23) - lost;
    const Float f = Lanes::from_bits(Lanes::bits_of(scaled) - exponent) - Lanes::all(1.0F);

    const Float sum = polynomial<Lanes>(f, Lanes::constant(0x3de80d11), 0xbdfe681bU, 0x3ddf8d78U,
                                        0xbdfbac4bU, 0x3e125946U, 0xbe2abc19U, 0x3e4cccaaU,
                                        0xbe7fffdbU, 0x3eaaaaabU, 0xbf000000U);
    // k·ln 2 in two parts, of which the first is exact.
    const Float rest = Lanes::fma(k, Lanes::constant(0x35bfbe8e), sum * (f * f)) + f;
    Float result = Lanes::fma(k, Lanes::constant(0x3f317200), rest);

    const Float infinite = Lanes::constant(0x7f800000);
    result = Lanes::select(Lanes::less(x, infinite), result, infinite);
    result = Lanes::select(Lanes::less(zero, x), result, Lanes::constant(0xff800000));
    const auto none = Lanes::less(x, zero) | Lanes::is_nan(x);
    return Lanes::select(none, Lanes::constant(0x7fc00000), result);
}

}  // namespace shoal::engine
