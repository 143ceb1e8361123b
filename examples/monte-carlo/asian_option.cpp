// The price of an Asian call option (it pays by how far the average price of a year ends above the
// strike) by simulation: one shard of many, with a seed of its own. Writes its sums, so that
// combine.py can join the shards into one price with one confidence interval.
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <numbers>
#include <string>
#include <string_view>

namespace {

constexpr double spot = 100, strike = 100, rate = 0.03, volatility = 0.25;
constexpr int days = 252;  // of trading in the year

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "asian_option: %s\n", what.c_str());
    std::exit(1);
}

/// SplitMix64: the same numbers from the same seed everywhere, unlike <random>'s distributions.
class Chance {
public:
    explicit Chance(std::uint64_t seed) : state_(seed * 0x2545F4914F6CDD1D) {}

    /// From 0 to 1, never 0.
    double uniform() {
        std::uint64_t z = (state_ += 0x9E3779B97F4A7C15);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return static_cast<double>(((z ^ (z >> 31)) >> 11) + 1) * 0x1p-53;
    }

    /// Of the standard normal distribution (Box and Muller).
    double normal() {
        const double radius = std::sqrt(-2 * std::log(uniform()));
        return radius * std::cos(2 * std::numbers::pi * uniform());
    }

private:
    std::uint64_t state_;
};

/// What the option pays at the end of one made-up year, in money of today.
double discounted_payoff(Chance& chance) {
    constexpr double day = 1.0 / days;
    const double drift = (rate - volatility * volatility / 2) * day;
    const double spread = volatility * std::sqrt(day);
    double logarithm = std::log(spot), sum = 0;
    for (int i = 0; i < days; ++i) {
        logarithm += drift + spread * chance.normal();
        sum += std::exp(logarithm);
    }
    return std::exp(-rate) * std::max(sum / days - strike, 0.0);
}

struct Sums {
    std::uint64_t paths = 0;
    double sum = 0, squares = 0;

    double mean() const { return sum / static_cast<double>(paths); }
    /// Half the width of the 95 % confidence interval.
    double half_width() const {
        const double variance = squares / static_cast<double>(paths) - mean() * mean();
        return 1.96 * std::sqrt(variance / static_cast<double>(paths - 1));
    }
};

std::uint64_t whole_number(std::string_view text, std::uint64_t least) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc{} && end == text.data() + text.size();
    if (whole && value >= least && value <= 1'000'000'000) return value;
    fail("expected a whole number from " + std::to_string(least) + " to 1000000000, got '" +
         std::string(text) + "'");
}

void report(std::FILE* metrics, const Sums& sums, std::uint64_t paths) {
    const auto done = static_cast<unsigned long long>(sums.paths);
    std::fprintf(metrics, "{\"metric\":{\"step\":%llu,\"price\":%.6f,\"half_width\":%.6f}}\n", done,
                 sums.mean(), sums.half_width());
    std::fprintf(metrics, "{\"progress\":%.4f}\n",
                 static_cast<double>(sums.paths) / static_cast<double>(paths));
    std::fflush(metrics);
}

}  // namespace

int main(int count, char** words) {
    if (count != 4) fail("usage: asian_option SEED PATHS OUT");
    Chance chance(whole_number(words[1], 0));
    const std::uint64_t paths = whole_number(words[2], 1000);
    std::FILE* metrics = fdopen(3, "w");  // where Shoal reads metrics and progress
    if (metrics == nullptr) fail("file descriptor 3 is closed; by hand, add 3>metrics.jsonl");

    Sums sums;
    while (sums.paths < paths) {
        const double payoff = discounted_payoff(chance);
        ++sums.paths;
        sums.sum += payoff;
        sums.squares += payoff * payoff;
        if (sums.paths % (paths / 20) == 0) report(metrics, sums, paths);
    }
    report(metrics, sums, paths);
    std::FILE* out = std::fopen(words[3], "w");
    if (out == nullptr) fail(std::string("cannot write ") + words[3]);
    std::fprintf(out, "{\"paths\":%llu,\"sum\":%.17g,\"squares\":%.17g}\n",
                 static_cast<unsigned long long>(sums.paths), sums.sum, sums.squares);
    if (std::fclose(out) != 0) fail(std::string("cannot write ") + words[3]);
    std::printf("%.4f ± %.4f after %llu paths\n", sums.mean(), sums.half_width(),
                static_cast<unsigned long long>(sums.paths));
    return std::fclose(metrics) == 0 ? 0 : 1;
}
