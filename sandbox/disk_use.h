#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

#include "core/result.h"

namespace shoal::sandbox {

struct DiskUse {
    std::uint64_t size_bytes = 0;  // of blocks, not of lengths: a hole takes no room
    std::uint64_t entries = 0;
};

/// What lies in a folder that a job writes to while it is measured. Follows no link.
/// exhausted: more than a million entries, or folders deeper than 64: nobody needs that, and it
/// would hide what lies below. denied: a folder that its own maker closed.
Result<DiskUse> disk_use(const std::string& folder);

/// What these processes hold open of the folder's file system though it has no name any more: a
/// file takes room until its last descriptor is closed. In bytes.
std::uint64_t nameless_use(const std::vector<pid_t>& processes, const std::string& folder);

}  // namespace shoal::sandbox
