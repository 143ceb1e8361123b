#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "core/result.h"
#include "core/units.h"
#include "sandbox/system.h"

namespace shoal::sandbox {

/// Where this process may make control groups: a folder for each controller. On a version 2 host
/// all are one folder; on a version 1 host each is its own; a hybrid host has both, limits in
/// version 1 and the killing of a whole group in version 2.
struct GroupHost {
    enum class Version { v1, v2 };

    Version version = Version::v1;
    std::string memory;
    std::string processes;
    std::string cpu;      // empty: the share of the processors is not limited
    std::string unified;  // version 2: kills, counts time. Empty on a pure version 1 host.

    /// Each folder once.
    std::vector<std::string> folders() const;
};

/// Finds the place in what /proc/self/mountinfo and /proc/self/cgroup say.
/// unavailable: no hierarchy limits memory and the number of processes.
Result<GroupHost> locate_groups(std::string_view mounts, std::string_view membership);

/// Finds the place for this process and makes it ready: on a version 2 host that was delegated to
/// us the process moves into a leaf of its own, since only leaves may hold processes.
/// unavailable, denied: no place, with the reason and what a person can do about it.
Result<GroupHost> prepare_groups();

struct GroupLimits {
    Size memory;
    std::uint32_t processes = 0;
    std::uint32_t cores = 0;
};

/// What a group has used, and which limits it hit.
struct GroupUse {
    std::uint64_t memory_peak_bytes = 0;
    std::uint64_t out_of_memory_kills = 0;
    std::uint64_t forks_refused = 0;
    std::int64_t cpu_ms = 0;
};

/// One control group for one attempt, with its limits. Its name tells which process made it, so
/// that a sweep can tell the dead one's groups from the living one's.
class Group {
public:
    /// denied, unavailable: the group or one of its limits could not be set; nothing is left.
    static Result<Group> make(const GroupHost&, const GroupLimits&);

    /// To be given to clone3 as CLONE_INTO_CGROUP; -1: there is none.
    int unified_fd() const { return unified_.get(); }

    /// Puts a process that was not cloned into the group there.
    Status add(pid_t) const;

    GroupUse use() const;
    std::vector<pid_t> processes() const;

    /// Kills all in it, waits until it is empty and removes it.
    /// timeout: something would not die.
    Status remove();

    const std::string& name() const { return name_; }

private:
    Group(GroupHost host, std::string name);
    Status create(const GroupLimits&);
    Status limit(const GroupLimits&) const;

    GroupHost host_;  // with this group's own folders
    std::string name_;
    Fd unified_;
};

/// Removes the groups of the process `owner` is, or of every process that is gone (nothing given),
/// and kills what is in them. Gives how many there were.
std::size_t sweep_groups(const GroupHost&, std::optional<pid_t> owner = std::nullopt);

}  // namespace shoal::sandbox
