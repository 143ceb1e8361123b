#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <limits>
#include <utility>

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
constexpr double forever = std::numeric_limits<double>::infinity();

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

/// A broken promise, and the words that show it again.
struct Broken {
    std::uint64_t seed = 0;
    std::string promise;
    std::string again;
    bool is_repeatable = true;
    std::uint64_t runs = 0;  // to make it small
    std::vector<std::string> account;
};
BOOST_DESCRIBE_STRUCT(Broken, (), (seed, promise, again, is_repeatable, runs, account))

Broken as_it_came(const Plan& plan, const Failure& failure) {
    return {plan.seed, failure.what, words_of(plan), true, 0, {}};
}

/// The smallest plan found that breaks a promise as the first did, with what happened in it.
Broken make_small(const Plan& plan, const Failure& first) {
    Broken broken = as_it_came(plan, first);
    std::vector<std::string> lines;
    const simulation::Attempt play = [&](const Plan& tried) { return attempt(tried, lines); };
    const auto again = play(plan);
    broken.is_repeatable = again.has_value();
    if (!again) return broken;
    const simulation::Shrunk small = simulation::shrink(plan, *again, play);
    broken.promise = small.failure.what;
    broken.again = words_of(small.plan);
    broken.runs = small.runs;
    constexpr std::size_t lines_max = 40;
    if (const auto last = play(small.plan)) {
        broken.account = simulation::relevant(lines, *last, lines_max);
    }
    return broken;
}

void print_broken(const Output& out, const Broken& broken) {
    out.print_as_json(broken);
    if (!broken.is_repeatable) {
        return out.print(fmt::format("seed {}: {}\nplayed once more, it does not fail", broken.seed,
                                     broken.promise));
    }
    const std::string made_small =
        broken.runs > 0 ? fmt::format("made small by {} runs; again by:\n", broken.runs) : "";
    out.print(fmt::format("seed {} breaks a promise: {}\n{}  {}", broken.seed, broken.promise,
                          made_small, broken.again));
    if (!broken.account.empty()) out.print("");
    for (const std::string& line : broken.account) out.print(line);
}

std::string listed(const std::map<std::string, std::uint64_t>& counts) {
    std::vector<std::string> words;
    words.reserve(counts.size());
    for (const auto& [name, count] : counts) words.push_back(fmt::format("{} {}", name, count));
    return fmt::format("{}", fmt::join(words, ", "));
}

void print_sum(const Output& out, const Sum& sum, Playing playing) {
    out.print_as_json(sum);
    const double rate = static_cast<double>(sum.inputs) / std::max(sum.seconds, 1e-9);
    out.print(fmt::format(
        "{} seeds, each played {}: every promise was kept\n"
        "inputs    {} in {:.1f} s, {:.0f} a second\n"
        "events    {}: {}\n"
        "jobs      {}\n"
        "refusals  {}\n"
        "ends      {}\n"
        "faults    {}\n"
        "hash      {}",
        sum.runs, playing == Playing::twice ? "twice" : "once", sum.inputs, sum.seconds, rate,
        sum.events, listed(sum.coverage.events), sum.jobs, listed(sum.coverage.refusals),
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
    Plan next = TRY(make_plan(options));
    next.seed = options.seed;
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    const auto seconds = [&] {
        return std::chrono::duration<double>(Clock::now() - start).count();
    };
    // A planted bug is to be caught by a promise, not by the next run's difference.
    const bool is_planted = next.bug != simulation::Bug::none;
    const Playing playing = is_planted ? Playing::once : Playing::twice;
    Sum sum;
    std::deque<std::pair<Plan, Apart>> running;  // what they find counts in their order
    for (std::uint64_t begun = 0;;) {
        const bool may_begin =
            begun < options.seeds && seconds() <= options.seconds.value_or(forever);
        if (may_begin && running.size() < options.processes) {
            Apart apart = TRY(Apart::start(next, playing));
            running.emplace_back(next, std::move(apart));
            ++next.seed;
            ++begun;
            continue;
        }
        if (running.empty()) break;
        const Plan plan = running.front().first;
        const Trial trial = std::move(running.front().second).wait();
        running.pop_front();
        if (!trial.report || trial.report->outcome.failed()) {
            running.clear();
            const Failure failure{failure_of(trial), trial.step, 0};
            print_broken(context.out(), options.no_account ? as_it_came(plan, failure)
                                                           : make_small(plan, failure));
            return Exit::job_failed;
        }
        add(sum, *trial.report);
    }
    sum.seconds = seconds();
    if (options.covers) sum.missing = simulation::gaps(sum.coverage);
    print_sum(context.out(), sum, playing);
    if (sum.missing.empty()) return Exit::done;
    context.out().print(fmt::format("NOT REACHED: {}", fmt::join(sum.missing, ", ")));
    return Exit::job_failed;
}

}  // namespace shoal::apps
