#include "sandbox/plan.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <set>
#include <sstream>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shoal::sandbox {

namespace {

constexpr std::string_view standard_path = "/usr/local/bin:/usr/bin:/bin";
constexpr std::uint64_t descriptors_soft = 1024;  // what programs expect that still use select()
constexpr std::uint64_t descriptors_max = 4096;
constexpr std::uint64_t locked_bytes_max = 8 << 20;
constexpr std::uint64_t queue_bytes_max = 64 << 10;
constexpr std::uint64_t pending_signals_max = 1024;
constexpr std::uint64_t scratch_files_max = 20'000;
constexpr std::uint32_t spare_processes = 8;  // the control group is to say no first: it is counted

constexpr std::array devices{"null", "zero", "full", "random", "urandom"};
constexpr std::array program_folders{"bin", "sbin", "lib", "lib32", "lib64", "libx32"};
constexpr std::array settings{"etc/ld.so.cache", "etc/alternatives"};
constexpr std::array masked{"kcore",       "keys",       "key-users",     "kmsg",
                            "sched_debug", "timer_list", "sysrq-trigger", "latency_stats"};
constexpr std::array read_only{"sys", "irq", "bus", "fs", "acpi", "scsi"};

/// A name in /in: one part of a path, no surprise in it.
bool is_plain_name(const std::string& name) {
    if (name.empty() || name.size() > NAME_MAX || name == "." || name == "..") return false;
    return std::ranges::none_of(name, [](char c) { return c == '/' || c == '\0'; });
}

/// Makes the plan part by part.
class Planner {
public:
    explicit Planner(const LaunchSpec& spec) : spec_(spec) {}

    Result<JailPlan> plan() {
        TRY(put_programs());
        TRY(put_settings());
        TRY(put_own_folders());
        TRY(put_inputs());
        TRY(put_limits());
        put_proc();
        put_command();
        return std::move(plan_);
    }

private:
    /// A host file or folder; made ready now where we may, by the child in its namespace else.
    Status bind(JailBind wanted) {
        struct stat found{};
        if (::stat(wanted.source.c_str(), &found) != 0) return failed(wanted.source);
        if (S_ISDIR(found.st_mode)) {
            plan_.folders.push_back(wanted.target);
        } else if (wanted.access != Access::device) {
            plan_.files.push_back({wanted.target, ""});
        }
        if (::geteuid() == 0) {
            wanted.tree.reset(open_bind(wanted));
            if (!wanted.tree.open()) return failed("open " + wanted.source);
        }
        plan_.binds.push_back(std::move(wanted));
        return Done{};
    }

    /// /usr, and the folders or links beside it as they are on the host.
    Status put_programs() {
        TRY(bind({.source = "/usr", .target = "usr"}));
        for (const std::string name : program_folders) {
            const std::string path = "/" + name;
            std::string link(PATH_MAX, '\0');
            const ssize_t size = ::readlink(path.c_str(), link.data(), link.size());
            if (size > 0) {
                link.resize(static_cast<std::size_t>(size));
                plan_.links.push_back({link, name});
            } else if (is_folder(path)) {
                TRY(bind({.source = path, .target = name}));
            }
        }
        return Done{};
    }

    Status put_settings() {
        plan_.folders.emplace_back("etc");
        for (const std::string name : settings) {
            if (::access(("/" + name).c_str(), F_OK) != 0) continue;
            TRY(bind({.source = "/" + name, .target = name}));
        }
        const std::string id = std::to_string(inner_id);
        plan_.files.push_back({"etc/passwd", "job:x:" + id + ":" + id + "::/work:/bin/sh\n"});
        plan_.files.push_back({"etc/group", "job:x:" + id + ":\n"});
        plan_.files.push_back({"etc/hosts", "127.0.0.1 localhost job\n::1 localhost\n"});
        plan_.files.push_back({"etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"});
        return Done{};
    }

    Status put_own_folders() {
        for (const char* name : {"proc", "dev", "tmp", "in"}) plan_.folders.emplace_back(name);
        for (const std::string name : devices) {
            TRY(bind(
                {.source = "/dev/" + name, .target = "dev/" + name, .access = Access::device}));
        }
        TRY(bind({.source = spec_.work, .target = "work", .access = Access::writable}));
        return bind({.source = spec_.out, .target = "out", .access = Access::writable});
    }

