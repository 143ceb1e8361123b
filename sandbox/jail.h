#pragma once

// The child's half of a launch: from clone3 until the job's program runs. Everything that needs
// memory is prepared before; the child makes system calls only, so it is safe in a copy of any
// process.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "core/units.h"
#include "sandbox/filter.h"
#include "sandbox/system.h"

namespace shoal::sandbox {

/// The user and group that a job is, inside.
constexpr unsigned inner_id = 1000;

/// What went wrong on the way in; step_names has the words.
enum class JailStep {
    wait,
    identity,
    parent,
    mounts,
    source,
    root,
    folders,
    proc,
    devices,
    tmp,
    binds,
    pivot,
    loopback,
    limits,
    privileges,
    spawn,
    filter,
    program
};
constexpr std::array<std::string_view, 18> step_names{"wait for the launcher",
                                                      "take the job's user id",
                                                      "follow the launcher's death",
                                                      "make mounts private",
                                                      "open what the job sees",
                                                      "mount the root",
                                                      "lay out the root",
                                                      "mount /proc",
                                                      "lay out /dev",
                                                      "mount /tmp",
                                                      "bind what the job sees",
                                                      "change the root",
                                                      "bring up loopback",
                                                      "set limits",
                                                      "drop privileges",
                                                      "start the job's process",
                                                      "install the filter",
                                                      "run the command"};

/// One word from the jail to the launcher.
struct JailNote {
    enum class Kind : std::int32_t { failed, started, ended };

    Kind kind = Kind::failed;
    std::int32_t step = 0;   // failed: a JailStep
    std::int32_t value = 0;  // failed: errno; ended: the status as wait() gives it
};

enum class Access { read_only, writable, device };

/// A file or folder of the host and where it appears in the jail.
struct JailBind {
    std::string source;
    std::string target;  // relative to the jail's root
    Access access = Access::read_only;
    Fd tree = Fd();  // opened before, where the launcher may; else the child opens `source`
};

struct JailLink {
    std::string target;
    std::string name;
};

struct JailFile {
    std::string name;
    std::string text;
};

struct JailLimit {
    int resource = 0;
    std::uint64_t soft = 0;
    std::uint64_t hard = 0;
};

struct JailPlan {
    int control = -1;  // a SOCK_SEQPACKET: one byte in means go, JailNotes come out
    bool drop_groups = false;
    std::vector<std::string> folders;
    std::vector<JailLink> links;
    std::vector<JailFile> files;
    std::vector<JailBind> binds;
    std::vector<std::string> masked;     // below proc
    std::vector<std::string> read_only;  // below proc
    std::string scratch_options;         // of the tmpfs on /tmp and /dev/shm
    std::vector<JailLimit> limits;
    const Filter* filter = nullptr;
    int log = -1;                         // the job's 1 and 2
    int report = -1;                      // the job's 3
    std::vector<std::string> candidates;  // where the program may lie, in order
    std::vector<char*> arguments;         // null-terminated
    std::vector<char*> environment;       // null-terminated
    int (*entry)() = nullptr;             // runs in place of a program, for the capability probes
};

/// A detached copy of a mount, with the flags of its access; -1 and errno else.
int open_bind(const JailBind&);

/// Never comes back: first it becomes the jail's init, then the job's process branches off.
[[noreturn]] void enter_jail(JailPlan&);

}  // namespace shoal::sandbox
