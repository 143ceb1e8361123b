// The sandbox by itself, for the attack suite: what the provider does with it, as a command line.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "protocol/offer.h"
#include "sandbox/capability.h"
#include "sandbox/launch.h"
#include "sandbox/shim.h"
#include "sandbox/shim_client.h"

namespace shoal::sandbox {

namespace {

int complain(const Error& error) {
    std::fprintf(stderr, "%s\n", error.what.c_str());
    return 1;
}

int print_report() {
    const Report report = examine();
    for (const protocol::IsolationFact& line : report.isolation) {
        std::printf("%-18s %-3s %s\n", line.name.c_str(), line.holds ? "yes" : "no",
                    line.detail.c_str());
    }
    std::printf("%s\n", std::string(in_words(report.tier)).c_str());
    return may_run_strangers(report).ok() ? 0 : 1;
}

int print_groups() {
    const auto host = prepare_groups();
    if (!host.ok()) return complain(host.error());
    for (const std::string& folder : host.value().folders()) std::puts(folder.c_str());
    return 0;
}

int print_swept() {
    const auto swept = sweep();
    if (!swept.ok()) return complain(swept.error());
    std::printf("%zu\n", swept.value());
    return 0;
}

/// Starts a shim as a provider does, in a session of its own, and leaves it.
int start(const std::string& folder) {
    const auto shim = start_shim(folder);
    if (!shim.ok()) return complain(shim.error());
    std::printf("%d\n", shim.value());
    return 0;
}

/// One launch of a job that does nothing, from the first system call to the last.
Status launch_once(const std::string& folder, const Filter& filter, const GroupHost& groups) {
    const Fd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    const LaunchSpec spec{.command = {"true"},
                          .environment = {"PATH=/usr/bin"},
                          .work = folder,
                          .out = folder,
                          .limits = {.memory = 64_MiB, .processes = 16, .cores = 1},
                          .disk = 1_MiB,
                          .log = null.get(),
                          .report = null.get()};
    Jail jail = TRY(Jail::launch(spec, filter, groups));
    while (!jail.gone()) {
        pollfd ready{jail.notes_fd(), POLLIN, 0};
        ::poll(&ready, 1, -1);
        (void)jail.next_note();
    }
    TRY(jail.finish());
    return Done{};
}

std::int64_t cpu_us() {
    rusage own{};
    rusage children{};
    ::getrusage(RUSAGE_SELF, &own);
    ::getrusage(RUSAGE_CHILDREN, &children);
    const auto us = [](const timeval& time) { return time.tv_sec * 1'000'000 + time.tv_usec; };
    return us(own.ru_utime) + us(own.ru_stime) + us(children.ru_utime) + us(children.ru_stime);
}

/// What a launch costs: the tenth percentile and the median of its time, and its CPU time.
int print_cost(const std::string& folder, std::size_t rounds) {
    const auto filter = compile_filter();
    const auto groups = prepare_groups();
    if (!filter.ok()) return complain(filter.error());
    if (!groups.ok()) return complain(groups.error());
    std::vector<std::int64_t> times;
    const std::int64_t cpu_before = cpu_us();
    for (std::size_t i = 0; i < rounds; ++i) {
        const std::int64_t before = monotonic_us();
        const Status launched = launch_once(folder, filter.value(), groups.value());
        if (!launched.ok()) return complain(launched.error());
        times.push_back(monotonic_us() - before);
    }
    const auto count = static_cast<std::int64_t>(rounds);
    const std::int64_t cpu = (cpu_us() - cpu_before) / count;
    std::ranges::sort(times);
    std::printf("launch, of %zu: tenth percentile %lld us, median %lld us, CPU %lld us\n", rounds,
                static_cast<long long>(times[rounds / 10]),
                static_cast<long long>(times[rounds / 2]), static_cast<long long>(cpu));
    return 0;
}

int run(std::span<char*> words) {
    const std::string_view command = words.size() > 1 ? words[1] : "";
    if (command == "examine") return print_report();
    if (command == "groups") return print_groups();
    if (command == "sweep") return print_swept();
    if (command == "shim" && words.size() == 3) return run_shim(words[2]);
    if (command == "start" && words.size() == 3) return start(words[2]);
    if (command == "cost" && words.size() == 4) {
        return print_cost(words[2], static_cast<std::size_t>(std::max(1, std::atoi(words[3]))));
    }
    std::fputs(
        "usage: sandbox_host examine | groups | sweep | shim FOLDER | start FOLDER | "
        "cost FOLDER ROUNDS\n",
        stderr);
    return 2;
}

}  // namespace

}  // namespace shoal::sandbox

int main(int count, char** words) {
    return shoal::sandbox::run(std::span(words, static_cast<std::size_t>(count)));
}
