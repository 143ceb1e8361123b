#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "core/result.h"
#include "core/units.h"
#include "protocol/attempt.h"
#include "sandbox/cgroup.h"
#include "sandbox/filter.h"
#include "sandbox/jail.h"
#include "sandbox/system.h"

namespace shoal::sandbox {

/// What to run, what it sees and what it may use. The descriptors stay the caller's.
struct LaunchSpec {
    std::vector<std::string> command{};      // looked up in /in, then in PATH
    std::vector<std::string> environment{};  // NAME=value; nothing else is passed on
    std::string work;                        // becomes /work, writable
    std::string out;                         // becomes /out, writable
    std::vector<protocol::MountedInput> inputs{};
    GroupLimits limits;
    Size disk;                 // no single file may grow above it
    std::uint32_t slot = 0;    // distinct among jobs that run at once; chooses the user id
    int log = -1;              // the job's 1 and 2
    int report = -1;           // the job's 3
    int (*entry)() = nullptr;  // runs in place of the command, under the same walls
};

/// How the job's first process ended, and what the group used.
struct Ended {
    std::optional<int> status;  // as wait() gives it; none: it was killed from outside
    GroupUse use;
};

/// The host's user id of the job in a slot; never 0.
/// invalid: the slot is above 60000.
Result<uid_t> host_id(std::uint32_t slot);

/// A job in its sandbox: a user, mount, pid, network, ipc, uts and cgroup namespace, a root that
/// holds only what the job needs, no capabilities, a list of allowed system calls, and a control
/// group. Destroying it kills everything inside.
class Jail {
public:
    /// invalid: the specification. denied, unavailable: this machine cannot isolate it, with the
    /// reason; nothing runs then, there is no weaker way.
    static Result<Jail> launch(const LaunchSpec&, const Filter&, const GroupHost&);

    ~Jail();
    Jail(Jail&&) noexcept = default;
    Jail& operator=(Jail&&) = delete;

    /// Readable when the jail says something, or is gone.
    int notes_fd() const { return control_.get(); }

    /// The next word of the jail; nothing if there is none yet, or no more.
    std::optional<JailNote> next_note();

    /// No more notes will come: finish() will not wait long.
    bool gone() const { return gone_; }

    std::vector<pid_t> processes() const { return group_.processes(); }

    void terminate();  // SIGTERM to the job and its process group
    void kill();       // SIGKILL to all

    /// Waits for the end, kills what is left, removes the group. To be called once.
    /// timeout: something would not die.
    Result<Ended> finish();

private:
    Jail(Group group, Fd control) : group_(std::move(group)), control_(std::move(control)) {}
    Status start(const LaunchSpec&, JailPlan&);
    Status map_ids(uid_t) const;

    Group group_;
    Fd control_;
    Fd process_;
    pid_t pid_ = -1;
    bool gone_ = false;
    std::optional<int> status_;
};

/// What a failed step means to a person: which step, and why.
std::string describe(const JailNote&);

}  // namespace shoal::sandbox
