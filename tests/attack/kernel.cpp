// Probes that try system calls a job has no business with.

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <ctime>

#include <asm/termbits.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/attack/probe.h"

namespace shoal::attack {

namespace {

/// Some arguments are 32 bits wide for the kernel and 64 for a filter: what if the rest is set?
constexpr std::uint64_t high_bits = std::uint64_t{1} << 40;

Finding mount_tmpfs(const Target& /*target*/) {
    return by_result(::mount("t", "/tmp", "tmpfs", 0, nullptr));
}

Finding remount_rw(const Target& /*target*/) {
    return by_result(::mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND, nullptr));
}

Finding new_mount_api(const Target& /*target*/) {
    return by_result(::syscall(SYS_fsopen, "tmpfs", 0));
}

void unshare_and_mount() {
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) ::_exit(errno);
    if (::mount("t", "/tmp", "tmpfs", 0, nullptr) != 0) ::_exit(errno);
}

Finding userns_again(const Target& /*target*/) {
    const int status = status_of_child(&unshare_and_mount);
    if (status == 0) return allowed("a mount in a user namespace of its own");
    return stopped("wait status " + std::to_string(status));
}

Finding finish_clone(long child) {
    if (child == 0) ::_exit(0);
    const Finding finding = by_result(child);
    if (child > 0) ::waitpid(static_cast<pid_t>(child), nullptr, 0);
    return finding;
}

Finding userns_clone(const Target& /*target*/) {
    return finish_clone(
        ::syscall(SYS_clone, high_bits | CLONE_NEWUSER | SIGCHLD, nullptr, nullptr, nullptr, 0));
}

Finding userns_clone3(const Target& /*target*/) {
    clone_args wanted{};
    wanted.flags = CLONE_NEWUSER;
    wanted.exit_signal = SIGCHLD;
    return finish_clone(::syscall(SYS_clone3, &wanted, sizeof wanted));
}

Finding join_namespace(const Target& /*target*/) {
    const int own = ::open("/proc/self/ns/uts", O_RDONLY);
    const Finding finding = by_result(::setns(own, 0));
    ::close(own);
    return finding;
}

Finding cgroup_mount(const Target& /*target*/) {
    const int v1 = ::mount("c", "/tmp", "cgroup", 0, "memory");
    if (v1 == 0) return by_result(v1);
    return by_result(::mount("c", "/tmp", "cgroup2", 0, nullptr));
}

Finding chroot_out(const Target& /*target*/) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(::chroot("/tmp") == 0 ? 0 : errno);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (status == 0) return allowed("another root");
    return stopped("wait status " + std::to_string(status));
}

Finding open_by_handle(const Target& /*target*/) {
    struct {
        file_handle head{8, 1, {}};
        std::array<unsigned char, 8> name{2};
    } handle;
    const int root = ::open("/", O_RDONLY);
    return by_result(::syscall(SYS_open_by_handle_at, root, &handle, O_RDONLY));
}

Finding add_key(const Target& /*target*/) {
    return by_result(
        ::syscall(SYS_add_key, "user", "shoal-probe", "x", 1, KEY_SPEC_PROCESS_KEYRING));
}

Finding user_keyring(const Target& /*target*/) {
    return by_result(::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1));
}

Finding bpf_map(const Target& /*target*/) {
    struct {
        std::uint32_t type = 2, key = 4, value = 4, entries = 1;
        std::array<char, 100> rest{};
    } attributes;
    constexpr unsigned size = 72;
    return by_result(::syscall(SYS_bpf, 0, &attributes, size));
}

struct PerfAttributes {
    std::uint32_t type = 1;
    std::uint32_t size = 120;
    std::uint64_t config = 0;
    std::array<char, 120> rest{};
};

Finding perf_system(const Target& /*target*/) {
    PerfAttributes attributes;
    return by_result(::syscall(SYS_perf_event_open, &attributes, -1, 0, -1, 0));
}

