#pragma once

#include "engine/math/tanh.h"

namespace shoal::engine {

/// The error function. Up to 475/512 a polynomial in x²; from there to 4 it is 1 - e^(-p), p a
/// polynomial in |x|; above, it is 1. NaN gives 7fc00000.
template <class Lanes>
FloatOf<Lanes> erf(FloatOf<Lanes> x) {
    using Float = FloatOf<Lanes>;
    const Float square = x * x;
    const Float near_sum =
        polynomial<Lanes>(square, Lanes::constant(0x38a7ac69), 0xba530396U, 0x3baa24f4U,
                          0xbcdc008cU, 0x3de716b2U, 0xbec093a0U, 0x3e0375d4U);
    const Float near = Lanes::fma(near_sum, x, x);

    const Float size = magnitude<Lanes>(x);
    const Float far_sum =
        polynomial<Lanes>(size, Lanes::constant(0xb6a1329d), 0x38384c19U, 0x38733cd3U, 0xbb418fb0U,
                          0x3cba0ed8U, 0xbdd7a6feU, 0xbf22b71bU, 0xbe03a424U);
    const Float power = Lanes::fma(far_sum, size, Lanes::all(0.0F) - size);
    Float far = Lanes::all(1.0F) - exp<Lanes>(power);
    far = Lanes::select(Lanes::less(Lanes::all(4.0F), size), Lanes::all(1.0F), far);
    const auto sign = Lanes::bits_of(x) & Lanes::bits_of(Lanes::constant(0x80000000));
    const Float signed_far = Lanes::from_bits(Lanes::bits_of(far) | sign);

    const auto is_far = Lanes::less(Lanes::constant(0x3f6d8000), size);
    const Float result = Lanes::select(is_far, signed_far, near);
    return Lanes::select(Lanes::is_nan(x), Lanes::constant(0x7fc00000), result);
}

}  // namespace shoal::engine
