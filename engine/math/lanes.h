#pragma once

#include <cstdint>

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "engine/index.h"

// The widths in which one source of arithmetic is compiled. A lane holds an element of its own and
// never looks at its neighbour, so the width cannot change a bit.
//
// These headers are compiled once for each instruction set. Nothing in them, and nothing in the
// sources that are compiled for a set, may use an inline function of the standard library: the
// linker keeps one copy of such a function for the whole program, and it could be the copy that an
// older CPU cannot run.

namespace shoal::engine {

/// What the widths share. Float and Bits are vectors, for which + - * / & | ^ << and < are what
/// they are for each lane; a comparison gives all bits set where it holds.
template <class Vectors, Index Width>
struct LanesOf {
    using Float = typename Vectors::Float;
    using Bits = typename Vectors::Bits;
    using Signed = typename Vectors::Signed;
    static constexpr Index width = Width;

    /// (Not `Float{} + value`, which would lose the sign of -0.)
    static Float all(float value) { return value - Float{}; }
    static Float from_bits(Bits bits) { return __builtin_bit_cast(Float, bits); }
    static Bits bits_of(Float value) { return __builtin_bit_cast(Bits, value); }
    static Float constant(std::uint32_t bits) { return from_bits(Bits{} + bits); }

    static Signed less(Float a, Float b) { return __builtin_bit_cast(Signed, a < b); }
    static Signed is_nan(Float a) { return __builtin_bit_cast(Signed, a != a); }
    static Float select(Signed mask, Float yes, Float no) {
        const Bits chosen = __builtin_bit_cast(Bits, mask);
        return from_bits((bits_of(yes) & chosen) | (bits_of(no) & ~chosen));
    }
    /// The bits shifted right, the sign kept, as whole numbers in float32.
    static Float whole_from_shifted(Bits bits, int by) {
        return __builtin_convertvector(__builtin_bit_cast(Signed, bits) >> by, Float);
    }

    static Float load(const float* from) {
        Float value;
        __builtin_memcpy(&value, from, sizeof value);
        return value;
    }
    static void store(float* to, Float value) { __builtin_memcpy(to, &value, sizeof value); }
    /// The first `count` elements, and zeros.
    static Float load_some(const float* from, Index count) {
        float row[width] = {};
        for (Index i = 0; i < count; ++i) row[i] = from[i];
        return load(row);
    }
    static void store_some(float* to, Float value, Index count) {
        float row[width];
        store(row, value);
        for (Index i = 0; i < count; ++i) to[i] = row[i];
    }
};

/// One lane, on any CPU. Its fma is exact where the hardware has none, and slow.
struct ScalarLanes {
    using Float = float;
    using Bits = std::uint32_t;
    using Signed = std::int32_t;
    static constexpr Index width = 1;

    static Float all(float value) { return value; }
    static Float from_bits(Bits bits) { return __builtin_bit_cast(Float, bits); }
    static Bits bits_of(Float value) { return __builtin_bit_cast(Bits, value); }
    static Float constant(std::uint32_t bits) { return from_bits(bits); }

    static Signed less(Float a, Float b) { return a < b ? -1 : 0; }
    static Signed is_nan(Float a) { return a != a ? -1 : 0; }
    static Float select(Signed mask, Float yes, Float no) { return mask != 0 ? yes : no; }
    static Float whole_from_shifted(Bits bits, int by) {
        return static_cast<float>(__builtin_bit_cast(Signed, bits) >> by);
    }

    static Float load(const float* from) { return *from; }
    static void store(float* to, Float value) { *to = value; }
    static Float load_some(const float* from, Index) { return *from; }
    static void store_some(float* to, Float value, Index) { *to = value; }

    static Float fma(Float a, Float b, Float c) { return __builtin_fmaf(a, b, c); }
    static Float sqrt(Float a) { return __builtin_sqrtf(a); }
};

#if defined(__AVX2__) && !defined(__AVX512F__)
struct Avx2Vectors {
    using Float = float __attribute__((vector_size(32)));
    using Bits = std::uint32_t __attribute__((vector_size(32)));
    using Signed = std::int32_t __attribute__((vector_size(32)));
};

struct Avx2Lanes : LanesOf<Avx2Vectors, 8> {
    static Float fma(Float a, Float b, Float c) { return _mm256_fmadd_ps(a, b, c); }
    static Float sqrt(Float a) { return _mm256_sqrt_ps(a); }
};
#endif

#if defined(__AVX512F__)
struct Avx512Vectors {
    using Float = float __attribute__((vector_size(64)));
    using Bits = std::uint32_t __attribute__((vector_size(64)));
    using Signed = std::int32_t __attribute__((vector_size(64)));
};

struct Avx512Lanes : LanesOf<Avx512Vectors, 16> {
    static Float fma(Float a, Float b, Float c) { return _mm512_fmadd_ps(a, b, c); }
    static Float sqrt(Float a) { return _mm512_sqrt_ps(a); }
};
#endif

#if defined(__aarch64__)
struct NeonVectors {
    using Float = float __attribute__((vector_size(16)));
    using Bits = std::uint32_t __attribute__((vector_size(16)));
    using Signed = std::int32_t __attribute__((vector_size(16)));
};

struct NeonLanes : LanesOf<NeonVectors, 4> {
    static Float fma(Float a, Float b, Float c) {
        return __builtin_bit_cast(
            Float, vfmaq_f32(__builtin_bit_cast(float32x4_t, c), __builtin_bit_cast(float32x4_t, a),
                             __builtin_bit_cast(float32x4_t, b)));
    }
    static Float sqrt(Float a) {
        return __builtin_bit_cast(Float, vsqrtq_f32(__builtin_bit_cast(float32x4_t, a)));
    }
};
#endif

template <class Lanes>
using FloatOf = typename Lanes::Float;

/// The polynomial `first·x^n + …` that continues with the coefficients given as float bits, highest
/// power first, one fused multiply-add for each.
template <class Lanes, class... Rest>
FloatOf<Lanes> polynomial(FloatOf<Lanes> x, FloatOf<Lanes> sum, Rest... coefficients) {
    ((sum = Lanes::fma(sum, x, Lanes::constant(coefficients))), ...);
    return sum;
}

}  // namespace shoal::engine
