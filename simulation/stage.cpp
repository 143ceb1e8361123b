#include "simulation/stage.h"

#include <variant>

#include <boost/mp11/algorithm.hpp>

namespace shoal::simulation {

namespace {

constexpr Time start_of_time{Duration{1'700'000'000'000}};

}  // namespace

Stage::Stage(const Plan& plan, Listener listener)
    : plan_(plan),
      listener_(std::move(listener)),
      random_(plan.seed),
      world_(draw_world(random_, plan)),
      now_(start_of_time) {}

void Stage::later(Duration wait, Queue::Task task) {
    queue_.put(now_ + std::max(wait, Duration{0}), std::move(task));
}

void Stage::step() {
    now_ = std::max(now_, queue_.next_time());
    const Queue::Task task = queue_.take();
    ++steps_;
    mix(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
    task();
}

bool Stage::strikes(Fault fault) {
    const auto place = static_cast<std::size_t>(fault);
    constexpr std::uint64_t million = 1'000'000;
    if (healed_ || world_.per_million[place] == 0) return false;
    if (random_.below(million) >= world_.per_million[place]) return false;
    ++struck_[place];
    if (is_told()) tell(std::string("  fault: ") + std::string(to_string(fault)));
    return true;
}

Duration Stage::between(std::int64_t least_ms, std::int64_t most_ms) {
    return Duration{
        random_.between(static_cast<std::uint64_t>(least_ms), static_cast<std::uint64_t>(most_ms))};
}

market::Moment Stage::market_moment() {
    ++inputs_;
    market::Moment moment{now_, {}};
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < moment.entropy.size(); ++i) {
        if (i % sizeof word == 0) word = random_.between(0, UINT64_MAX);
        moment.entropy[i] = static_cast<std::uint8_t>(word >> (8 * (i % sizeof word)));
    }
    return moment;
}

provider::Moment Stage::provider_moment(Time clock) {
    ++inputs_;
    return {clock, random_.between(0, UINT64_MAX)};
}

void Stage::fail(std::string why) {
    if (failed()) return;
    tell("BROKEN: " + why);
    failure_ = std::move(why);
}

void Stage::tell(const std::string& line) const {
    if (listener_ && !failed()) listener_(steps_, line);
}

void Stage::refused(Code code) {
    ++refusals_[code];
}

void Stage::came_to(const protocol::Event& event) {
    ++events_[event.index()];
    mix(event.index());
    if (const auto* attempt = std::get_if<protocol::AttemptEnded>(&event)) ++ends_[attempt->reason];
    if (const auto* task = std::get_if<protocol::TaskEnded>(&event)) ++ends_[task->reason];
}

Coverage Stage::coverage() const {
    Coverage coverage;
    using Kinds = boost::mp11::mp_transform<boost::mp11::mp_identity, protocol::Event>;
    std::size_t place = 0;
    boost::mp11::mp_for_each<Kinds>([&]<class Kind>(Kind) {
        const std::uint64_t count = events_[place++];
        if (count > 0) coverage.events.emplace(Kind::type::name, count);
    });
    for (const auto& [code, count] : refusals_) coverage.refusals.emplace(to_string(code), count);
    for (const auto& [reason, count] : ends_) {
        coverage.ends.emplace(protocol::to_string(reason), count);
    }
    for (const Fault fault : all_faults()) {
        const std::uint64_t count = struck_[static_cast<std::size_t>(fault)];
        if (count > 0) coverage.faults.emplace(to_string(fault), count);
    }
    return coverage;
}

void Stage::mix(std::uint64_t value) {
    constexpr std::uint64_t prime = 0x100000001b3;
    trail_ = (trail_ ^ value) * prime;
}

}  // namespace shoal::simulation
