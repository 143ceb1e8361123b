#pragma once

// Hostile probes. Each tries one thing that a stranger's program must not be able to do, is bounded
// and leaves nothing behind, and says whether it was stopped.

#include <span>
#include <string>

namespace shoal::attack {

/// What the probes aim at, outside of the sandbox that they run in.
struct Target {
    int victim_pid = 0;    // a process that sleeps
    int port = 0;          // something listens on 127.0.0.1
    std::string socket;    // the path of a listening Unix socket
    std::string own_path;  // this program; a copy with the set-user-id bit lies beside it
};

enum class Verdict {
    stopped,
    allowed,
    look_outside  // only the outside can tell
};

struct Finding {
    Verdict verdict = Verdict::stopped;
    std::string detail;
};

struct Probe {
    const char* name;
    Finding (*run)(const Target&);
};

std::span<const Probe> limit_probes();
std::span<const Probe> host_probes();
std::span<const Probe> kernel_probes();
std::span<const Probe> network_probes();

/// allowed if the system call succeeded, else stopped and why.
Finding by_result(long result);

Finding stopped(std::string detail);
Finding allowed(std::string detail);

/// allowed if `count` reached `goal`.
Finding by_count(long count, long goal, const char* what);

/// How a child ended that ran `action`, as wait() gives it.
int status_of_child(void (*action)());

}  // namespace shoal::attack
