#pragma once

#include "engine/math/tanh.h"

namespace shoal::engine {

/// How far x is from the nearest multiple of a quarter turn, and which multiple that is.
template <class Lanes>
struct QuarterTurn {
    FloatOf<Lanes> rest;
    typename Lanes::Bits number;
};

/// n quarter turns are taken off in three parts; the first difference is exact while |x| ≤ 2^20.
template <class Lanes>
QuarterTurn<Lanes> quarter_turn(FloatOf<Lanes> x) {
    using Float = FloatOf<Lanes>;
    const Float shift = Lanes::constant(0x4b400000);
    const Float shifted = Lanes::fma(x, Lanes::constant(0x3f22f983), shift);
    const Float n = shifted - shift;
    Float rest = Lanes::fma(n, Lanes::constant(0xbfc90fdb), x);
    rest = Lanes::fma(n, Lanes::constant(0x333bbd2e), rest);
    rest = Lanes::fma(n, Lanes::constant(0x26f72ced), rest);
    return {rest, Lanes::bits_of(shifted)};
}

/// The sine of x plus `quarters` quarter turns; a NaN (7fc00000) beyond 2^20, where an angle in
/// float32 says little and a wrong number would not be noticed.
template <class Lanes>
FloatOf<Lanes> turned_sine(FloatOf<Lanes> x, std::uint32_t quarters) {
    using Float = FloatOf<Lanes>;
    using Bits = typename Lanes::Bits;
    const QuarterTurn<Lanes> turn = quarter_turn<Lanes>(x);
    const Float r = turn.rest;
    const Float square = r * r;

    const Float sine_sum = polynomial<Lanes>(square, Lanes::constant(0x363e1627), 0xb9502caaU,
                                             0x3c0888baU, 0xbe2aaaabU);
    const Float sine = Lanes::fma(sine_sum, square * r, r);
    const Float cosine_sum = polynomial<Lanes>(square, Lanes::constant(0xb49b08d4), 0x37d038d8U,
                                               0xbab60bafU, 0x3d2aaaabU);
    const Float start = Lanes::fma(square, Lanes::all(-0.5F), Lanes::all(1.0F));
    const Float cosine = Lanes::fma(cosine_sum, square * square, start);

    const Bits number = turn.number + quarters;
    const Bits sign = (number << 30) & Lanes::bits_of(Lanes::constant(0x80000000));
    // The lowest bit of the number, moved to the exponent, tells the odd quarters.
    const Float odd = Lanes::from_bits((number << 31) | Lanes::bits_of(Lanes::all(1.0F)));
    const Float value = Lanes::select(Lanes::less(odd, Lanes::all(0.0F)), cosine, sine);
    const Float result = Lanes::from_bits(Lanes::bits_of(value) ^ sign);

    // Not "greater": a NaN has no size.
    const auto known = Lanes::less(magnitude<Lanes>(x), Lanes::constant(0x49800001));
    return Lanes::select(known, result, Lanes::constant(0x7fc00000));
}

template <class Lanes>
FloatOf<Lanes> sin(FloatOf<Lanes> x) {
    return turned_sine<Lanes>(x, 0);
}

template <class Lanes>
FloatOf<Lanes> cos(FloatOf<Lanes> x) {
    return turned_sine<Lanes>(x, 1);
}

}  // namespace shoal::engine
