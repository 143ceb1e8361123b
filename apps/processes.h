#pragma once

// Processes that are started to outlive this one, and found again later without ever taking
// another process for them.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <boost/describe.hpp>

#include "core/result.h"
#include "core/time.h"
#include "io/files.h"

namespace shoal::apps {

/// A process for good: its number may be given to another one, but not with the same beginning.
struct ProcessRecord {
    std::string role;  // "market", "provider-1"
    std::int64_t pid = 0;
    std::uint64_t started = 0;  // ticks since the machine's start, as /proc has it
    std::string boot;           // which start of the machine

    friend bool operator==(const ProcessRecord&, const ProcessRecord&) = default;
};
BOOST_DESCRIBE_STRUCT(ProcessRecord, (), (role, pid, started, boot))

struct ProcessPlan {
    std::string role;
    std::vector<std::string> words;  // the program and its arguments
    std::filesystem::path log;       // its output is appended there
    int ready_fd = -1;               // it finds this descriptor as number 3; -1: none
};

/// Starts a process in a session of its own, without a terminal. unavailable, not_found, denied.
Result<ProcessRecord> start_process(const ProcessPlan&);

/// Whether exactly this process lives; one that has ended and waits for its parent does not.
bool is_alive(const ProcessRecord&);

/// Asks the process to end (SIGTERM). One that is gone already is no error.
Status ask_to_end(const ProcessRecord&);

/// Ends it at once (SIGKILL).
Status end_by_force(const ProcessRecord&);

/// Whether it ended within that time.
bool wait_for_end(const ProcessRecord&, Duration time_max);

/// What the process writes to the descriptor until it closes it. unavailable: the process ended
/// before. timeout.
Result<std::string> wait_for_word(const ProcessRecord&, const io::Descriptor&, Duration time_max);

/// The last lines of a log, for an error message; empty if there are none.
std::string last_lines(const std::filesystem::path& log, std::size_t count);

}  // namespace shoal::apps
