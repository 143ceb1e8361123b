// Runs the engine's functions over every float32, with each instruction set of this machine: the
// bits must be those that the contract fixes, and within 2 ulp of the double-precision function.
//
// usage: every_float [FUNCTION…]
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <limits>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "engine/cpu/kernels.h"

namespace shoal::engine {
namespace {

struct Function {
    std::string_view name;
    double (*exact)(double);
    std::uint64_t bits;   // the mixed hash of all results, in the order of the inputs' bits
    double measured_max;  // sin and cos are judged up to 2^20
};

constexpr double everywhere = std::numeric_limits<double>::infinity();
constexpr double angle_max = 1'048'576;
constexpr Function functions[] = {
    {"exp", std::exp, 0x2dc1980b11ee49f4, everywhere},
    {"log", std::log, 0x9a2ec989c26c4b6d, everywhere},
    {"tanh", std::tanh, 0x25e1ecc70cbd8a12, everywhere},
    {"erf", std::erf, 0x2ae7db507c09db52, everywhere},
    {"sin", std::sin, 0xa6b923af826392a8, angle_max},
    {"cos", std::cos, 0xe456c87dace8d0e4, angle_max},
};
constexpr double ulp_max = 2;
constexpr std::uint64_t block = 1 << 16;

struct Seen {
    std::uint64_t bits = 1;
    double ulp = 0;
    float worst = 0;
};

void mix(std::uint64_t& hash, float value) {
    const std::uint32_t bits = std::isnan(value) ? 0x7fc00000 : std::bit_cast<std::uint32_t>(value);
    hash ^= bits;
    hash *= 0x9e3779b97f4a7c15;
    hash ^= hash >> 29;
}

/// How far a result is from the exact one, in units of the exact one's last place. Below the normal
/// range nothing is measured, since exp() flushes there; nor where the exact result overflows.
double error_in_ulp(const Function& function, float x, float y) {
    if (!(std::abs(x) <= function.measured_max) || std::isinf(x)) return 0;
    const double exact = function.exact(x);
    const bool normal = std::abs(exact) > 2.5e-38 && !std::isinf(static_cast<float>(exact));
    if (std::isnan(exact) || !normal) return 0;
    const std::uint64_t power = std::bit_cast<std::uint64_t>(exact) & 0x7ff0000000000000;
    const auto ulp = std::bit_cast<double>(power - (23ULL << 52));
    return std::abs(static_cast<double>(y) - exact) / ulp;
}

void measure(const Function& function, float x, float y, Seen& seen) {
    const double ulp = error_in_ulp(function, x, y);
    if (ulp <= seen.ulp) return;
    seen.worst = x;
    seen.ulp = ulp;
}

template <bool Measure>
Seen run(const Function& function, const cpu::UnaryKernel& kernel) {
    std::vector<float> in(block);
    std::vector<float> out(block);
    Seen seen;
    for (std::uint64_t first = 0; first < 1ULL << 32; first += block) {
        for (std::uint64_t i = 0; i < block; ++i) {
            in[i] = std::bit_cast<float>(static_cast<std::uint32_t>(first + i));
        }
        kernel.run(in.data(), out.data(), static_cast<Index>(block), 0, 0);
        for (std::uint64_t i = 0; i < block; ++i) {
            mix(seen.bits, out[i]);
            if constexpr (Measure) measure(function, in[i], out[i], seen);
        }
    }
    return seen;
}

/// `first`: the error is measured too, which is the same for every set whose bits are.
bool holds(const Function& function, const cpu::Kernels& set, bool first) {
    const auto kernel = std::ranges::find(set.unary, function.name, &cpu::UnaryKernel::op);
    if (kernel == set.unary.end()) return true;
    const Seen seen = first ? run<true>(function, *kernel) : run<false>(function, *kernel);
    const bool right = seen.bits == function.bits && seen.ulp <= ulp_max;
    fmt::print("{:5} {:7} {:016x}", function.name, set.name, seen.bits);
    if (first) fmt::print("  {:.3f} ulp at {:.9g}", seen.ulp, seen.worst);
    fmt::print("{}\n", right ? "" : "  WRONG");
    return right;
}

bool holds(const Function& function) {
    bool good = true;
    for (const cpu::Kernels* set : cpu::usable_kernels()) {
        good = holds(function, *set, set == cpu::usable_kernels().back()) && good;
    }
    return good;
}

}  // namespace
}  // namespace shoal::engine

int main(int count, char** words) try {
    bool good = true;
    for (const auto& function : shoal::engine::functions) {
        bool wanted = count == 1;
        for (int i = 1; i < count; ++i) wanted = wanted || function.name == words[i];
        if (wanted) good = shoal::engine::holds(function) && good;
    }
    return good ? 0 : 1;
} catch (const std::exception& error) {
    std::fprintf(stderr, "every_float: %s\n", error.what());
    return 1;
}
