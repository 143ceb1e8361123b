#include "simulation/run.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "simulation/disk.h"
#include "simulation/guest.h"
#include "simulation/market_host.h"
#include "simulation/people.h"
#include "simulation/provider_host.h"
#include "simulation/wire.h"

namespace shoal::simulation {

namespace {

constexpr Duration minute{60'000};
constexpr Duration hour = 60 * minute;

/// One market, its providers, its people, and what happens to them.
class Town {
public:
    Town(const Plan& plan, Stage::Listener listener);

    Report play();

private:
    void begin();
    void play_until(Time end, std::uint64_t steps_max);
    /// Whether it came about before the bound.
    template <class Condition>
    bool comes_to(Duration bound, Condition);
    void heal();
    void settle();
    void forget();
    bool is_quiet();
    bool is_at_rest() const;

    Stage stage_;
    Disk disk_{stage_};
    Wire wire_{stage_};
    MarketHost market_{stage_, disk_, wire_};
    std::vector<std::unique_ptr<ProviderHost>> providers_;
    Operator operator_{stage_, wire_, market_.core()};
    std::vector<std::unique_ptr<Buyer>> buyers_;
    Guest guest_{stage_, wire_, market_.core()};
    Time healed_at_{};
    Time quiet_since_{};
    std::uint64_t steps_under_faults_ = 0;
};

Town::Town(const Plan& plan, Stage::Listener listener) : stage_(plan, std::move(listener)) {
    const std::uint64_t count = stage_.random().between(1, std::max(1U, plan.providers));
    std::vector<ProviderHost*> all;
    for (std::uint32_t i = 0; i < count; ++i) {
        providers_.push_back(std::make_unique<ProviderHost>(stage_, wire_, i));
        all.push_back(providers_.back().get());
    }
    for (std::uint32_t i = 0; i < stage_.world().buyers; ++i) {
        buyers_.push_back(
            std::make_unique<Buyer>(stage_, wire_, market_.core(), fmt::format("buyer{}", i)));
    }
    wire_.join(market_, std::move(all));
}

Report Town::play() {
    begin();
    const Plan& plan = stage_.plan();
    play_until(stage_.now() + plan.length, plan.steps_max);
    steps_under_faults_ = stage_.steps();
    if (!stage_.failed()) heal();
    if (!stage_.failed()) settle();
    if (!stage_.failed()) forget();
    Report report;
    Outcome& outcome = report.outcome;
    if (!stage_.failed()) outcome.state = to_string(market_.core().check_at_end());
    outcome.failure = stage_.failure();
    outcome.steps = stage_.steps();
    outcome.steps_under_faults = steps_under_faults_;
    outcome.inputs = stage_.inputs();
    outcome.events = market_.core().facts().events();
    outcome.jobs = market_.core().facts().jobs();
    outcome.trail = stage_.trail();
    report.coverage = stage_.coverage();
    return report;
}

void Town::begin() {
    market_.boot();
    for (const auto& provider : providers_) {
        operator_.enrol(protocol::Role::provider, Lamports{},
                        [machine = provider.get()](AccountId account, const std::string& secret) {
                            machine->begin(account, secret);
                        });
    }
    for (const auto& buyer : buyers_) {
        const Lamports credit{
            static_cast<std::int64_t>(stage_.random().between(1'000'000, 1'000'000'000))};
        operator_.enrol(protocol::Role::buyer, credit,
                        [person = buyer.get()](AccountId account, const std::string& secret) {
                            person->begin(account, secret);
                        });
    }
    operator_.enrol(
        protocol::Role::buyer, Guest::wealth,
        [this](AccountId account, const std::string& secret) { guest_.begin(account, secret); });
    operator_.act();
}

void Town::play_until(Time end, std::uint64_t steps_max) {
    while (!stage_.failed() && !stage_.idle() && stage_.steps() < steps_max &&
           stage_.next_time() <= end) {
        stage_.step();
    }
}

template <class Condition>
bool Town::comes_to(Duration bound, Condition is_so) {
    const Time end = stage_.now() + bound;
    while (!stage_.failed() && !is_so()) {
        if (stage_.idle() || stage_.next_time() > end) return false;
        stage_.step();
    }
    return true;
}

void Town::heal() {
    stage_.tell(std::string(healed_line));
    stage_.heal();
    market_.boot();
    for (const auto& provider : providers_) provider->restore();
    quiet_since_ = healed_at_ = stage_.now();
}

/// Nothing has been leased for longer than any task or connection waits to be tried again.
bool Town::is_quiet() {
    const Facts& facts = market_.core().facts();
    if (facts.is_anything_leased() || !market_.is_up()) quiet_since_ = stage_.now();
    // Whoever waited for an answer when the world healed has asked again by now.
    const bool all_heard = stage_.now() - healed_at_ > 2 * minute;
    return all_heard && (facts.is_settled() || stage_.now() - quiet_since_ > 2 * minute);
}

bool Town::is_at_rest() const {
    return market_.is_up() && market_.core().facts().is_settled() &&
           std::ranges::all_of(providers_, [](const auto& it) { return it->at_rest(); });
}

/// By a bound every job has ended; one may wait for ever only because no money or machine is left
/// for it, and is then cancelled.
void Town::settle() {
    const Duration bound = stage_.plan().length + 6 * hour;
    if (!comes_to(bound, [this] { return is_quiet(); })) {
        return stage_.fail("what is leased comes to an end when the world has healed");
    }
    operator_.cancel_all();
    if (!comes_to(hour, [this] { return is_at_rest(); })) {
        return stage_.fail(market_.core().facts().is_settled()
                               ? "providers come to rest when every job has ended"
                               : "a job that is cancelled ends");
    }
    operator_.check_credit();
    for (const auto& buyer : buyers_) buyer->check_jobs();
}

/// Some time after the last job no blob is left.
void Town::forget() {
    for (const auto& provider : providers_) provider->end();
    const auto is_empty = [this] {
        return market_.core().is_idle() && market_.core().market().state().blobs.empty();
    };
    const World& world = stage_.world();
    if (comes_to(world.keep_blob + 3 * world.keep_upload + hour, is_empty)) return;
    stage_.fail("a blob that nobody needs is dropped in time");
}

}  // namespace

Report run(const Plan& plan, Stage::Listener listener) {
    return Town(plan, std::move(listener)).play();
}

Report run_twice(const Plan& plan) {
    Report first = run(plan);
    if (first.outcome.failed()) return first;
    const Report second = run(plan);
    const bool same = first.outcome.trail == second.outcome.trail &&
                      first.outcome.state == second.outcome.state &&
                      first.coverage == second.coverage;
    first.outcome.inputs += second.outcome.inputs;
    if (!same) first.outcome.failure = "the same plan is the same run";
    return first;
}

}  // namespace shoal::simulation
