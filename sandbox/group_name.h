#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "core/result.h"

namespace shoal::sandbox {

/// A process, told apart from a later one of the same number by when it started, and from one of
/// another container by its space of process numbers.
struct ProcessMark {
    std::uint64_t space = 0;
    pid_t pid = 0;
    std::uint64_t started = 0;  // clock ticks since boot

    friend bool operator==(const ProcessMark&, const ProcessMark&) = default;
};

ProcessMark own_process();
bool is_alive(const ProcessMark&);
bool same_process_space(const ProcessMark&);

/// The name of a control group: who made it, and the how-manieth it was.
struct GroupName {
    ProcessMark maker;
    unsigned number = 0;

    friend bool operator==(const GroupName&, const GroupName&) = default;
};

std::string to_string(const GroupName&);

/// invalid: not a name that to_string gives.
Result<GroupName> parse_group_name(std::string_view text);

}  // namespace shoal::sandbox
