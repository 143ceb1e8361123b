#include "sandbox/cgroup.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <set>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/group_name.h"

namespace shoal::sandbox {

namespace {

constexpr int removal_tries = 2000;  // of a millisecond each: a big group takes a while to die
constexpr useconds_t removal_pause_us = 1000;

/// The whole number at the start of a file, or behind `key` in it; 0 if there is none.
std::uint64_t number_in(const std::string& path, std::string_view key = "") {
    const auto read = read_text(path);
    if (!read.ok()) return 0;
    std::string_view text = read.value();
    if (!key.empty()) {
        std::size_t at = text.find(std::string(key) + " ");
        while (at != std::string_view::npos && at != 0 && text[at - 1] != '\n') {
            at = text.find(std::string(key) + " ", at + 1);
        }
        if (at == std::string_view::npos) return 0;
        text.remove_prefix(at + key.size() + 1);
    }
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

/// The processes in the group's folder.
std::vector<pid_t> members(const std::string& folder) {
    std::vector<pid_t> found;
    const auto read = read_text(folder + "/cgroup.procs", 1 << 20);
    if (!read.ok()) return found;
    const char* at = read.value().data();
    const char* const end = at + read.value().size();
    while (at < end) {
        pid_t pid = 0;
        const auto parsed = std::from_chars(at, end, pid);
        if (parsed.ec == std::errc() && pid > 1) found.push_back(pid);
        at = parsed.ptr + 1;
    }
    return found;
}

/// Kills what is in the folders and removes them. timeout: something would not die.
Status remove_folders(const std::vector<std::string>& folders) {
    for (const std::string& folder : folders) {
        (void)write_text(folder + "/cgroup.kill", "1");  // version 2 alone has it
    }
    for (const std::string& folder : folders) {
        int tries = 0;
        while (::rmdir(folder.c_str()) != 0 && errno != ENOENT) {
            if (errno != EBUSY) return failed("remove " + folder);
            if (++tries > removal_tries) {
                return Error{Code::timeout, folder + ": its processes would not end"};
            }
            for (const pid_t pid : members(folder)) ::kill(pid, SIGKILL);
            ::usleep(removal_pause_us);
        }
    }
    return Done{};
}

std::string own_name() {
    static std::atomic<unsigned> made{0};
    return to_string(GroupName{own_process(), ++made});
}

Status set(const std::string& folder, std::string_view file, const std::string& value) {
    return write_text(folder + "/" + std::string(file), value);
}

bool exists(const std::string& path) {
    return ::access(path.c_str(), F_OK) == 0;
}

Status limit_v1(const GroupHost& host, const GroupLimits& limits) {
    const std::string memory = std::to_string(limits.memory.bytes);
    TRY(set(host.memory, "memory.limit_in_bytes", memory));
    // Memory and swap together; where swap is not counted, this group at least does not swap.
    if (exists(host.memory + "/memory.memsw.limit_in_bytes")) {
        TRY(set(host.memory, "memory.memsw.limit_in_bytes", memory));
    } else {
        TRY(set(host.memory, "memory.swappiness", "0"));
    }
    TRY(set(host.processes, "pids.max", std::to_string(limits.processes)));
    if (host.cpu.empty() || !exists(host.cpu + "/cpu.cfs_quota_us")) return Done{};
    TRY(set(host.cpu, "cpu.cfs_period_us", "100000"));
    return set(host.cpu, "cpu.cfs_quota_us", std::to_string(std::int64_t{limits.cores} * 100'000));
}

Status limit_v2(const GroupHost& host, const GroupLimits& limits) {
    TRY(set(host.memory, "memory.max", std::to_string(limits.memory.bytes)));
    if (exists(host.memory + "/memory.swap.max")) TRY(set(host.memory, "memory.swap.max", "0"));
    TRY(set(host.memory, "memory.oom.group", "1"));
    TRY(set(host.processes, "pids.max", std::to_string(limits.processes)));
    if (!exists(host.unified + "/cpu.max")) return Done{};
    return set(host.unified, "cpu.max",
               std::to_string(std::int64_t{limits.cores} * 100'000) + " 100000");
}

/// The groups below a folder whose maker fits: `owner`, or any that is gone.
std::vector<std::string> leftovers(const std::string& folder, std::optional<pid_t> owner) {
    std::vector<std::string> found;
    std::error_code failure;
    for (const auto& entry : std::filesystem::directory_iterator(folder, failure)) {
        const std::string name = entry.path().filename();
        const auto parsed = parse_group_name(name);
        if (!parsed.ok() || !same_process_space(parsed.value().maker)) continue;
        const bool wanted =
            owner ? parsed.value().maker.pid == *owner : !is_alive(parsed.value().maker);
        if (wanted) found.push_back(name);
    }
    return found;
}

}  // namespace

std::vector<std::string> GroupHost::folders() const {
    std::set<std::string> once{memory, processes, cpu, unified};
    once.erase("");
    return {once.begin(), once.end()};
}

Group::Group(GroupHost host, std::string name) : host_(std::move(host)), name_(std::move(name)) {
    for (std::string* folder : {&host_.memory, &host_.processes, &host_.cpu, &host_.unified}) {
        if (!folder->empty()) *folder += "/" + name_;
    }
}

Result<Group> Group::make(const GroupHost& host, const GroupLimits& limits) {
    Group group(host, own_name());
    const Status created = group.create(limits);
    if (created.ok()) return group;
    (void)remove_folders(group.host_.folders());
    return created.error();
}

Status Group::create(const GroupLimits& limits) {
    for (const std::string& folder : host_.folders()) {
        if (::mkdir(folder.c_str(), 0755) != 0) return failed("make control group " + folder);
    }
    TRY(limit(limits));
    if (host_.unified.empty()) return Done{};
    unified_.reset(::open(host_.unified.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!unified_.open()) return failed("open " + host_.unified);
    return Done{};
}

Status Group::limit(const GroupLimits& limits) const {
    switch (host_.version) {
        case GroupHost::Version::v1:
            return limit_v1(host_, limits);
        case GroupHost::Version::v2:
            return limit_v2(host_, limits);
    }
    return Done{};
}

Status Group::add(pid_t pid) const {
    for (const std::string& folder : host_.folders()) {
        if (folder == host_.unified) continue;  // clone3 has put it there
        TRY(set(folder, "cgroup.procs", std::to_string(pid)));
    }
    return Done{};
}

GroupUse Group::use() const {
    GroupUse use;
    const bool v1 = host_.version == GroupHost::Version::v1;
    use.memory_peak_bytes =
        number_in(host_.memory + (v1 ? "/memory.max_usage_in_bytes" : "/memory.peak"));
    use.out_of_memory_kills =
        number_in(host_.memory + (v1 ? "/memory.oom_control" : "/memory.events"), "oom_kill");
    use.forks_refused = number_in(host_.processes + "/pids.events", "max");
    use.cpu_ms =
        static_cast<std::int64_t>(number_in(host_.unified + "/cpu.stat", "usage_usec") / 1000);
    return use;
}

std::vector<pid_t> Group::processes() const {
    return members(host_.memory);
}

Status Group::remove() {
    unified_.reset();
    return remove_folders(host_.folders());
}

std::size_t sweep_groups(const GroupHost& host, std::optional<pid_t> owner) {
    std::set<std::string> swept;
    for (const std::string& folder : host.folders()) {
        for (const std::string& name : leftovers(folder, owner)) {
            if (remove_folders({std::filesystem::path(folder) / name}).ok()) swept.insert(name);
        }
    }
    return swept.size();
}

}  // namespace shoal::sandbox