    /// The job is another user than the owner of the inputs, so everybody must be able to read
    /// them.
    Status put_inputs() {
        std::set<std::string> names;
        for (const protocol::MountedInput& input : spec_.inputs) {
            if (!is_plain_name(input.as) || !names.insert(input.as).second) {
                return Error{Code::invalid, "input " + input.as + ": expected a name, used once"};
            }
            struct stat found{};
            if (::stat(input.source.c_str(), &found) != 0) return failed(input.source);
            const mode_t wanted = S_ISDIR(found.st_mode) ? S_IROTH | S_IXOTH : S_IROTH;
            if (::geteuid() == 0 && (found.st_mode & wanted) != wanted) {
                return Error{Code::invalid, input.source + ": expected that all may read it"};
            }
            TRY(bind({.source = input.source, .target = "in/" + input.as}));
        }
        return Done{};
    }

    Status put_limits() {
        const std::uint64_t half = std::max<std::uint64_t>(spec_.limits.memory.bytes / 2, 1 << 20);
        plan_.scratch_options = "mode=1777,size=" + std::to_string(half) +
                                ",nr_inodes=" + std::to_string(scratch_files_max);
        const std::uint64_t processes = spec_.limits.processes + spare_processes;
        TRY(limit(RLIMIT_NOFILE, descriptors_soft, descriptors_max));
        TRY(limit(RLIMIT_CORE, 0, 0));
        TRY(limit(RLIMIT_FSIZE, spec_.disk.bytes, spec_.disk.bytes));
        TRY(limit(RLIMIT_MEMLOCK, locked_bytes_max, locked_bytes_max));
        TRY(limit(RLIMIT_MSGQUEUE, queue_bytes_max, queue_bytes_max));
        TRY(limit(RLIMIT_SIGPENDING, pending_signals_max, pending_signals_max));
        return limit(RLIMIT_NPROC, processes, processes);
    }

    /// Never above what this process may have: raising a hard limit needs a privilege.
    Status limit(int resource, std::uint64_t soft, std::uint64_t hard) {
        rlimit now{};
        if (::prlimit(0, static_cast<__rlimit_resource>(resource), nullptr, &now) != 0) {
            return failed("getrlimit");
        }
        hard = std::min<std::uint64_t>(hard, now.rlim_max);
        plan_.limits.push_back({resource, std::min(soft, hard), hard});
        return Done{};
    }

    void put_proc() {
        for (const std::string name : masked) plan_.masked.push_back("proc/" + name);
        for (const std::string name : read_only) plan_.read_only.push_back("proc/" + name);
    }

    void put_command() {
        plan_.drop_groups = ::geteuid() == 0;
        plan_.log = spec_.log;
        plan_.report = spec_.report;
        plan_.entry = spec_.entry;
        plan_.arguments = pointers(spec_.command);
        plan_.environment = pointers(spec_.environment);
        if (!spec_.command.empty()) {
            plan_.candidates = program_candidates(spec_.command.front(), spec_.environment);
        }
    }

    static std::vector<char*> pointers(const std::vector<std::string>& words) {
        std::vector<char*> list;
        list.reserve(words.size() + 1);
        // execve does not write to them; its interface lacks the const.
        for (const std::string& word : words) list.push_back(const_cast<char*>(word.c_str()));
        list.push_back(nullptr);
        return list;
    }

    const LaunchSpec& spec_;
    JailPlan plan_;
};

bool has_zero(const std::vector<std::string>& words) {
    return std::ranges::any_of(
        words, [](const std::string& word) { return word.find('\0') != std::string::npos; });
}

}  // namespace

std::vector<std::string> program_candidates(const std::string& word,
                                            const std::vector<std::string>& environment) {
    if (word.starts_with("./")) return {word, "/in/" + word.substr(2)};
    if (word.find('/') != std::string::npos) return {word};
    std::string path(standard_path);
    for (const std::string& variable : environment) {
        if (variable.starts_with("PATH=")) path = variable.substr(5);
    }
    std::vector<std::string> candidates{"/in/" + word};
    std::istringstream folders(path);
    for (std::string folder; std::getline(folders, folder, ':');) {
        if (!folder.empty()) candidates.push_back(folder.append("/").append(word));
    }
    return candidates;
}

Result<JailPlan> make_plan(const LaunchSpec& spec) {
    if (spec.entry == nullptr && (spec.command.empty() || spec.command.front().empty())) {
        return Error{Code::invalid, "command: expected a program, got nothing"};
    }
    if (has_zero(spec.command) || has_zero(spec.environment)) {
        return Error{Code::invalid, "command, environment: expected no zero byte"};
    }
    return Planner(spec).plan();
}

}  // namespace shoal::sandbox
