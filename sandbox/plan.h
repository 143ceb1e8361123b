#pragma once

#include "sandbox/launch.h"

namespace shoal::sandbox {

/// Lays out what the job will see and opens what only the launcher can open. The plan points into
/// the specification, which must outlive it.
/// invalid: the specification asks for what cannot be. not_found, denied: a source cannot be read.
Result<JailPlan> make_plan(const LaunchSpec&);

/// Where the program may lie: a path as it is (and "./NAME" also in /in); a bare name in /in, then
/// along the PATH of the job's environment.
std::vector<std::string> program_candidates(const std::string& word,
                                            const std::vector<std::string>& environment);

}  // namespace shoal::sandbox
