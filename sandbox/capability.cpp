#include "sandbox/capability.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/group_name.h"
#include "sandbox/launch.h"

namespace shoal::sandbox {

namespace {

using protocol::IsolationFact;
using protocol::Tier;

constexpr const char* walls = "walls";
constexpr const char* system_calls = "system calls";
constexpr const char* memory = "memory";
constexpr const char* processes = "processes";
constexpr std::array needed{walls, system_calls, memory, processes};

constexpr Size memory_allowed = 32_MiB;
constexpr Size memory_usual = 512_MiB;  // each copy of this process has page tables of its own
constexpr std::size_t memory_tried = 96 << 20;
constexpr std::uint32_t processes_allowed = 8;
constexpr int processes_tried = 64;
constexpr int patience_ms = 10'000;

// What runs inside, in place of a command. Each says with its exit code what it could do.

int do_nothing() {
    return 0;
}

/// One that the list of allowed calls has nowhere, one whose argument it refuses.
int try_forbidden_calls() {
    const bool unshared = ::syscall(SYS_unshare, CLONE_NEWUSER) == 0 || errno != ENOSYS;
    const bool vsock = ::socket(AF_VSOCK, SOCK_STREAM, 0) >= 0 || errno != ENOSYS;
    return unshared || vsock ? 1 : 0;
}

int take_memory() {
    constexpr std::size_t page_bytes = 4096;
    void* const mapped =
        ::mmap(nullptr, memory_tried, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) return 2;
    auto* const taken = static_cast<volatile char*>(mapped);
    for (std::size_t at = 0; at < memory_tried; at += page_bytes) taken[at] = 1;
    return 0;
}

int multiply() {
    int made = 0;
    for (int i = 0; i < processes_tried; ++i) {
        const long child = ::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, 0);
        if (child == 0) {
            ::pause();
            ::_exit(0);
        }
        if (child > 0) ++made;
    }
    return made < processes_tried ? 0 : 1;
}

constexpr std::string_view group_prefix = "shoal-";
constexpr std::string_view trial_prefix = "shoal-trial-";
constexpr std::string_view trial_suffix = "-XXXXXX";  // for mkdtemp

bool is_own_folder(const std::filesystem::path& path) {
    struct stat found{};
    return ::lstat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode) &&
           found.st_uid == ::geteuid();
}

/// Folders of processes that were killed while they tried. The names say whose they are.
void remove_trials_of_the_dead(const std::filesystem::path& below) {
    std::error_code failed;
    for (const auto& entry : std::filesystem::directory_iterator(below, failed)) {
        std::string name = entry.path().filename().string();
        if (!name.starts_with(trial_prefix)) continue;
        if (name.size() < trial_prefix.size() + trial_suffix.size()) continue;
        name.resize(name.size() - trial_suffix.size());
        const auto group =
            parse_group_name(std::string(group_prefix) + name.substr(trial_prefix.size()));
        if (!group.ok() || !same_process_space(group.value().maker)) continue;
        if (is_alive(group.value().maker) || !is_own_folder(entry.path())) continue;
        std::error_code ignored;
        std::filesystem::remove_all(entry.path(), ignored);
    }
}

/// Two folders for a job that is tried; gone afterwards.
class TrialFolders {
public:
    TrialFolders() {
        const auto below = std::filesystem::temp_directory_path();
        remove_trials_of_the_dead(below);
        const std::string group =
            to_string(GroupName{own_process(), 1}).substr(group_prefix.size());
        root_ = below / (std::string(trial_prefix) + group + std::string(trial_suffix));
        std::string name = root_.string();
        made_ = ::mkdtemp(name.data()) != nullptr;
        root_ = name;
        if (!made_) return;
        ::mkdir(work().c_str(), 0755);
        ::mkdir(out().c_str(), 0755);
    }
    ~TrialFolders() {
        std::error_code ignored;
        if (made_) std::filesystem::remove_all(root_, ignored);
    }
    TrialFolders(const TrialFolders&) = delete;
    TrialFolders& operator=(const TrialFolders&) = delete;

    bool made() const { return made_; }
    std::string work() const { return root_.string() + "/work"; }
    std::string out() const { return root_.string() + "/out"; }

private:
    std::filesystem::path root_;
    bool made_ = false;
};

class Trials {
public:
    Trials(const TrialFolders& folders, const Filter& filter, const GroupHost& host)
        : folders_(folders), filter_(filter), host_(host) {}

    IsolationFact walls_line() {
        const auto ended = run(&do_nothing);
        if (!ended.ok()) return {walls, false, ended.error().what};
        return {
            walls, true,
            "user, process, mount, network, ipc, name and cgroup namespaces; a root of its own"};
    }

    IsolationFact calls_line() {
        const auto ended = run(&try_forbidden_calls);
        if (!ended.ok()) return {system_calls, false, ended.error().what};
        if (ended.value().status != 0) {
            return {system_calls, false, "a forbidden system call was answered"};
        }
        return {system_calls, true,
                "seccomp, " + std::to_string(filter_.instructions.size()) + " instructions"};
    }

