#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"

namespace shoal::sandbox {

/// A compiled seccomp filter: which system calls a job may make. It is a list of what is allowed;
/// everything else fails with ENOSYS, as on a kernel that lacks it, so that libraries fall back.
///
/// Compiling costs 0.7 ms of CPU, so a provider does it once and hands the bytes to its shims.
struct Filter {
    std::vector<std::uint64_t> instructions;  // each a sock_filter
};

/// unsupported: libseccomp does not know this machine.
Result<Filter> compile_filter();

Status save_filter(const Filter&, const std::string& folder, const std::string& name);

/// invalid: not a filter by its size. The codes of failed() when it cannot be read.
Result<Filter> load_filter(const std::string& path);

}  // namespace shoal::sandbox
