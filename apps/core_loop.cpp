#include "apps/core_loop.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "core/json.h"
#include "io/entropy.h"

namespace shoal::apps {

namespace {

/// Restart is the best-tested path: what is durable is known only after opening it again.
[[noreturn]] void end_process(const Error& error) {
    fmt::print(stderr, "the journal cannot be written, so the market ends: {}\n", error.what);
    std::_Exit(EXIT_FAILURE);
}

}  // namespace

CoreLoop::CoreLoop(io::Loop& loop, io::Journal& journal, market::Market& market,
                   std::uint64_t last_sequence, Time last_time)
    : loop_(loop),
      market_(market),
      clock_(last_time),
      written_(last_sequence),
      durable_(last_sequence),
      now_(last_time),
      writer_(journal) {}

market::Moment CoreLoop::moment() {
    now_ = clock_.now();
    return {now_, io::entropy()};
}

void CoreLoop::start(const Input& input) {
    take(input, moment());
}

void CoreLoop::decide(const Input& input) {
    const market::Moment moment = this->moment();
    const auto deadline = market_.next_deadline();
    if (deadline && *deadline <= moment.now) market_.tick(moment, open_.batch);
    take(input, moment);
}

void CoreLoop::take(const Input& input, const market::Moment& moment) {
    if (Release release = input(moment, open_.batch)) open_.releases.push_back(std::move(release));
    commit();
    arm();
}

void CoreLoop::submit(Input input) {
    loop_.post([this, input = std::move(input)] { decide(input); });
}

void CoreLoop::when_idle(Release done) {
    idle_.push_back(std::move(done));
    commit();
}

void CoreLoop::commit() {
    if (committing_) return;
    if (open_.batch.events.empty()) return release_reads();
    committing_ = true;
    in_flight_ = std::exchange(open_, {});
    io::Batch batch;
    batch.rows.reserve(in_flight_.batch.events.size());
    for (const protocol::Event& event : in_flight_.batch.events) {
        batch.rows.push_back({++written_, now_, std::string(protocol::event_name(event)),
                              protocol::print_event(event)});
    }
    writer_.submit(std::move(batch), [this](const Status& status) {
        if (!status.ok()) end_process(status.error());
        loop_.post([this] { committed(); });
    });
}

void CoreLoop::release_reads() {
    // What was only asked has seen nothing that is not durable by now.
    Open asked = std::exchange(open_, {});
    release(asked);
    const bool idle = !committing_ && open_.batch.events.empty() && open_.releases.empty();
    if (!idle) return;
    for (const Release& done : std::exchange(idle_, {})) done();
}

void CoreLoop::committed() {
    Open done = std::exchange(in_flight_, {});
    committing_ = false;
    release(done);
    commit();
}

void CoreLoop::release(Open& done) {
    for (const protocol::Event& event : done.batch.events) {
        ++durable_;
        if (outlets_.event) outlets_.event(durable_, event);
    }
    for (const market::ToProvider& message : done.batch.messages) {
        if (outlets_.message) outlets_.message(message);
    }
    for (const Release& release : done.releases) release();
}

void CoreLoop::arm() {
    const auto next = market_.next_deadline();
    if (timer_ && next && timer_->first == *next) return;
    if (timer_) loop_.cancel(timer_->second);
    timer_.reset();
    if (!next) return;
    const auto fire = [this] {
        timer_.reset();
        decide([](const market::Moment&, market::Batch&) { return Release(); });
    };
    timer_ = {*next, loop_.after(std::max(*next - now_, Duration{1}), fire)};
}

}  // namespace shoal::apps
