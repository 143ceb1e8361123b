#pragma once

#include "engine/math/elementwise.h"

// Element-wise ops of two operands: arithmetic, and the gradients of the ops in elementwise.h,
// whose first operand is the gradient that arrives. `p` and `q` are the op's real parameters.

namespace shoal::engine::elementwise {

struct Add {
    static constexpr const char* name = "add";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> a, FloatOf<Lanes> b, float, float) {
        return a + b;
    }
};

struct Subtract {
    static constexpr const char* name = "subtract";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> a, FloatOf<Lanes> b, float, float) {
        return a - b;
    }
};

struct Multiply {
    static constexpr const char* name = "multiply";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> a, FloatOf<Lanes> b, float, float) {
        return a * b;
    }
};

struct Divide {
    static constexpr const char* name = "divide";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> a, FloatOf<Lanes> b, float, float) {
        return a / b;
    }
};

/// `b` where it is greater, else `a`, which a tie or a NaN leaves.
struct Maximum {
    static constexpr const char* name = "maximum";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> a, FloatOf<Lanes> b, float, float) {
        return Lanes::select(Lanes::less(a, b), b, a);
    }
};

/// 1 where a < b, else 0.
struct Less {
    static constexpr const char* name = "less";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> a, FloatOf<Lanes> b, float, float) {
        return Lanes::select(Lanes::less(a, b), Lanes::all(1.0F), Lanes::all(0.0F));
    }
};

struct AbsoluteGradient {
    static constexpr const char* name = "absolute_gradient";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> dy, FloatOf<Lanes> x, float, float) {
        const FloatOf<Lanes> zero = Lanes::all(0.0F);
        const FloatOf<Lanes> below = Lanes::select(Lanes::less(x, zero), zero - dy, zero);
        return Lanes::select(Lanes::less(zero, x), dy, below);
    }
};

struct ReluGradient {
    static constexpr const char* name = "relu_gradient";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> dy, FloatOf<Lanes> x, float, float) {
        const FloatOf<Lanes> zero = Lanes::all(0.0F);
        return Lanes::select(Lanes::less(zero, x), dy, zero);
    }
};

struct LeakyReluGradient {
    static constexpr const char* name = "leaky_relu_gradient";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> dy, FloatOf<Lanes> x, float p, float) {
        return Lanes::select(Lanes::less(Lanes::all(0.0F), x), dy, dy * Lanes::all(p));
    }
};

struct ClampGradient {
    static constexpr const char* name = "clamp_gradient";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> dy, FloatOf<Lanes> x, float p, float q) {
        const auto outside = Lanes::less(x, Lanes::all(p)) | Lanes::less(Lanes::all(q), x);
        return Lanes::select(outside, Lanes::all(0.0F), dy);
    }
};

/// dy·(1 - y²), of the result y.
struct TanhGradient {
    static constexpr const char* name = "tanh_gradient";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> dy, FloatOf<Lanes> y, float, float) {
        return dy * Lanes::fma(Negate::apply<Lanes>(y, 0, 0), y, Lanes::all(1.0F));
    }
};

/// dy·(y·(1 - y)), of the result y.
struct SigmoidGradient {
    static constexpr const char* name = "sigmoid_gradient";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> dy, FloatOf<Lanes> y, float, float) {
        return dy * (y * (Lanes::all(1.0F) - y));
    }
};

/// dy·2/√π·e^(-x²).
struct ErfGradient {
    static constexpr const char* name = "erf_gradient";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> dy, FloatOf<Lanes> x, float, float) {
        return dy * (Lanes::all(1.1283791671F) * engine::exp<Lanes>(Lanes::all(0.0F) - x * x));
    }
};

/// dy·(s + (x·s)·(1 - s)), s the sigmoid of x.
struct SiluGradient {
    static constexpr const char* name = "silu_gradient";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> dy, FloatOf<Lanes> x, float, float) {
        const FloatOf<Lanes> s = sigmoid<Lanes>(x);
        return dy * Lanes::fma(x * s, Lanes::all(1.0F) - s, s);
    }
};

/// dy·((1 + t)/2 + (x/2·(1 - t²))·√(2/π)·(1 + 3·0.044715·x²)), t the tanh inside gelu.
struct GeluGradient {
    static constexpr const char* name = "gelu_gradient";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> dy, FloatOf<Lanes> x, float, float) {
        const FloatOf<Lanes> one = Lanes::all(1.0F);
        const FloatOf<Lanes> half = Lanes::all(0.5F);
        const FloatOf<Lanes> t = gelu_tanh<Lanes>(x);
        const FloatOf<Lanes> slope =
            Lanes::all(0.7978845608F) * Lanes::fma(Lanes::all(0.134145F) * x, x, one);
        const FloatOf<Lanes> flat = Lanes::fma(Negate::apply<Lanes>(t, 0, 0), t, one);
        return dy * Lanes::fma((half * x) * flat, slope, half * (one + t));
    }
};

/// dy·(share + x·density): the normal distribution's share below x and its density at x.
struct GeluErfGradient {
    static constexpr const char* name = "gelu_erf_gradient";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> dy, FloatOf<Lanes> x, float, float) {
        const FloatOf<Lanes> density =
            Lanes::all(0.3989422804F) * engine::exp<Lanes>((x * x) * Lanes::all(-0.5F));
        return dy * Lanes::fma(x, density, normal_share<Lanes>(x));
    }
};

using Pairs = List<Add, Subtract, Multiply, Divide, Maximum, Less, AbsoluteGradient, ReluGradient,
                   LeakyReluGradient, ClampGradient, TanhGradient, SigmoidGradient, ErfGradient,
                   SiluGradient, GeluGradient, GeluErfGradient>;

}  // namespace shoal::engine::elementwise
