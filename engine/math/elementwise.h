#pragma once

#include "engine/math/erf.h"
#include "engine/math/log.h"
#include "engine/math/sin_cos.h"

// What the element-wise ops compute for each element: once, for the reference and for every
// instruction set. A name is the op's in the registry. `p` and `q` are the op's real parameters.

namespace shoal::engine::elementwise {

template <class Lanes>
FloatOf<Lanes> sigmoid(FloatOf<Lanes> x) {
    const FloatOf<Lanes> one = Lanes::all(1.0F);
    return one / (one + exp<Lanes>(Lanes::all(0.0F) - x));
}

struct Exp {
    static constexpr const char* name = "exp";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> x, float, float) {
        return engine::exp<Lanes>(x);
    }
};

struct Log {
    static constexpr const char* name = "log";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> x, float, float) {
        return engine::log<Lanes>(x);
    }
};

struct Tanh {
    static constexpr const char* name = "tanh";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> x, float, float) {
        return engine::tanh<Lanes>(x);
    }
};

struct Erf {
    static constexpr const char* name = "erf";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> x, float, float) {
        return engine::erf<Lanes>(x);
    }
};

struct Sin {
    static constexpr const char* name = "sin";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> x, float, float) {
        return engine::sin<Lanes>(x);
    }
};

struct Cos {
    static constexpr const char* name = "cos";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> x, float, float) {
        return engine::cos<Lanes>(x);
    }
};

struct Sqrt {
    static constexpr const char* name = "sqrt";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> x, float, float) {
        return Lanes::sqrt(x);
    }
};

struct Negate {
    static constexpr const char* name = "negate";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> x, float, float) {
        return Lanes::from_bits(Lanes::bits_of(x) ^ Lanes::bits_of(Lanes::constant(0x80000000)));
    }
};

struct Absolute {
    static constexpr const char* name = "absolute";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> x, float, float) {
        return magnitude<Lanes>(x);
    }
};

/// x·p + q, the product rounded before the sum.
struct Scale {
    static constexpr const char* name = "scale";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> x, float p, float q) {
        return x * Lanes::all(p) + Lanes::all(q);
    }
};

struct Clamp {
    static constexpr const char* name = "clamp";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> x, float p, float q) {
        const FloatOf<Lanes> low = Lanes::all(p);
        const FloatOf<Lanes> high = Lanes::all(q);
        const FloatOf<Lanes> raised = Lanes::select(Lanes::less(x, low), low, x);
        return Lanes::select(Lanes::less(high, raised), high, raised);
    }
};

struct Relu {
    static constexpr const char* name = "relu";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> x, float, float) {
        const FloatOf<Lanes> zero = Lanes::all(0.0F);
        return Lanes::select(Lanes::less(zero, x), x, zero);
    }
};

struct LeakyRelu {
    static constexpr const char* name = "leaky_relu";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> x, float p, float) {
        return Lanes::select(Lanes::less(Lanes::all(0.0F), x), x, x * Lanes::all(p));
    }
};

struct Sigmoid {
    static constexpr const char* name = "sigmoid";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> x, float, float) {
        return sigmoid<Lanes>(x);
    }
};

struct Silu {
    static constexpr const char* name = "silu";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> x, float, float) {
        return x * sigmoid<Lanes>(x);
    }
};

/// tanh(√(2/π)·(x + 0.044715·x³)), the inside of gelu.
template <class Lanes>
FloatOf<Lanes> gelu_tanh(FloatOf<Lanes> x) {
    const FloatOf<Lanes> cubic = Lanes::all(0.044715F) * (x * x);
    return engine::tanh<Lanes>(Lanes::all(0.7978845608F) * Lanes::fma(cubic, x, x));
}

/// (1 + erf(x/√2))/2, the share of a normal distribution below x.
template <class Lanes>
FloatOf<Lanes> normal_share(FloatOf<Lanes> x) {
    const FloatOf<Lanes> one = Lanes::all(1.0F);
    return Lanes::all(0.5F) * (one + engine::erf<Lanes>(x * Lanes::all(0.7071067812F)));
}

struct Gelu {
    static constexpr const char* name = "gelu";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> x, float, float) {
        return (Lanes::all(0.5F) * x) * (Lanes::all(1.0F) + gelu_tanh<Lanes>(x));
    }
};

struct GeluErf {
    static constexpr const char* name = "gelu_erf";
    template <class Lanes>
    static FloatOf<Lanes> apply(FloatOf<Lanes> x, float, float) {
        return x * normal_share<Lanes>(x);
    }
};

template <class... Functions>
struct List {};

using Unary = List<Exp, Log, Tanh, Erf, Sin, Cos, Sqrt, Negate, Absolute, Scale, Clamp, Relu,
                   LeakyRelu, Sigmoid, Silu, Gelu, GeluErf>;

}  // namespace shoal::engine::elementwise
