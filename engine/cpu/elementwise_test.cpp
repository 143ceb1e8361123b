#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/hash.h"
#include "core/random.h"
#include "engine/cpu/kernels.h"

namespace shoal::engine::cpu {
namespace {

/// Bits of every kind: zeros, subnormals, the largest, infinities, NaN, and each exponent.
std::vector<float> numbers(std::uint64_t seed) {
    std::vector<float> drawn = {0.0F,
                                -0.0F,
                                1.0F,
                                -1.0F,
                                0.4F,
                                475.0F / 512.0F,
                                1'048'576.0F,
                                -1'048'577.0F,
                                std::numeric_limits<float>::min(),
                                std::numeric_limits<float>::denorm_min(),
                                std::numeric_limits<float>::max(),
                                std::numeric_limits<float>::infinity(),
                                -std::numeric_limits<float>::infinity(),
                                std::numeric_limits<float>::quiet_NaN()};
    Random random(seed);
    while (drawn.size() < 4001) {  // odd: the last vector of every width is not full
        const auto bits = static_cast<std::uint32_t>(random.below(1ULL << 32));
        drawn.push_back(std::bit_cast<float>(bits));
        drawn.push_back(static_cast<float>(random.below(2'000'001)) / 100'000 - 10);
    }
    drawn.resize(4001);
    return drawn;
}

std::uint32_t plain_bits(float number) {
    return std::isnan(number) ? 0x7fc00000 : std::bit_cast<std::uint32_t>(number);
}

std::string hash_of(const std::vector<float>& results) {
    Bytes bytes;
    for (const float result : results) {
        for (int shift = 0; shift < 32; shift += 8) {
            bytes.push_back(static_cast<std::uint8_t>(plain_bits(result) >> shift));
        }
    }
    return to_string(sha256(bytes)).substr(0, 16);
}

// The ops' parameters: no powers of two, whose products a compiler could fuse without a trace.
constexpr float p = -0.3F;
constexpr float q = 0.7F;

struct Row {
    const char* op;
    const char* hash;
};

// What the contract fixes, here for a sample; `scripts/verify math` has every float32.
constexpr Row golden[] = {
    {"exp", "e89edf16e9f808ee"}, {"log", "f4ef3fc0c3e0713f"}, {"tanh", "5fc9fb66a81a4546"},
    {"erf", "4321e80c59b23fc3"}, {"sin", "24f098b455d847ec"}, {"cos", "59f3eb71a7fddad7"},
};

const Row* golden_of(const char* op) {
    for (const Row& row : golden) {
        if (std::strcmp(row.op, op) == 0) return &row;
    }
    return nullptr;
}

TEST_CASE("every instruction set gives the same bits for each function of one operand") {
    const std::vector<float> x = numbers(1);
    const auto count = static_cast<Index>(x.size());
    const Kernels& scalar = *usable_kernels().front();
    for (std::size_t i = 0; i < scalar.unary.size(); ++i) {
        std::vector<float> expected(x.size());
        scalar.unary[i].run(x.data(), expected.data(), count, p, q);
        const Row* row = golden_of(scalar.unary[i].op);
        for (const Kernels* set : usable_kernels()) {
            std::vector<float> y(x.size());
            set->unary[i].run(x.data(), y.data(), count, p, q);
            CAPTURE(std::string(set->name));
            CAPTURE(std::string(set->unary[i].op));
            CHECK(hash_of(y) == hash_of(expected));
            if (row != nullptr) CHECK(hash_of(y) == row->hash);
        }
    }
}

TEST_CASE("every instruction set gives the same bits for each function of two operands") {
    const std::vector<float> a = numbers(2);
    const std::vector<float> b = numbers(3);
    const auto count = static_cast<Index>(a.size());
    const Kernels& scalar = *usable_kernels().front();
    for (std::size_t i = 0; i < scalar.pairs.size(); ++i) {
        std::vector<float> expected(a.size());
        scalar.pairs[i].run(a.data(), b.data(), expected.data(), count, p, q);
        for (const Kernels* set : usable_kernels()) {
            std::vector<float> y(a.size());
            set->pairs[i].run(a.data(), b.data(), y.data(), count, p, q);
            CAPTURE(std::string(set->name));
            CAPTURE(std::string(set->pairs[i].op));
            CHECK(hash_of(y) == hash_of(expected));
        }
    }
}

struct Exact {
    const char* op;
    double (*function)(double);
    double measured_max;
};

TEST_CASE("the functions are within two units in the last place") {
    const Exact functions[] = {{"exp", std::exp, 1e30},    {"log", std::log, 1e38},
                               {"tanh", std::tanh, 1e38},  {"erf", std::erf, 1e38},
                               {"sin", std::sin, 1 << 20}, {"cos", std::cos, 1 << 20}};
    const std::vector<float> x = numbers(4);
    std::vector<float> y(x.size());
    for (const Exact& function : functions) {
        for (const UnaryKernel& kernel : usable_kernels().back()->unary) {
            if (std::strcmp(kernel.op, function.op) != 0) continue;
            kernel.run(x.data(), y.data(), static_cast<Index>(x.size()), 0, 0);
            double worst = 0;
            for (std::size_t i = 0; i < x.size(); ++i) {
                const double exact = function.function(static_cast<double>(x[i]));
                const bool normal = std::abs(exact) > 2.5e-38 && std::abs(exact) < 3e38;
                if (!normal || !(std::abs(x[i]) <= function.measured_max)) continue;
                const double ulp = std::ldexp(1.0, std::ilogb(exact) - 23);
                worst = std::max(worst, std::abs(static_cast<double>(y[i]) - exact) / ulp);
            }
            CAPTURE(std::string(function.op));
            CHECK(worst > 0.3);  // something was measured
            CHECK(worst <= 2);
        }
    }
}

}  // namespace
}  // namespace shoal::engine::cpu
