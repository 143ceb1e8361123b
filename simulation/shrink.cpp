#include "simulation/shrink.h"

#include <algorithm>
#include <regex>
#include <utility>

namespace shoal::simulation {

namespace {

class Shrinker {
public:
    Shrinker(Plan plan, Failure failure, const Attempt& attempt)
        : best_{std::move(plan), std::move(failure), 0}, attempt_(attempt) {}

    Shrunk made_small() {
        shorten();
        for (const Fault fault : all_faults()) {
            if (best_.plan.without.contains(fault)) continue;
            Plan plan = best_.plan;
            plan.without.insert(fault);
            try_this(std::move(plan));
        }
        while (best_.plan.providers > 1) {
            Plan plan = best_.plan;
            --plan.providers;
            if (!try_this(std::move(plan))) break;
        }
        shorten();
        return best_;
    }

private:
    /// Whether the plan fails too; then it is the best so far.
    bool try_this(Plan plan) {
        ++best_.runs;
        auto failure = attempt_(plan);
        if (!failure) return false;
        best_.plan = std::move(plan);
        best_.failure = std::move(*failure);
        return true;
    }

    void shorten() {
        const bool under_faults = best_.failure.step <= best_.failure.steps_under_faults;
        if (under_faults) {
            best_.plan.steps_max = best_.failure.step;
            return;
        }
        // It showed only when the world had healed: by how few steps under faults?
        std::uint64_t good = 0;
        std::uint64_t bad = best_.failure.steps_under_faults;
        while (good + 1 < bad) {
            Plan plan = best_.plan;
            plan.steps_max = good + (bad - good) / 2;
            const std::uint64_t tried = plan.steps_max;
            (try_this(std::move(plan)) ? bad : good) = tried;
        }
    }

    Shrunk best_;
    const Attempt& attempt_;
};

}  // namespace

Shrunk shrink(const Plan& plan, const Failure& failure, const Attempt& attempt) {
    return Shrinker(plan, failure, attempt).made_small();
}

std::vector<std::string> relevant(const std::vector<std::string>& lines, const Failure& failure,
                                  std::size_t count_max) {
    static const std::regex id("(?:job|task|lease|acc|prov|tr|key|rcpt)_[0-9a-z]+");
    std::vector<std::string> names;
    for (std::sregex_iterator it(failure.what.begin(), failure.what.end(), id), end; it != end;
         ++it) {
        names.push_back(it->str());
    }
    const auto tells = [&](const std::string& line) {
        const bool is_detail = line.starts_with("  ");
        return !is_detail || names.empty() || std::ranges::any_of(names, [&](const auto& name) {
            return line.find(name) != std::string::npos;
        });
    };
    std::vector<std::string> kept;
    std::ranges::copy_if(lines, std::back_inserter(kept), tells);
    if (kept.size() > count_max) {
        kept.erase(kept.begin(), kept.end() - static_cast<std::ptrdiff_t>(count_max));
    }
    return kept;
}

}  // namespace shoal::simulation
