// Where control groups can be made on this machine.

#include <algorithm>
#include <cerrno>
#include <map>
#include <sstream>

#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/cgroup.h"

namespace shoal::sandbox {

namespace {

constexpr std::string_view own_leaf = "/shoal-provider";
constexpr std::string_view hint =
    "start the provider as root, as a service with Delegate=yes, or with `systemd-run --user "
    "--scope -p Delegate=yes`";

struct Hierarchy {
    std::string root;  // the part of the hierarchy that the mount shows
    std::string mount;
};

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    std::istringstream in{std::string(text)};
    for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
    return parts;
}

/// Controller -> hierarchy, with "" for version 2.
std::map<std::string, Hierarchy> hierarchies(std::string_view mounts) {
    constexpr std::size_t root_field = 3;
    constexpr std::size_t mount_field = 4;
    std::map<std::string, Hierarchy> found;
    for (const std::string& line : split(mounts, '\n')) {
        const std::vector<std::string> fields = split(line, ' ');
        const auto dash = std::ranges::find(fields, "-");
        if (fields.size() <= mount_field || fields.end() - dash < 4) continue;
        const Hierarchy here{fields[root_field], fields[mount_field]};
        if (dash[1] == "cgroup2") found.emplace("", here);
        if (dash[1] != "cgroup") continue;
        for (const std::string& option : split(dash[3], ',')) found.emplace(option, here);
    }
    return found;
}

/// Controller -> the group this process is in, with "" for version 2.
std::map<std::string, std::string> memberships(std::string_view text) {
    std::map<std::string, std::string> found;
    for (const std::string& line : split(text, '\n')) {
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const std::string path = line.substr(second + 1);
        if (controllers.empty()) found.emplace("", path);
        for (const std::string& controller : split(controllers, ',')) {
            found.emplace(controller, path);
        }
    }
    return found;
}

/// The folder of this process's own group; without the leaf that it has moved into.
std::string own_folder(const Hierarchy& hierarchy, std::string group) {
    if (group.ends_with(own_leaf)) group.resize(group.size() - own_leaf.size());
    if (hierarchy.root != "/" && group.starts_with(hierarchy.root)) {
        group.erase(0, hierarchy.root.size());
    }
    return group.empty() || group == "/" ? hierarchy.mount : hierarchy.mount + group;
}

bool enables(const std::string& folder) {
    const auto read = read_text(folder + "/cgroup.subtree_control");
    if (!read.ok()) return false;
    const std::vector<std::string> on = split(read.value().substr(0, read.value().find('\n')), ' ');
    return std::ranges::find(on, "memory") != on.end() && std::ranges::find(on, "pids") != on.end();
}

Status enable(const std::string& folder) {
    TRY(write_text(folder + "/cgroup.subtree_control", "+memory +pids"));
    (void)write_text(folder + "/cgroup.subtree_control", "+cpu");  // good to have, not needed
    return Done{};
}

/// Only a leaf may hold processes: this one makes itself one beside the attempts'.
Status move_into_leaf(const std::string& folder) {
    const std::string leaf = folder + std::string(own_leaf);
    if (::mkdir(leaf.c_str(), 0755) != 0 && errno != EEXIST) return failed("make " + leaf);
    return write_text(leaf + "/cgroup.procs", std::to_string(::getpid()));
}

Status make_ready(const std::string& folder) {
    if (enables(folder) || enable(folder).ok()) return Done{};
    TRY(move_into_leaf(folder));
    return enable(folder);
}

Result<GroupHost> prepare_v2(GroupHost host, const std::string& top) {
    const Status ready = make_ready(host.unified);
    if (ready.ok()) return host;
    if (::geteuid() == 0 && make_ready(top).ok()) {
        host.memory = host.processes = host.unified = top;
        return host;
    }
    return Error{ready.error().code, "control groups are not delegated to this process (" +
                                         ready.error().what + "); " + std::string(hint)};
}

/// A version 1 group whose folder the mount does not show is replaced by the top one.
void fall_back_to_mounts(GroupHost& host, const std::map<std::string, Hierarchy>& found) {
    const auto fix = [&](std::string& folder, const std::string& controller) {
        if (!folder.empty() && !is_folder(folder)) folder = found.at(controller).mount;
    };
    fix(host.unified, "");
    if (host.version != GroupHost::Version::v1) return;
    fix(host.memory, "memory");
    fix(host.processes, "pids");
    fix(host.cpu, "cpu");
}

Status writable(const GroupHost& host) {
    for (const std::string& folder : host.folders()) {
        if (::access(folder.c_str(), W_OK) == 0) continue;
        const Error error = failed("write to " + folder);
        return Error{error.code, error.what + "; " + std::string(hint)};
    }
    return Done{};
}

}  // namespace

Result<GroupHost> locate_groups(std::string_view mounts, std::string_view membership) {
    const auto found = hierarchies(mounts);
    const auto own = memberships(membership);
    const auto folder = [&](const std::string& controller) -> std::string {
        const auto hierarchy = found.find(controller);
        const auto group = own.find(controller);
        if (hierarchy == found.end() || group == own.end()) return "";
        return own_folder(hierarchy->second, group->second);
    };
    GroupHost host;
    host.unified = folder("");
    host.memory = folder("memory");
    host.processes = folder("pids");
    host.cpu = folder("cpu");
    if (!host.memory.empty() && !host.processes.empty()) return host;
    if (host.unified.empty() || !host.memory.empty() || !host.processes.empty()) {
        return Error{Code::unavailable,
                     "no control group hierarchy limits both memory and processes"};
    }
    host.version = GroupHost::Version::v2;
    host.memory = host.processes = host.unified;
    host.cpu.clear();
    return host;
}

Result<GroupHost> prepare_groups() {
    const std::string mounts = TRY(read_text("/proc/self/mountinfo", 1 << 20));
    const std::string membership = TRY(read_text("/proc/self/cgroup"));
    GroupHost host = TRY(locate_groups(mounts, membership));
    const auto found = hierarchies(mounts);
    fall_back_to_mounts(host, found);
    if (host.version == GroupHost::Version::v2) {
        host.memory = host.processes = host.unified;
        host = TRY(prepare_v2(host, found.at("").mount));
    } else if (!host.unified.empty() && ::access(host.unified.c_str(), W_OK) != 0) {
        host.unified.clear();  // the limits are enforced all the same
    }
    TRY(writable(host));
    return host;
}

}  // namespace shoal::sandbox
