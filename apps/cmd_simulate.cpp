#include <algorithm>
#include <chrono>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apps/commands.h"
#include "apps/trial.h"
#include "core/hash.h"
#include "simulation/run.h"
#include "simulation/shrink.h"

namespace shoal::apps {

namespace {

using simulation::Coverage;
using simulation::Failure;
using simulation::Plan;

/// Of all runs together.
struct Sum {
    std::uint64_t runs = 0;
    std::uint64_t inputs = 0;
    std::uint64_t events = 0;
    std::uint64_t jobs = 0;
    double seconds = 0;
    std::string hash;  // of all their states
    Coverage coverage;
    std::vector<std::string> missing;
};
BOOST_DESCRIBE_STRUCT(Sum, (), (runs, inputs, events, jobs, seconds, hash, coverage, missing))

constexpr double day_ms = 86'400'000;

template <class Enum>
Result<Enum> choose(const std::string& name, const std::vector<Enum>& all) {
    std::vector<std::string_view> known;
    for (const Enum one : all) {
        known.push_back(simulation::to_string(one));
        if (known.back() == name) return one;
    }
    return advise({Code::invalid, fmt::format("no such thing as \"{}\"", name)},
                  fmt::format("There are {}.", fmt::join(known, ", ")));
}

Result<Plan> make_plan(const SimulateOptions& options) {
    if (!std::isfinite(options.days) || options.days < 0 || options.days > 3'650) {
        return Error{Code::invalid, "--days: expected a number from 0 to 3650"};
    }
    Plan plan;
    plan.providers = options.providers;
    plan.length = Duration{static_cast<std::int64_t>(options.days * day_ms)};
    if (options.steps) plan.steps_max = *options.steps;
    for (const std::string& name : options.without) {
        plan.without.insert(TRY(choose(name, simulation::all_faults())));
    }
    if (!options.plant.empty()) plan.bug = TRY(choose(options.plant, simulation::all_bugs()));
    return plan;
}

/// The words that play this plan again.
std::string words_of(const Plan& plan) {
    std::string words =
        fmt::format("shoal simulate --seed {} --providers {} --days {}", plan.seed, plan.providers,
                    static_cast<double>(plan.length.count()) / day_ms);
    if (plan.steps_max != UINT64_MAX) words += fmt::format(" --steps {}", plan.steps_max);
    if (plan.bug != simulation::Bug::none) {
        words += fmt::format(" --plant {}", simulation::to_string(plan.bug));
    }
    for (const simulation::Fault fault : plan.without) {
        words += fmt::format(" --without {}", simulation::to_string(fault));
    }
    return words;
}

std::string failure_of(const Trial& trial) {
    if (trial.report) return trial.report->outcome.failure;
    return trial.last_words.empty() ? "the process died" : trial.last_words;
}

/// Plays it with its account; nothing: it keeps every promise.
std::optional<Failure> attempt(const Plan& plan, std::vector<std::string>& lines) {
    auto played = play_apart(plan, Playing::once_told);
    if (!played.ok()) return std::nullopt;
    Trial trial = std::move(played).value();
    lines = std::move(trial.lines);
    if (trial.report && !trial.report->outcome.failed()) return std::nullopt;
    return Failure{failure_of(trial), trial.step, trial.healed_at.value_or(trial.step)};
}

void print_failure(const Output& out, const Plan& plan, const Failure& failure) {
    out.print(
        fmt::format("seed {} breaks a promise: {}\n  {}", plan.seed, failure.what, words_of(plan)));
}

void print_account(const Output& out, const Plan& plan, const Failure& first) {
    std::vector<std::string> lines;
    const simulation::Attempt play = [&](const Plan& tried) { return attempt(tried, lines); };
    const auto again = play(plan);
    if (!again) {
        out.print(
            fmt::format("seed {}: {}\nplayed once more, it does not fail", plan.seed, first.what));
        return;
    }
    const simulation::Shrunk small = simulation::shrink(plan, *again, play);
    const auto last = play(small.plan);
    constexpr std::size_t lines_max = 40;
    out.print(fmt::format("seed {} breaks a promise: {}\nmade small by {} runs; again by:\n  {}\n",
                          plan.seed, small.failure.what, small.runs, words_of(small.plan)));
    if (!last) return;
    for (const std::string& line : simulation::relevant(lines, *last, lines_max)) out.print(line);
}

std::string listed(const std::map<std::string, std::uint64_t>& counts) {
    std::vector<std::string> words;
    words.reserve(counts.size());
    for (const auto& [name, count] : counts) words.push_back(fmt::format("{} {}", name, count));
    return fmt::format("{}", fmt::join(words, ", "));
}

void print_sum(const Output& out, const Sum& sum) {
    out.print_as_json(sum);
    const double microseconds = 1e6 * sum.seconds / std::max<double>(1, double(sum.inputs));
    out.print(
        fmt::format("{} seeds, each played twice: every promise was kept\n"
                    "inputs    {} in {:.1f} s, {:.1f} µs each\n"
                    "events    {}: {}\n"
                    "jobs      {}\n"
                    "refusals  {}\n"
                    "ends      {}\n"
                    "faults    {}\n"
                    "hash      {}",
                    sum.runs, sum.inputs, sum.seconds, microseconds, sum.events,
                    listed(sum.coverage.events), sum.jobs, listed(sum.coverage.refusals),
                    listed(sum.coverage.ends), listed(sum.coverage.faults), sum.hash));
}

void add(Sum& sum, const simulation::Report& report) {
    ++sum.runs;
    sum.inputs += report.outcome.inputs;
    sum.events += report.outcome.events;
    sum.jobs += report.outcome.jobs;
    sum.coverage.add(report.coverage);
    sum.hash = to_string(sha256(sum.hash + report.outcome.state));
}

}  // namespace

Result<Exit> simulate(Context& context, const SimulateOptions& options) {
    Plan plan = TRY(make_plan(options));
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    const auto seconds = [&] {
        return std::chrono::duration<double>(Clock::now() - start).count();
    };
    Sum sum;
    for (plan.seed = options.seed; sum.runs < options.seeds; ++plan.seed) {
        if (options.seconds && seconds() > *options.seconds) break;
        const Trial trial = TRY(play_apart(plan, Playing::twice));
        if (!trial.report || trial.report->outcome.failed()) {
            const Failure failure{failure_of(trial), trial.step, 0};
            if (!options.no_account) print_account(context.out(), plan, failure);
            if (options.no_account) print_failure(context.out(), plan, failure);
            return Exit::job_failed;
        }
        add(sum, *trial.report);
    }
    sum.seconds = seconds();
    if (options.covers) sum.missing = simulation::gaps(sum.coverage);
    print_sum(context.out(), sum);
    if (sum.missing.empty()) return Exit::done;
    context.out().print(fmt::format("NOT REACHED: {}", fmt::join(sum.missing, ", ")));
    return Exit::job_failed;
}

}  // namespace shoal::apps
