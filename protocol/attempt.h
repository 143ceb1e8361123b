#pragma once

// What the provider hands to the process that runs one attempt (the shim), and what comes back.
// Both are files in the attempt's folder: attempt.json and outcome.json.

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/describe.hpp>

#include "core/hash.h"
#include "core/id.h"
#include "core/time.h"
#include "core/units.h"
#include "protocol/job.h"
#include "protocol/reasons.h"

namespace shoal::protocol {

/// A file or folder of the host that the job sees, read-only, as /in/NAME.
struct MountedInput {
    std::string as;
    std::string source;

    friend bool operator==(const MountedInput&, const MountedInput&) = default;
};
BOOST_DESCRIBE_STRUCT(MountedInput, (), (as, source))

struct AttemptSpec {
    LeaseId lease;
    std::vector<std::string> command;
    std::map<std::string, std::string> environment;
    std::vector<MountedInput> inputs;
    Resources resources;
    JobLimits limits;
    Duration time_max{};    // the job is ended after this long: its limit, or what its money buys
    Duration lease_left{};  // ... or when the lease ends and nobody has moved its deadline
    std::uint32_t processes_max = 512;
    std::uint32_t slot = 0;      // distinct among attempts that run at once; chooses their user ids
    std::string seccomp_filter;  // a file with the compiled filter; empty: compile it here
    std::vector<std::string> secrets;  // names; the values come by a pipe

    friend bool operator==(const AttemptSpec&, const AttemptSpec&) = default;
};
BOOST_DESCRIBE_STRUCT(AttemptSpec, (),
                      (lease, command, environment, inputs, resources, limits, time_max, lease_left,
                       processes_max, slot, seccomp_filter, secrets))

/// How the attempt's process ended; measured, not declared. Times of steps are CLOCK_MONOTONIC in
/// microseconds, zero where the step was not reached.
struct AttemptOutcome {
    Reason reason = Reason::runner_lost;
    std::string detail;  // for people; what was expected and what came
    std::int32_t exit_code = 0;
    std::int32_t signal = 0;
    bool started = false;
    std::int64_t ran_ms = 0;
    std::int64_t cpu_ms = 0;
    std::uint64_t memory_peak_bytes = 0;
    std::uint64_t log_bytes = 0;
    std::uint64_t log_dropped_bytes = 0;
    std::int64_t shim_at_us = 0;
    std::int64_t started_at_us = 0;

    friend bool operator==(const AttemptOutcome&, const AttemptOutcome&) = default;
};
BOOST_DESCRIBE_STRUCT(AttemptOutcome, (),
                      (reason, detail, exit_code, signal, started, ran_ms, cpu_ms,
                       memory_peak_bytes, log_bytes, log_dropped_bytes, shim_at_us, started_at_us))

/// A file that an attempt left in /out.
struct Artifact {
    static constexpr std::array<std::string_view, 2> required{"path", "blob"};
    std::string path;
    Hash blob;
    std::uint64_t size_bytes = 0;

    friend bool operator==(const Artifact&, const Artifact&) = default;
};
BOOST_DESCRIBE_STRUCT(Artifact, (), (path, blob, size_bytes))

}  // namespace shoal::protocol
