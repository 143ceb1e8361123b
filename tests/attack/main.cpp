#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string_view>

#include <sys/wait.h>
#include <unistd.h>

#include "tests/attack/probe.h"

namespace shoal::attack {

Finding stopped(std::string detail) {
    return {Verdict::stopped, std::move(detail)};
}

Finding allowed(std::string detail) {
    return {Verdict::allowed, std::move(detail)};
}

Finding by_result(long result) {
    if (result < 0) return stopped(std::strerror(errno));
    return allowed("it returned " + std::to_string(result));
}

Finding by_count(long count, long goal, const char* what) {
    const std::string counted = std::to_string(count) + " " + what;
    if (count >= goal) return allowed(counted);
    return stopped(counted + ", then " + std::strerror(errno));
}

int status_of_child(void (*action)()) {
    const pid_t child = ::fork();
    if (child == 0) {
        action();
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return status;
}

namespace {

const char* name_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::stopped:
            return "STOPPED";
        case Verdict::allowed:
            return "ALLOWED";
        case Verdict::look_outside:
            return "OUTSIDE";
    }
    return "";
}

/// Names after the target choose probes; none: all, but those that would end this program.
bool is_wanted(const Probe& probe, std::span<char*> names) {
    for (const char* name : names) {
        if (std::string_view(name) == probe.name) return true;
    }
    return names.empty();
}

void run_all(std::span<const Probe> probes, const Target& target, std::span<char*> names) {
    for (const Probe& probe : probes) {
        if (!is_wanted(probe, names)) continue;
        const Finding finding = probe.run(target);
        std::printf("%s %s %s\n", probe.name, name_of(finding.verdict), finding.detail.c_str());
        std::fflush(stdout);
    }
}

constexpr int fixed_arguments = 4;

int list() {
    for (const auto probes : {limit_probes(), host_probes(), kernel_probes(), network_probes()}) {
        for (const Probe& probe : probes) std::puts(probe.name);
    }
    return 0;
}

int run(std::span<char*> arguments) {
    if (arguments.size() == 2 && std::string_view(arguments[1]) == "list") return list();
    if (arguments.size() == 2 && std::string_view(arguments[1]) == "whoami") {
        std::printf("uid %u euid %u\n", ::getuid(), ::geteuid());
        return 0;
    }
    if (arguments.size() < fixed_arguments) {
        std::fputs("usage: attack VICTIM_PID PORT SOCKET [PROBE...] | list | whoami\n", stderr);
        return 2;
    }
    const Target target{std::atoi(arguments[1]), std::atoi(arguments[2]), arguments[3],
                        arguments[0]};
    const auto names = arguments.subspan(fixed_arguments);
    for (const auto probes : {limit_probes(), host_probes(), kernel_probes(), network_probes()}) {
        run_all(probes, target, names);
    }
    return 0;
}

}  // namespace

}  // namespace shoal::attack

int main(int count, char** words) {
    return shoal::attack::run(std::span(words, static_cast<std::size_t>(count)));
}
