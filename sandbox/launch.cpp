#include "sandbox/launch.h"

#include <array>
#include <cerrno>
#include <csignal>

#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/check.h"
#include "sandbox/plan.h"

namespace shoal::sandbox {

namespace {

constexpr uid_t first_host_id = 100'000;
constexpr uid_t host_id_step = 65'536;
constexpr std::uint32_t slot_max = 60'000;

constexpr std::uint64_t own_namespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
                                         CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

bool is_root() {
    return ::geteuid() == 0;
}

std::string one_id(uid_t host) {
    return std::to_string(inner_id) + " " + std::to_string(host) + " 1";
}

struct Cloned {
    pid_t pid = -1;
    Fd process;
};

/// What the kernel's refusal means, see clone(2).
Error no_namespaces(int error_number) {
    Error refused = failed("make the job's namespaces", error_number);
    if (error_number == EPERM) {
        refused.what +=
            " (the kernel makes no user namespace inside a chroot, nor where a "
            "container's filter or kernel.apparmor_restrict_unprivileged_userns forbids it)";
    } else if (error_number == ENOSPC || error_number == EUSERS) {
        refused.what += " (see user.max_user_namespaces, and how deep they are nested)";
    }
    return refused;
}

/// Not CLONE_VM: the child is a copy, whatever it does is done to itself. 0 in the child.
Result<Cloned> clone_into(const Group& group) {
    int process = -1;
    clone_args wanted{};
    wanted.flags = own_namespaces | CLONE_PIDFD;
    wanted.pidfd = reinterpret_cast<std::uint64_t>(&process);
    wanted.exit_signal = SIGCHLD;
    if (group.unified_fd() >= 0) {
        wanted.flags |= CLONE_INTO_CGROUP;
        wanted.cgroup = static_cast<std::uint64_t>(group.unified_fd());
    }
    const long pid = ::syscall(SYS_clone3, &wanted, sizeof wanted);
    if (pid < 0) return no_namespaces(errno);
    return Cloned{static_cast<pid_t>(pid), Fd(process)};
}

}  // namespace

Result<uid_t> host_id(std::uint32_t slot) {
    if (slot > slot_max) {
        return Error{Code::invalid, "slot: expected at most " + std::to_string(slot_max) +
                                        ", got " + std::to_string(slot)};
    }
    return is_root() ? first_host_id + slot * host_id_step : ::geteuid();
}

Result<Jail> Jail::launch(const LaunchSpec& spec, const Filter& filter, const GroupHost& host) {
    JailPlan plan = TRY(make_plan(spec));
    plan.filter = &filter;
    std::array<int, 2> ends{-1, -1};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return failed("socketpair");
    }
    Fd control(ends[0]);
    const Fd inner(ends[1]);
    plan.control = inner.get();
    Group group = TRY(Group::make(host, spec.limits));
    Jail jail(std::move(group), std::move(control));
    const Status started = jail.start(spec, plan);
    if (!started.ok()) return started.error();  // the jail's destructor leaves nothing behind
    return jail;
}

Status Jail::start(const LaunchSpec& spec, JailPlan& plan) {
    const uid_t host = TRY(host_id(spec.slot));
    Cloned cloned = TRY(clone_into(group_));
    if (cloned.pid == 0) {
        ::close(control_.get());  // so that the child sees when the launcher is gone
        enter_jail(plan);
    }
    pid_ = cloned.pid;
    process_ = std::move(cloned.process);
    TRY(map_ids(host));
    TRY(group_.add(pid_));
    const char go = 'g';
    if (::send(control_.get(), &go, 1, MSG_NOSIGNAL) != 1) return failed("start the jail");
    return Done{};
}

Status Jail::map_ids(uid_t host) const {
    const std::string process = "/proc/" + std::to_string(pid_);
    if (!is_root()) TRY(write_text(process + "/setgroups", "deny"));
    TRY(write_text(process + "/uid_map", one_id(host)));
    return write_text(process + "/gid_map", one_id(is_root() ? host : ::getegid()));
}

Jail::~Jail() {
    if (!control_.open()) return;  // finished, or moved from
    kill();
    (void)finish();
}

std::optional<JailNote> Jail::next_note() {
    JailNote note;
    const ssize_t size = ::recv(control_.get(), &note, sizeof note, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
    if (size != sizeof note) {
        gone_ = true;
        return std::nullopt;
    }
    if (note.kind == JailNote::Kind::ended) status_ = note.value;
    return note;
}

void Jail::terminate() {
    if (process_.open()) ::syscall(SYS_pidfd_send_signal, process_.get(), SIGTERM, nullptr, 0);
}

void Jail::kill() {
    if (process_.open()) ::syscall(SYS_pidfd_send_signal, process_.get(), SIGKILL, nullptr, 0);
}

Result<Ended> Jail::finish() {
    check(control_.open());
    if (process_.open()) {
        siginfo_t ignored{};
        while (::waitid(P_PIDFD, static_cast<id_t>(process_.get()), &ignored, WEXITED) != 0 &&
               errno == EINTR) {
        }
        process_.reset();
    }
    while (!gone_ && next_note()) {
    }
    control_.reset();
    const Ended ended{status_, group_.use()};
    TRY(group_.remove());
    return ended;
}

std::string describe(const JailNote& note) {
    const auto step = static_cast<std::size_t>(note.step);
    check(step < step_names.size());
    return failed("cannot " + std::string(step_names[step]), note.value).what;
}

}  // namespace shoal::sandbox
