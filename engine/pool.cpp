#include "engine/pool.h"

#include <chrono>
#include <utility>

#include "core/check.h"
#include "engine/environment.h"

namespace shoal::engine {

namespace {

// Jobs follow each other closely; to sleep and be woken takes longer than the gap between them.
constexpr std::chrono::microseconds spin_time{20};

constexpr int outside = -1;

/// The slot of the tile that this thread is in.
int& current_slot() {
    thread_local int slot = outside;
    return slot;
}

template <class Condition>
void spin_until(Condition holds) {
    const auto end = std::chrono::steady_clock::now() + spin_time;
    while (!holds() && std::chrono::steady_clock::now() < end) {
    }
}

}  // namespace

Pool::Pool(int threads) {
    check(threads >= 1 && arithmetic_is_right());
    for (int slot = 1; slot < threads; ++slot) workers_.emplace_back([this, slot] { live(slot); });
}

Pool::~Pool() {
    ends_ = true;
    ++offered_;
    offered_.notify_all();
    for (std::thread& worker : workers_) worker.join();
}

void Pool::Job::work(int slot) {
    const int before = std::exchange(current_slot(), slot);
    for (Index tile = next++; tile < count; tile = next++) call(context, tile, slot);
    current_slot() = before;
}

void Pool::run_tiles(Job& job) {
    const int slot = current_slot();
    if (slot != outside || workers_.empty() || job.count <= 1) {
        job.work(slot == outside ? 0 : slot);
        return;
    }
    job_ = &job;
    ++offered_;
    offered_.notify_all();
    job.work(0);
    // Whoever comes inside from now on finds no job; whoever is inside may still be at one.
    job_ = nullptr;
    spin_until([this] { return inside_ == 0; });
    for (int inside = inside_; inside != 0; inside = inside_) inside_.wait(inside);
}

void Pool::help(int slot) {
    ++inside_;
    Job* job = job_;
    if (job != nullptr) job->work(slot);
    if (--inside_ == 0) inside_.notify_all();
}

void Pool::live(int slot) {
    check(arithmetic_is_right());
    while (!ends_) {
        const std::uint32_t seen = offered_;
        help(slot);
        spin_until([this, seen] { return offered_ != seen; });
        offered_.wait(seen);
    }
}

}  // namespace shoal::engine
