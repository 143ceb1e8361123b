#include "sandbox/cgroup.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "sandbox/group_name.h"

namespace shoal::sandbox {

namespace {

constexpr std::string_view v1_mounts =
    "30 25 0:26 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    "31 25 0:27 / /sys/fs/cgroup/pids rw,relatime shared:9 - cgroup cgroup rw,pids\n"
    "32 25 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n";
constexpr std::string_view unified_mount =
    "33 25 0:29 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
constexpr std::string_view v2_mount =
    "24 23 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

}  // namespace

TEST_CASE("a version 1 host has a folder for each controller, below this process's own group") {
    const auto host =
        locate_groups(v1_mounts, "9:memory:/box/7\n8:pids:/\n1:cpu,cpuacct:/box\n").value();
    CHECK(host.version == GroupHost::Version::v1);
    CHECK(host.memory == "/sys/fs/cgroup/memory/box/7");
    CHECK(host.processes == "/sys/fs/cgroup/pids");
    CHECK(host.cpu == "/sys/fs/cgroup/cpu,cpuacct/box");
    CHECK(host.unified == "");
    CHECK(host.folders().size() == 3);
}

TEST_CASE("a hybrid host limits in version 1 and kills in version 2") {
    const auto host = locate_groups(std::string(v1_mounts) + std::string(unified_mount),
                                    "9:memory:/\n8:pids:/\n1:cpu,cpuacct:/\n0::/\n")
                          .value();
    CHECK(host.version == GroupHost::Version::v1);
    CHECK(host.memory == "/sys/fs/cgroup/memory");
    CHECK(host.unified == "/sys/fs/cgroup/unified");
}

TEST_CASE("a version 2 host has one folder; the leaf this process moved into is not it") {
    for (const char* own :
         {"0::/user.slice/run-7.scope\n", "0::/user.slice/run-7.scope/shoal-provider\n"}) {
        const auto host = locate_groups(v2_mount, own).value();
        CHECK(host.version == GroupHost::Version::v2);
        CHECK(host.memory == "/sys/fs/cgroup/user.slice/run-7.scope");
        CHECK(host.folders() == std::vector<std::string>{"/sys/fs/cgroup/user.slice/run-7.scope"});
    }
}

TEST_CASE("in a container the mount shows a part of the hierarchy") {
    const auto host = locate_groups(
        "24 23 0:22 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/docker/abc/x\n");
    CHECK(host.value().memory == "/sys/fs/cgroup/x");
}

TEST_CASE("without both memory and processes there is no place") {
    CHECK(locate_groups("", "").error().code == Code::unavailable);
    CHECK(locate_groups("30 25 0:26 / /m rw - cgroup cgroup rw,memory\n", "9:memory:/\n")
              .error()
              .code == Code::unavailable);
    CHECK(locate_groups("broken line\n - cgroup\n", "::\n:").error().code == Code::unavailable);
}

TEST_CASE("a group's name tells who made it, and nothing else is taken for one") {
    const GroupName name{{4026531836, 71, 990}, 3};
    CHECK(to_string(name) == "shoal-4026531836-71-990-3");
    CHECK(parse_group_name(to_string(name)).value() == name);
    for (const char* other : {"", "shoal-", "shoal-provider", "shoal-1-2-3", "shoal-1-2-3-4-5",
                              "shoal-1-2-3-4x", "user.slice", "shoal--1-2-3-4"}) {
        CHECK_FALSE(parse_group_name(other).ok());
    }
}

TEST_CASE("a process is alive until it is not, and a later one of its number is another") {
    const ProcessMark own = own_process();
    CHECK(is_alive(own));
    CHECK(same_process_space(own));
    CHECK_FALSE(is_alive({own.space, own.pid, own.started + 1}));
    CHECK_FALSE(is_alive({own.space, 0, 0}));
    CHECK_FALSE(same_process_space({own.space + 1, own.pid, own.started}));
}

TEST_CASE("a group whose limits cannot be set is not left behind") {
    const auto host = prepare_groups();
    if (!host.ok()) return;
    const GroupLimits impossible{.memory = 64_MiB, .processes = 0xffffffff, .cores = 1};
    const auto group = Group::make(host.value(), impossible);
    CHECK_FALSE(group.ok());
    CHECK(sweep_groups(host.value(), ::getpid()) == 0);
}

}  // namespace shoal::sandbox
