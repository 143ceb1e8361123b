// launch_bench FOLDER PROGRAM: what one launch of the sandbox costs, without a market, a provider
// or a shim. For each line on standard input it launches PROGRAM once, as a shim would, and prints
// how many microseconds passed until the program's first instruction and until nothing of it was
// left. The program prints CLOCK_MONOTONIC in nanoseconds (first_instruction.cpp). The filter is
// compiled once, as a provider does.

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/units.h"
#include "sandbox/launch.h"

namespace shoal::sandbox {

namespace {

struct Launched {
    std::int64_t began_us = 0;  // from the call to the first instruction
    std::int64_t gone_us = 0;   // from the call until nothing was left
};

Status make_job_folder(const std::string& path) {
    if (::mkdir(path.c_str(), 0700) != 0) return failed("make " + path);
    const uid_t id = TRY(host_id(0));
    if (::geteuid() == 0 && ::chown(path.c_str(), id, id) != 0) return failed("chown " + path);
    return Done{};
}

Result<std::int64_t> printed_us(const std::string& path) {
    const std::string text = TRY(read_text(path));
    std::int64_t moment_ns = 0;
    const auto [last, failure] = std::from_chars(text.data(), text.data() + text.size(), moment_ns);
    if (failure != std::errc{} || moment_ns <= 0) {
        return Error{Code::corrupt, "the job printed \"" + text + "\" and not when it began"};
    }
    return moment_ns / 1000;
}

/// One launch after the other, in one folder.
class Launcher {
public:
    static Result<Launcher> make(const std::string& folder, const std::string& program) {
        TRY(make_job_folder(folder + "/work"));
        TRY(make_job_folder(folder + "/out"));
        return Launcher(folder, program, TRY(compile_filter()), TRY(prepare_groups()));
    }

    Result<Launched> launch() const {
        const std::string path = folder_ + "/log";
        const Fd log(::open(path.c_str(), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600));
        const Fd report(::open("/dev/null", O_WRONLY | O_CLOEXEC));
        if (!log.open() || !report.open()) return failed("open " + path);
        LaunchSpec spec = spec_;
        spec.log = log.get();
        spec.report = report.get();

        const std::int64_t start = monotonic_us();
        Jail jail = TRY(Jail::launch(spec, filter_, groups_));
        TRY(wait(jail));
        const Ended ended = TRY(jail.finish());
        const std::int64_t end = monotonic_us();
        if (ended.status != 0) return Error{Code::corrupt, "the job did not end with 0"};
        return Launched{TRY(printed_us(path)) - start, end - start};
    }

private:
    Launcher(const std::string& folder, const std::string& program, Filter filter, GroupHost groups)
        : folder_(folder), filter_(std::move(filter)), groups_(std::move(groups)) {
        spec_.command = {"./job"};
        spec_.work = folder + "/work";
        spec_.out = folder + "/out";
        spec_.inputs = {{"job", program}};
        spec_.limits = {.memory = 64_MiB, .processes = 512, .cores = 1};
        spec_.disk = 64_MiB;
    }

    static Status wait(Jail& jail) {
        while (!jail.gone()) {
            pollfd ready{jail.notes_fd(), POLLIN, 0};
            ::poll(&ready, 1, -1);
            const auto note = jail.next_note();
            if (note && note->kind == JailNote::Kind::failed) {
                return Error{Code::unavailable, describe(*note)};
            }
        }
        return Done{};
    }

    std::string folder_;
    LaunchSpec spec_;
    Filter filter_;
    GroupHost groups_;
};

Status serve(const std::string& folder, const std::string& program) {
    const Launcher launcher = TRY(Launcher::make(folder, program));
    std::puts("ready");
    std::fflush(stdout);
    for (std::string line; std::getline(std::cin, line);) {
        const Launched launched = TRY(launcher.launch());
        std::printf("%lld %lld\n", static_cast<long long>(launched.began_us),
                    static_cast<long long>(launched.gone_us));
        std::fflush(stdout);
    }
    return Done{};
}

}  // namespace

}  // namespace shoal::sandbox

int main(int argc, char** argv) try {
    if (argc != 3) {
        std::fputs("usage: launch_bench FOLDER PROGRAM\n", stderr);
        return 2;
    }
    const auto served = shoal::sandbox::serve(argv[1], argv[2]);
    if (served.ok()) return 0;
    std::fprintf(stderr, "launch_bench: %s\n", served.error().what.c_str());
    return 1;
} catch (const std::exception& error) {
    std::fprintf(stderr, "launch_bench: %s\n", error.what());
    return 1;
}
