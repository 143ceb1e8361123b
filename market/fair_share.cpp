#include "market/fair_share.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>

#include "core/check.h"

namespace shoal::market {

namespace {

__extension__ using Wide = unsigned __int128;

constexpr int mantissa_bits = 64;
constexpr std::size_t steps = 64;  // of a half-life: the factor is 1.1 % off at most

/// round(2^(i / 64) * 2^32). Written out, for libm differs between machines.
constexpr std::array<std::uint64_t, steps> factors = [] {
    // 2^(1/64) as a fraction of 2^62: the 64th power is 2 to the last bit that is used.
    constexpr Wide root = 4661903986662671290U;
    constexpr unsigned point = 62;
    std::array<std::uint64_t, steps> table{};
    Wide power = Wide{1} << point;
    for (std::uint64_t& factor : table) {
        factor = static_cast<std::uint64_t>((power + (Wide{1} << 29U)) >> 30U);
        power = (power * root) >> point;
    }
    return table;
}();

DecayedUse normal(Wide mantissa, std::int64_t exponent) {
    if (mantissa == 0) return {};
    const auto high = static_cast<std::uint64_t>(mantissa >> mantissa_bits);
    const auto low = static_cast<std::uint64_t>(mantissa);
    const int used = high > 0 ? 2 * mantissa_bits - std::countl_zero(high)
                              : mantissa_bits - std::countl_zero(low);
    const int shift = used - mantissa_bits;
    const Wide moved = shift > 0 ? mantissa >> static_cast<unsigned>(shift)
                                 : mantissa << static_cast<unsigned>(-shift);
    return {exponent + shift, static_cast<std::uint64_t>(moved)};
}

/// The mantissa in units of the greater exponent.
Wide aligned(const DecayedUse& use, std::int64_t exponent) {
    const std::int64_t shift = exponent - use.exponent;
    return shift >= mantissa_bits ? 0 : Wide{use.mantissa} >> static_cast<unsigned>(shift);
}

}  // namespace

DecayedUse use_at(std::uint64_t amount, Time time, Duration half_life) {
    check(half_life.count() >= static_cast<std::int64_t>(steps) &&
          time.time_since_epoch().count() >= 0);
    const std::int64_t since = time.time_since_epoch().count();
    const std::int64_t whole = since / half_life.count();
    const std::int64_t rest = since % half_life.count();
    const auto step = static_cast<std::size_t>(
        rest / std::max<std::int64_t>(1, half_life.count() / std::int64_t{steps}));
    constexpr int factor_bits = 32;
    return normal(Wide{amount} * factors.at(std::min(step, steps - 1)), whole - factor_bits);
}

DecayedUse operator+(const DecayedUse& a, const DecayedUse& b) {
    if (a.mantissa == 0) return b;
    if (b.mantissa == 0) return a;
    const std::int64_t exponent = std::max(a.exponent, b.exponent);
    return normal(aligned(a, exponent) + aligned(b, exponent), exponent);
}

DecayedUse operator-(const DecayedUse& a, const DecayedUse& b) {
    if (b.mantissa == 0) return a;
    if (a <= b) return {};
    return normal(Wide{a.mantissa} - aligned(b, a.exponent), a.exponent);
}

DecayedUse share(const DecayedUse& use, std::uint32_t weight) {
    check(weight > 0);
    constexpr unsigned more = 32;  // bits, so that the quotient keeps the mantissa's
    return normal((Wide{use.mantissa} << more) / weight, use.exponent - static_cast<int>(more));
}

double worth(const DecayedUse& use, Time time, Duration half_life) {
    const double lives = static_cast<double>(time.time_since_epoch().count()) /
                         static_cast<double>(half_life.count());
    return std::exp2(static_cast<double>(use.exponent) - lives) * static_cast<double>(use.mantissa);
}

std::uint64_t units(const protocol::Resources& needed) {
    constexpr std::uint64_t core = 1'000;
    constexpr std::uint64_t gpu = 16'000;
    constexpr unsigned memory_bits = 22;  // 4 MiB: 1 GiB is 256 of them
    return core * needed.cores + gpu * needed.gpu.count + (needed.memory.bytes >> memory_bits);
}

}  // namespace shoal::market
