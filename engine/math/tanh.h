#pragma once

#include "engine/math/exp.h"

namespace shoal::engine {

template <class Lanes>
FloatOf<Lanes> magnitude(FloatOf<Lanes> x) {
    return Lanes::from_bits(Lanes::bits_of(x) & (Lanes::bits_of(Lanes::constant(0x7fffffff))));
}

/// The hyperbolic tangent, within 1.9 ulp. A NaN stays the NaN that it is.
template <class Lanes>
FloatOf<Lanes> tanh(FloatOf<Lanes> x) {
    using Float = FloatOf<Lanes>;
    const Float zero = Lanes::all(0.0F);
    const auto negative = Lanes::less(x, zero);
    const Float size = Lanes::select(negative, zero - x, x);

    const Float grown = exp<Lanes>(size + size) + Lanes::all(1.0F);
    const Float far = Lanes::all(1.0F) - Lanes::all(2.0F) / grown;
    const Float signed_far = Lanes::select(negative, zero - far, far);

    const Float square = x * x;
    const Float sum = polynomial<Lanes>(square, Lanes::constant(0xbc11371b), 0x3cb327a4U,
                                        0xbd5d0dd1U, 0x3e088889U, 0xbeaaaaabU);
    const Float near = Lanes::fma(sum * square, x, x);

    const Float result =
        Lanes::select(Lanes::less(size, Lanes::constant(0x3ecccccd)), near, signed_far);
    return Lanes::select(Lanes::is_nan(x), x, result);
}

}  // namespace shoal::engine
