#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "core/random.h"
#include "core/result.h"
#include "core/time.h"
#include "market/market.h"
#include "provider/steps.h"
#include "simulation/coverage.h"
#include "simulation/plan.h"
#include "simulation/queue.h"

namespace shoal::simulation {

/// What all that act in a run share: its time, its chance, its faults, and the place where a broken
/// promise is written down. The first one counts; the run ends with it.
class Stage {
public:
    /// Called with each line of the account of what happens: which step it was, and what.
    using Listener = std::function<void(std::uint64_t step, const std::string& line)>;

    Stage(const Plan&, Listener);

    // --- time ---
    Time now() const { return now_; }
    void later(Duration, Queue::Task);
    bool idle() const { return queue_.empty(); }
    Time next_time() const { return queue_.next_time(); }
    /// Does what is due next.
    void step();
    std::uint64_t steps() const { return steps_; }

    // --- chance and faults ---
    Random& random() { return random_; }
    const World& world() const { return world_; }
    const Plan& plan() const { return plan_; }
    bool has_bug(Bug bug) const { return plan_.bug == bug; }
    /// Whether the fault strikes on this occasion. Never once the world is healed.
    bool strikes(Fault);
    Duration between(std::int64_t least_ms, std::int64_t most_ms);
    void heal() { healed_ = true; }
    bool healed() const { return healed_; }

    // --- moments: each is one input of a machine ---
    market::Moment market_moment();
    provider::Moment provider_moment(Time clock);
    std::uint64_t inputs() const { return inputs_; }

    // --- the account ---
    void fail(std::string why);
    const std::string& failure() const { return failure_; }
    bool failed() const { return !failure_.empty(); }
    bool is_told() const { return listener_ != nullptr; }
    void tell(const std::string& line) const;
    void refused(Code);
    void came_to(const protocol::Event&);
    Coverage coverage() const;
    /// Of all steps so far: equal runs have equal ones.
    std::uint64_t trail() const { return trail_; }
    void mix(std::uint64_t);

private:
    Plan plan_;
    Listener listener_;
    Random random_;
    World world_;
    Queue queue_;
    Time now_;
    std::uint64_t steps_ = 0;
    std::uint64_t inputs_ = 0;
    std::uint64_t trail_ = 0;
    bool healed_ = false;
    std::string failure_;
    std::array<std::uint64_t, fault_count> struck_{};
    std::array<std::uint64_t, std::variant_size_v<protocol::Event>> events_{};
    std::map<Code, std::uint64_t> refusals_;
    std::map<protocol::Reason, std::uint64_t> ends_;
};

}  // namespace shoal::simulation
