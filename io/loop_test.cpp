#include "io/loop.h"

#include <array>
#include <csignal>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace shoal::io {

using namespace std::chrono_literals;

TEST_CASE("posted work runs on the core thread in the order it was posted") {
    Loop loop;
    std::vector<int> seen;
    const auto core = std::this_thread::get_id();
    bool elsewhere = false;
    std::thread other([&] {
        for (int i = 0; i < 100; ++i) {
            loop.post([&, i] {
                elsewhere = elsewhere || std::this_thread::get_id() != core;
                seen.push_back(i);
            });
        }
        loop.stop();
    });
    loop.run();
    other.join();
    REQUIRE(seen.size() == 100);
    for (int i = 0; i < 100; ++i) CHECK(seen[static_cast<std::size_t>(i)] == i);
    CHECK_FALSE(elsewhere);
}

TEST_CASE("blocking work runs beside the core thread and answers by a post") {
    Loop loop;
    const auto core = std::this_thread::get_id();
    bool beside = false;
    loop.post_blocking([&] {
        const bool is_other = std::this_thread::get_id() != core;
        loop.post([&, is_other] {
            beside = is_other;
            loop.stop();
        });
    });
    loop.run();
    CHECK(beside);
}

TEST_CASE("timers fire in the order of their time, and not when cancelled") {
    Loop loop;
    std::vector<int> fired;
    loop.after(3ms, [&] {
        fired.push_back(3);
        loop.stop();
    });
    const auto cancelled = loop.after(2ms, [&] { fired.push_back(2); });
    const auto first = loop.after(1ms, [&] { fired.push_back(1); });
    loop.cancel(cancelled);
    loop.run();
    loop.cancel(first);  // has fired: nothing happens
    CHECK(fired == std::vector{1, 3});
}

TEST_CASE("a timer may set and cancel timers") {
    Loop loop;
    int count = 0;
    Loop::TimerId victim{};
    loop.after(1ms, [&] {
        loop.cancel(victim);
        loop.after(0ms, [&] {
            ++count;
            loop.stop();
        });
    });
    victim = loop.after(2ms, [&] { count += 100; });
    loop.run();
    CHECK(count == 1);
}

TEST_CASE("a watched descriptor calls as long as it is ready, until it is let go") {
    Loop loop;
    std::array<int, 2> pair{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()) == 0);
    REQUIRE(::write(pair[1], "ab", 2) == 2);
    std::string read;
    Loop::WatchId watch{};
    watch = loop.watch(pair[0], Loop::Readiness::readable, [&] {
        char c = 0;
        REQUIRE(::read(pair[0], &c, 1) == 1);  // one at a time: the rest makes it ready again
        read += c;
        if (read == "ab") REQUIRE(::write(pair[1], "c", 1) == 1);
        if (read != "abc") return;
        loop.unwatch(watch);
        REQUIRE(::write(pair[1], "d", 1) == 1);
        loop.after(1ms, [&] { loop.stop(); });
    });
    loop.run();
    CHECK(read == "abc");
    ::close(pair[0]);
    ::close(pair[1]);
}

TEST_CASE("a watched descriptor says when it may be written") {
    Loop loop;
    std::array<int, 2> pair{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()) == 0);
    int calls = 0;
    Loop::WatchId watch{};
    watch = loop.watch(pair[0], Loop::Readiness::writable, [&] {
        ++calls;
        loop.unwatch(watch);
        loop.stop();
    });
    loop.run();
    CHECK(calls == 1);
    ::close(pair[0]);
    ::close(pair[1]);
}

TEST_CASE("a signal calls its latest work on the core thread") {
    Loop loop;
    int first = 0;
    int second = 0;
    loop.on_signal(SIGUSR1, [&] {
        ++first;
        loop.on_signal(SIGUSR1, [&] {
            ++second;
            loop.stop();
        });
        REQUIRE(::kill(::getpid(), SIGUSR1) == 0);
    });
    REQUIRE(::kill(::getpid(), SIGUSR1) == 0);
    loop.run();
    CHECK(first == 1);
    CHECK(second == 1);
}

TEST_CASE("a loop can be run again after it was stopped") {
    Loop loop;
    int runs = 0;
    for (int i = 0; i < 2; ++i) {
        loop.post([&] {
            ++runs;
            loop.stop();
        });
        loop.run();
    }
    CHECK(runs == 2);
}

}  // namespace shoal::io