Finding perf_self(const Target& /*target*/) {
    PerfAttributes attributes;
    return by_result(::syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
}

Finding io_uring(const Target& /*target*/) {
    io_uring_params parameters{};
    return by_result(::syscall(SYS_io_uring_setup, 8, &parameters));
}

Finding userfaultfd(const Target& /*target*/) {
    return by_result(::syscall(SYS_userfaultfd, 1));
}

/// Sets the clock to what it shows.
Finding clock_set(const Target& /*target*/) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return by_result(::clock_settime(CLOCK_REALTIME, &now));
}

/// Only switches Ctrl-Alt-Del off, but needs the right to reboot.
Finding reboot_machine(const Target& /*target*/) {
    return by_result(::syscall(SYS_reboot, 0xfee1dead, 672274793, 0, nullptr));
}

Finding tiocsti(const Target& /*target*/) {
    const int terminal = ::open("/dev/tty", O_RDWR);
    const char letter = '\n';
    return by_result(::ioctl(terminal < 0 ? 0 : terminal, TIOCSTI, &letter));
}

Finding tiocsti_high_bits(const Target& /*target*/) {
    const char letter = '\n';
    return by_result(::syscall(SYS_ioctl, 0, high_bits | TIOCSTI, &letter));
}

Finding dmesg(const Target& /*target*/) {
    constexpr int read_all = 3;
    std::array<char, 100> text{};
    return by_result(::syscall(SYS_syslog, read_all, text.data(), text.size()));
}

Finding personality(const Target& /*target*/) {
    constexpr unsigned long no_randomisation = 0x0040000;
    return by_result(::syscall(SYS_personality, no_randomisation));
}

Finding read_other_memory(const Target& target) {
    char letter = 0;
    const iovec here{&letter, 1};
    const iovec there{&letter, 1};
    const long self = ::syscall(SYS_process_vm_readv, ::getpid(), &here, 1, &there, 1, 0);
    if (self >= 0) return allowed("the call works at all");
    return by_result(::syscall(SYS_process_vm_readv, target.victim_pid, &here, 1, &there, 1, 0));
}

Finding nice_up(const Target& /*target*/) {
    return by_result(::setpriority(PRIO_PROCESS, 0, -10));
}

Finding real_time(const Target& /*target*/) {
    const sched_param wanted{.sched_priority = 1};
    return by_result(::sched_setscheduler(0, SCHED_FIFO, &wanted));
}

constexpr std::array probes{
    Probe{"mount", &mount_tmpfs},
    Probe{"remount_rw", &remount_rw},
    Probe{"new_mount_api", &new_mount_api},
    Probe{"userns_again", &userns_again},
    Probe{"userns_clone", &userns_clone},
    Probe{"userns_clone3", &userns_clone3},
    Probe{"join_namespace", &join_namespace},
    Probe{"cgroup_mount", &cgroup_mount},
    Probe{"chroot", &chroot_out},
    Probe{"open_by_handle", &open_by_handle},
    Probe{"add_key", &add_key},
    Probe{"user_keyring", &user_keyring},
    Probe{"bpf", &bpf_map},
    Probe{"perf_system", &perf_system},
    Probe{"perf_self", &perf_self},
    Probe{"io_uring", &io_uring},
    Probe{"userfaultfd", &userfaultfd},
    Probe{"clock_set", &clock_set},
    Probe{"reboot", &reboot_machine},
    Probe{"tiocsti", &tiocsti},
    Probe{"tiocsti_high_bits", &tiocsti_high_bits},
    Probe{"dmesg", &dmesg},
    Probe{"personality", &personality},
    Probe{"read_other_memory", &read_other_memory},
    Probe{"nice_-10", &nice_up},
    Probe{"real_time", &real_time},
};

}  // namespace

std::span<const Probe> kernel_probes() {
    return probes;
}

}  // namespace shoal::attack
