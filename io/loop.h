#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "core/time.h"

namespace shoal::io {

/// The threads of a process and what wakes them.
///
/// One thread, the one that calls run(), takes every decision: it is the core thread, and what is
/// posted to it runs there one by one, in order. Connections live on a few network threads beside
/// it, and work that blocks (files, hashing) goes to a small pool. Nothing polls: with nothing to
/// do every thread sleeps.
///
/// Network and pool threads run from construction; stop() ends run() only, so that what was
/// started can be ended in order before the loop is destroyed. Timers count time that passes, a
/// suspended machine's too, and do not follow jumps of the wall clock.
class Loop {
public:
    struct Settings {
        std::size_t network_threads = 1;
        std::size_t blocking_threads = 2;
    };
    using Work = std::function<void()>;
    enum class Readiness { readable, writable };
    enum class TimerId : std::uint64_t {};
    enum class WatchId : std::uint64_t {};

    Loop();
    explicit Loop(Settings);
    /// Ends the threads; work that was posted and has not begun is dropped.
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    /// Makes the caller the core thread until stop(). May be called again.
    void run();

    /// From any thread. What was posted before still runs.
    void stop();

    /// Runs the work on the core thread, after all that was posted before; from any thread.
    void post(Work);

    /// Runs the work on the pool; from any thread.
    void post_blocking(Work);

    /// Runs the work once on the core thread when the duration has passed. Core thread only, as
    /// are all the functions below.
    TimerId after(Duration, Work);

    /// A timer that has fired or was cancelled is ignored.
    void cancel(TimerId);

    /// Calls the work each time the descriptor is ready, as long as it stays so, until unwatch().
    /// The descriptor stays the caller's, who must unwatch() it before closing it.
    WatchId watch(int descriptor, Readiness, Work);
    void unwatch(WatchId);

    /// Calls the work each time the signal comes; it replaces the signal's earlier work.
    void on_signal(int signal, Work);

    /// What the rest of io/ needs of the loop (loop_asio.h).
    struct Inside;
    Inside& inside() { return *inside_; }

private:
    std::unique_ptr<Inside> inside_;
};

}  // namespace shoal::io