    IsolationFact memory_line() {
        const auto ended = run(&take_memory, memory_allowed);
        if (!ended.ok()) return {memory, false, ended.error().what};
        if (ended.value().use.out_of_memory_kills == 0 || ended.value().status == 0) {
            return {memory, false, "a process that took too much was not ended"};
        }
        return {memory, true, backend()};
    }

    IsolationFact processes_line() {
        const auto ended = run(&multiply);
        if (!ended.ok()) return {processes, false, ended.error().what};
        if (ended.value().use.out_of_memory_kills > 0) {
            return {processes, false, "the trial ran out of memory before it reached its limit"};
        }
        if (ended.value().use.forks_refused == 0 || ended.value().status != 0) {
            return {processes, false, "too many processes were not refused"};
        }
        return {processes, true, backend()};
    }

private:
    std::string backend() const {
        switch (host_.version) {
            case GroupHost::Version::v1:
                return "control groups, version 1; proven";
            case GroupHost::Version::v2:
                return "control groups, version 2; proven";
        }
        return "";
    }

    /// unavailable: it did not come to run, or did not end.
    Result<Ended> run(int (*entry)(), Size memory_limit = memory_usual) {
        const Fd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
        const LaunchSpec spec{
            .work = folders_.work(),
            .out = folders_.out(),
            .limits = {.memory = memory_limit, .processes = processes_allowed, .cores = 1},
            .disk = 1_MiB,
            .log = null.get(),
            .report = null.get(),
            .entry = entry,
        };
        Jail jail = TRY(Jail::launch(spec, filter_, host_));
        std::optional<Error> failure;
        while (!jail.gone() && !failure) {
            pollfd ready{jail.notes_fd(), POLLIN, 0};
            if (::poll(&ready, 1, patience_ms) == 0) failure = Error{Code::timeout, "it hung"};
            const auto note = jail.next_note();
            if (note && note->kind == JailNote::Kind::failed) {
                failure = Error{Code::unavailable, describe(*note)};
            }
        }
        if (failure) return *failure;
        return jail.finish();
    }

    const TrialFolders& folders_;
    const Filter& filter_;
    const GroupHost& host_;
};

std::vector<IsolationFact> all_absent(const std::string& reason) {
    std::vector<IsolationFact> lines;
    lines.reserve(needed.size());
    for (const char* name : needed) lines.push_back({name, false, reason});
    return lines;
}

std::vector<IsolationFact> try_all() {
    const auto filter = compile_filter();
    if (!filter.ok()) return all_absent(filter.error().what);
    const auto host = prepare_groups();
    if (!host.ok()) return all_absent(host.error().what);
    const TrialFolders folders;
    if (!folders.made()) return all_absent("no temporary folder can be made");
    Trials trials(folders, filter.value(), host.value());
    return {trials.walls_line(), trials.calls_line(), trials.memory_line(),
            trials.processes_line()};
}

bool is_enforced(const std::vector<IsolationFact>& lines, std::string_view name) {
    return std::ranges::any_of(
        lines, [name](const IsolationFact& line) { return line.name == name && line.holds; });
}

}  // namespace

Report examine() {
    Report report;
    report.isolation = try_all();
    report.tier = judge(report.isolation);
    report.isolation.push_back(
        {"disk", false, "each file is limited; the sum is measured and the job then ended"});
    report.isolation.push_back(
        {"kernel of its own", false, "this release starts no virtual machines"});
    return report;
}

protocol::Tier judge(const std::vector<IsolationFact>& lines) {
    if (!is_enforced(lines, walls) || !is_enforced(lines, system_calls)) return Tier::d;
    if (!is_enforced(lines, memory) || !is_enforced(lines, processes)) {
        return Tier::c;
    }
    return Tier::b;
}

Status may_run_strangers(const Report& report) {
    if (report.tier == Tier::b || report.tier == Tier::a) return Done{};
    std::vector<std::pair<std::string, std::string>>
        lacking;  // names, and the reason of all of them
    for (const IsolationFact& line : report.isolation) {
        const bool wanted = std::ranges::find(needed, line.name) != needed.end();
        if (!wanted || line.holds) continue;
        if (lacking.empty() || lacking.back().second != line.detail) {
            lacking.emplace_back(line.name, line.detail);
        } else {
            lacking.back().first += ", " + line.name;
        }
    }
    std::string reasons;
    for (const auto& [names, detail] : lacking) {
        if (!reasons.empty()) reasons += "; ";
        reasons.append(names).append(": ").append(detail);
    }
    return Error{Code::unavailable, "this machine cannot isolate strangers' jobs: " + reasons};
}

std::string_view in_words(protocol::Tier tier) {
    switch (tier) {
        case Tier::a:
            return "A: a kernel of its own";
        case Tier::b:
            return "B: shared kernel, every limit enforced";
        case Tier::c:
            return "C: shared kernel, not every limit enforced";
        case Tier::d:
            return "D: strangers' jobs are refused";
    }
    return "";
}

}  // namespace shoal::sandbox
