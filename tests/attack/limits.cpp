// Probes that try to take more than was given.

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/attack/probe.h"

namespace shoal::attack {

namespace {

constexpr std::size_t mebibyte = 1 << 20;

Finding fork_bomb(const Target& /*target*/) {
    constexpr std::size_t goal = 3000;
    std::vector<pid_t> children;
    while (children.size() < goal) {
        const pid_t child = ::fork();
        if (child < 0) break;
        if (child == 0) {
            ::pause();
            ::_exit(0);
        }
        children.push_back(child);
    }
    const Finding finding =
        by_count(static_cast<long>(children.size()), static_cast<long>(goal), "processes");
    for (const pid_t child : children) ::kill(child, SIGKILL);
    for (const pid_t child : children) ::waitpid(child, nullptr, 0);
    return finding;
}

void touch_much_memory() {
    constexpr std::size_t size = 600 * mebibyte;
    constexpr std::size_t page = 4096;
    auto* const taken = static_cast<volatile char*>(std::malloc(size));
    if (taken == nullptr) ::_exit(3);
    for (std::size_t at = 0; at < size; at += page) taken[at] = 1;
}

Finding mem_bomb(const Target& /*target*/) {
    const int status = status_of_child(&touch_much_memory);
    if (status == 0) return allowed("600 MiB touched");
    return stopped("wait status " + std::to_string(status));
}

Finding pipe_mem(const Target& /*target*/) {
    constexpr long goal = 2000;
    static const std::array<char, mebibyte> block{};
    std::vector<int> open;
    long count = 0;
    for (; count < goal; ++count) {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_NONBLOCK) != 0) break;
        open.insert(open.end(), ends.begin(), ends.end());
        ::fcntl(ends[1], F_SETPIPE_SZ, mebibyte);
        (void)!::write(ends[1], block.data(), block.size());
    }
    const Finding finding = by_count(count, goal, "pipes filled");
    for (const int fd : open) ::close(fd);
    return finding;
}

Finding fill(const std::string& folder) {
    constexpr long goal = 300;
    static const std::array<char, mebibyte> block{};
    const std::string path = folder + "/fill";
    const int fd = ::open(path.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0644);
    if (fd < 0) return by_result(fd);
    ::signal(SIGXFSZ, SIG_IGN);
    long count = 0;
    while (count < goal &&
           ::write(fd, block.data(), block.size()) == static_cast<ssize_t>(block.size())) {
        ++count;
    }
    const Finding finding = by_count(count, goal, "MiB written");
    ::close(fd);
    ::unlink(path.c_str());
    return finding;
}

Finding disk_fill_tmp(const Target& /*target*/) {
    return fill("/tmp");
}
Finding disk_fill_shm(const Target& /*target*/) {
    return fill("/dev/shm");
}
Finding disk_fill_out(const Target& /*target*/) {
    return fill("/out");
}
Finding disk_fill_usr(const Target& /*target*/) {
    return fill("/usr");
}
Finding disk_fill_root(const Target& /*target*/) {
    return fill("");
}

Finding inode_fill(const Target& /*target*/) {
    constexpr long goal = 60'000;
    const std::string folder = "/tmp/shoal-inodes";
    ::mkdir(folder.c_str(), 0755);
    const auto path = [&folder](long i) { return folder + "/" + std::to_string(i); };
    long count = 0;
    for (; count < goal; ++count) {
        const int fd = ::open(path(count).c_str(), O_CREAT | O_WRONLY, 0644);
        if (fd < 0) break;
        ::close(fd);
    }
    const Finding finding = by_count(count, goal, "files");
    for (long i = 0; i < count; ++i) ::unlink(path(i).c_str());
    ::rmdir(folder.c_str());
    return finding;
}

Finding fd_exhaust(const Target& /*target*/) {
    constexpr std::size_t goal = 18'000;
    std::vector<int> open;
    while (open.size() < goal) {
        const int fd = ::open("/dev/null", O_RDONLY);
        if (fd < 0) break;
        open.push_back(fd);
    }
    const Finding finding =
        by_count(static_cast<long>(open.size()), static_cast<long>(goal), "descriptors");
    for (const int fd : open) ::close(fd);
    return finding;
}

constexpr std::array probes{
    Probe{"fork_bomb", &fork_bomb},         Probe{"mem_bomb", &mem_bomb},
    Probe{"pipe_mem", &pipe_mem},           Probe{"disk_fill_tmp", &disk_fill_tmp},
    Probe{"disk_fill_shm", &disk_fill_shm}, Probe{"disk_fill_out", &disk_fill_out},
    Probe{"disk_fill_usr", &disk_fill_usr}, Probe{"disk_fill_root", &disk_fill_root},
    Probe{"inode_fill", &inode_fill},       Probe{"fd_exhaust", &fd_exhaust},
};

}  // namespace

std::span<const Probe> limit_probes() {
    return probes;
}

}  // namespace shoal::attack
