#pragma once

// The loop as the network code sees it. Only the sources of io/ include this.

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "io/loop.h"

namespace shoal::io {

namespace asio = boost::asio;

/// Every network object belongs to one io_context that one thread runs, so none needs a lock.
using Executor = asio::io_context::executor_type;

template <class T>
using Async = asio::awaitable<T, Executor>;

/// Errors come back as values.
inline constexpr auto as_value = asio::as_tuple(asio::use_awaitable_t<Executor>{});

/// For co_spawn: an exception that leaves a coroutine is a bug, and leaves the thread too.
inline constexpr auto or_end = [](const std::exception_ptr& failure) {
    if (failure) std::rethrow_exception(failure);
};

struct Loop::Inside {
    using Guard = asio::executor_work_guard<Executor>;
    using Instant = std::chrono::nanoseconds;  // since the machine was started

    struct Network {
        asio::io_context context{1};
        Guard guard{context.get_executor()};
        std::thread thread;
    };
    struct Watch {
        explicit Watch(asio::io_context& context) : descriptor(context) {}
        asio::posix::stream_descriptor descriptor;
        Readiness readiness = Readiness::readable;
        Work work;
    };

    explicit Inside(Settings);
    ~Inside();
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

    /// The network threads in turn.
    asio::io_context& network();

    void arm();
    void wait_alarm();
    void fire();
    void wait_ready(WatchId);
    void wait_signal();

    asio::io_context core{1};
    Guard guard{core.get_executor()};
    asio::posix::stream_descriptor alarm{core};
    std::map<std::pair<Instant, std::uint64_t>, Work> timers;
    std::map<std::uint64_t, Instant> timer_instants;
    std::map<WatchId, std::shared_ptr<Watch>> watches;
    asio::signal_set signals{core};
    bool signals_awaited = false;
    std::map<int, Work> signal_work;
    std::uint64_t next_id = 1;
    std::vector<std::unique_ptr<Network>> networks;
    std::size_t next_network = 0;
    asio::thread_pool pool;
};

}  // namespace shoal::io
