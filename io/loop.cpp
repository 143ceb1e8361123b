#include "io/loop.h"

#include <ctime>
#include <tuple>

#include <boost/asio/post.hpp>
#include <pthread.h>
#include <sys/timerfd.h>

#include "core/check.h"
#include "io/loop_asio.h"

namespace shoal::io {

namespace {

std::chrono::nanoseconds since_start() {
    timespec now{};
    check(clock_gettime(CLOCK_BOOTTIME, &now) == 0);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

Loop::Inside::Inside(Settings settings) : pool(settings.blocking_threads) {
    check(settings.network_threads > 0 && settings.blocking_threads > 0);
    const int descriptor = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    check(descriptor >= 0);
    alarm.assign(descriptor);
    wait_alarm();
    for (std::size_t i = 0; i < settings.network_threads; ++i) {
        auto network = std::make_unique<Network>();
        network->thread = std::thread([context = &network->context] {
            std::ignore = pthread_setname_np(pthread_self(), "network");
            context->run();
        });
        networks.push_back(std::move(network));
    }
}

Loop::Inside::~Inside() {
    pool.stop();
    pool.join();
    for (const auto& network : networks) network->context.stop();
    for (const auto& network : networks) network->thread.join();
    for (const auto& [id, watch] : watches) watch->descriptor.release();
}

asio::io_context& Loop::Inside::network() {
    next_network = (next_network + 1) % networks.size();
    return networks[next_network]->context;
}

void Loop::Inside::arm() {
    itimerspec setting{};
    if (!timers.empty()) {
        const Instant next = timers.begin()->first.first;
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(next);
        setting.it_value.tv_sec = seconds.count();
        setting.it_value.tv_nsec = (next - seconds).count();
    }
    check(timerfd_settime(alarm.native_handle(), TFD_TIMER_ABSTIME, &setting, nullptr) == 0);
}

void Loop::Inside::wait_alarm() {
    alarm.async_wait(asio::posix::stream_descriptor::wait_read, [this](const auto& failure) {
        if (failure) return;
        std::uint64_t count = 0;
        std::ignore = ::read(alarm.native_handle(), &count, sizeof count);
        fire();
        wait_alarm();
    });
}

void Loop::Inside::fire() {
    const Instant now = since_start();
    while (!timers.empty() && timers.begin()->first.first <= now) {
        auto due = timers.extract(timers.begin());
        timer_instants.erase(due.key().second);
        due.mapped()();
    }
    arm();
}

void Loop::Inside::wait_ready(WatchId id) {
    const auto found = watches.find(id);
    if (found == watches.end()) return;
    const auto watch = found->second;
    const auto what = watch->readiness == Readiness::readable
                          ? asio::posix::stream_descriptor::wait_read
                          : asio::posix::stream_descriptor::wait_write;
    watch->descriptor.async_wait(what, [this, id, watch](const auto& failure) {
        if (failure || !watches.contains(id)) return;
        watch->work();
        wait_ready(id);
    });
}

void Loop::Inside::wait_signal() {
    signals.async_wait([this](const auto& failure, int signal) {
        if (failure) return;
        const Work work = signal_work.at(signal);  // a copy: the work may replace itself
        work();
        wait_signal();
    });
}

Loop::Loop() : Loop(Settings{}) {}

Loop::Loop(Settings settings) : inside_(std::make_unique<Inside>(settings)) {}

Loop::~Loop() = default;

void Loop::run() {
    inside_->core.restart();
    inside_->core.run();
}

void Loop::stop() {
    asio::post(inside_->core, [this] { inside_->core.stop(); });
}

void Loop::post(Work work) {
    asio::post(inside_->core, std::move(work));
}

void Loop::post_blocking(Work work) {
    asio::post(inside_->pool, std::move(work));
}

Loop::TimerId Loop::after(Duration duration, Work work) {
    const std::uint64_t id = inside_->next_id++;
    const auto instant = since_start() + duration;
    inside_->timers.emplace(std::pair{instant, id}, std::move(work));
    inside_->timer_instants.emplace(id, instant);
    if (inside_->timers.begin()->first.second == id) inside_->arm();
    return TimerId{id};
}

void Loop::cancel(TimerId timer) {
    const auto id = static_cast<std::uint64_t>(timer);
    const auto found = inside_->timer_instants.find(id);
    if (found == inside_->timer_instants.end()) return;
    inside_->timers.erase({found->second, id});
    inside_->timer_instants.erase(found);
}

Loop::WatchId Loop::watch(int descriptor, Readiness readiness, Work work) {
    const WatchId id{inside_->next_id++};
    auto watch = std::make_shared<Inside::Watch>(inside_->core);
    watch->descriptor.assign(descriptor);
    watch->readiness = readiness;
    watch->work = std::move(work);
    inside_->watches.emplace(id, std::move(watch));
    inside_->wait_ready(id);
    return id;
}

void Loop::unwatch(WatchId id) {
    const auto found = inside_->watches.find(id);
    if (found == inside_->watches.end()) return;
    found->second->descriptor.release();
    inside_->watches.erase(found);
}

void Loop::on_signal(int signal, Work work) {
    inside_->signal_work[signal] = std::move(work);
    inside_->signals.add(signal);
    if (std::exchange(inside_->signals_awaited, true)) return;
    inside_->wait_signal();
}

}  // namespace shoal::io
