// Probes that look for the host: its files, its processes, its devices, its secrets.

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/attack/probe.h"

namespace shoal::attack {

namespace {

std::string read_some(const std::string& path) {
    std::array<char, 4096> text{};
    const int fd = ::open(path.c_str(), O_RDONLY);
    if (fd < 0) return "";
    const ssize_t size = ::read(fd, text.data(), text.size());
    ::close(fd);
    return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

Finding open_one(const char* path, int flags) {
    const int fd = ::open(path, flags);
    const Finding finding = by_result(fd);
    if (fd >= 0) ::close(fd);
    return finding;
}

/// 0 to 2 are everybody's, 3 takes a job's reports.
Finding fd_leak(const Target& /*target*/) {
    for (int fd = 4; fd < 1024; ++fd) {
        if (::fcntl(fd, F_GETFD) >= 0) return allowed("descriptor " + std::to_string(fd));
    }
    return stopped("none above 3");
}

Finding env_leak(const Target& /*target*/) {
    if (std::getenv("SHOAL_SECRET_CANARY") != nullptr) return allowed("the secret is there");
    return stopped("the secret is not there");
}

Finding host_shadow(const Target& /*target*/) {
    for (const char* path : {"/etc/shadow", "/proc/1/root/etc/shadow", "/proc/self/root/etc/shadow",
                             "/proc/self/cwd/../../../../../../etc/shadow", "/../../etc/shadow"}) {
        if (!read_some(path).empty()) return allowed(path);
    }
    return stopped("no password file can be read");
}

Finding host_proc(const Target& target) {
    const std::string line = read_some("/proc/" + std::to_string(target.victim_pid) + "/cmdline");
    if (line.starts_with("sleep")) return allowed("the victim's command line");
    return stopped("the victim is not seen");
}

Finding ptrace_host(const Target& target) {
    const long attached = ::ptrace(PTRACE_ATTACH, target.victim_pid, nullptr, nullptr);
    const Finding finding = by_result(attached);
    if (attached != 0) return finding;
    ::waitpid(target.victim_pid, nullptr, 0);
    ::ptrace(PTRACE_DETACH, target.victim_pid, nullptr, nullptr);
    return finding;
}

Finding kill_host(const Target& target) {
    return by_result(::kill(target.victim_pid, 0));
}

Finding init_mem(const Target& /*target*/) {
    return open_one("/proc/1/mem", O_RDWR);
}

Finding init_exe(const Target& /*target*/) {
    return open_one("/proc/1/exe", O_RDONLY);
}

Finding init_environment(const Target& /*target*/) {
    if (!read_some("/proc/1/environ").empty()) return allowed("the first process's environment");
    return stopped("it cannot be read");
}

/// A parent that could be signalled would have to be outside: inside it is the protected init.
Finding signal_parent(const Target& /*target*/) {
    const pid_t parent = ::getppid();
    if (parent > 1) return by_result(::kill(parent, 0));
    return stopped("the parent is the first process");
}

Finding sysfs(const Target& /*target*/) {
    std::error_code failure;
    const std::filesystem::directory_iterator entries("/sys/class/net", failure);
    if (failure) return stopped(failure.message());
    return allowed("the host's devices are listed");
}

/// The copy of this program that has the set-user-id bit tells who it is.
Finding setuid_bin(const Target& target) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) return stopped("no pipe");
    const std::string copy = target.own_path + ".setuid";
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(ends[1], 1);
        ::execl(copy.c_str(), copy.c_str(), "whoami", static_cast<char*>(nullptr));
        ::_exit(1);
    }
    ::close(ends[1]);
    std::array<char, 100> text{};
    (void)!::read(ends[0], text.data(), text.size() - 1);
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    const std::string said = text.data();
    const std::string own = "euid " + std::to_string(::geteuid()) + "\n";
    return said.empty() || said.ends_with(own) ? stopped(said.substr(0, said.find('\n')))
                                               : allowed("it runs as another user: " + said);
}

Finding dev_mem(const Target& /*target*/) {
    return open_one("/dev/mem", O_RDONLY);
}

/// By a node of the host's, or one made here.
Finding blk_dev(const Target& /*target*/) {
    constexpr unsigned virtual_disk = 254;
    const Finding direct = open_one("/dev/vda", O_RDONLY);
    if (direct.verdict == Verdict::allowed) return direct;
    const char* const own = "/tmp/shoal-disk";
    ::unlink(own);
    if (::mknod(own, S_IFBLK | 0600, makedev(virtual_disk, 0)) != 0) return by_result(-1);
    const Finding made = open_one(own, O_RDONLY);
    ::unlink(own);
    return made;
}

Finding dev_nodes(const Target& /*target*/) {
    for (const char* path : {"/dev/kvm", "/dev/fuse", "/dev/nvidiactl", "/dev/net/tun"}) {
        const Finding finding = open_one(path, O_RDWR);
        if (finding.verdict == Verdict::allowed) return allowed(path);
    }
    return stopped("none of them is there");
}

Finding core_pattern(const Target& /*target*/) {
    return open_one("/proc/sys/kernel/core_pattern", O_WRONLY);
}

/// A mask over it opens too, but is another file.
Finding sysrq(const Target& /*target*/) {
    struct stat found{};
    if (::stat("/proc/sysrq-trigger", &found) == 0 && S_ISCHR(found.st_mode)) {
        return stopped("masked");
    }
    return open_one("/proc/sysrq-trigger", O_WRONLY);
}

Finding kernel_keys(const Target& /*target*/) {
    if (!read_some("/proc/keys").empty()) return allowed("the host's keys are listed");
    return stopped("nothing to read");
}

/// Whether it lives on is for the outside to see.
Finding orphan_daemon(const Target& /*target*/) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::setsid();
        if (::fork() != 0) ::_exit(0);
        const int null = ::open("/dev/null", O_RDWR);
        for (int fd = 0; fd < 4; ++fd) ::dup2(null, fd);
        ::execl("/bin/sleep", "sleep", "98765", static_cast<char*>(nullptr));
        ::_exit(1);
    }
    ::waitpid(child, nullptr, 0);
    return {Verdict::look_outside, "a daemon was started"};
}

constexpr std::array probes{
    Probe{"fd_leak", &fd_leak},
    Probe{"env_leak", &env_leak},
    Probe{"host_shadow", &host_shadow},
    Probe{"host_proc", &host_proc},
    Probe{"ptrace_host", &ptrace_host},
    Probe{"kill_host", &kill_host},
    Probe{"init_mem", &init_mem},
    Probe{"init_exe", &init_exe},
    Probe{"init_environment", &init_environment},
    Probe{"signal_parent", &signal_parent},
    Probe{"sysfs", &sysfs},
    Probe{"setuid_bin", &setuid_bin},
    Probe{"dev_mem", &dev_mem},
    Probe{"blk_dev", &blk_dev},
    Probe{"dev_nodes", &dev_nodes},
    Probe{"core_pattern", &core_pattern},
    Probe{"sysrq", &sysrq},
    Probe{"kernel_keys", &kernel_keys},
    Probe{"orphan_daemon", &orphan_daemon},
};

}  // namespace

std::span<const Probe> host_probes() {
    return probes;
}

}  // namespace shoal::attack
