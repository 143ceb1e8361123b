#include "sandbox/capability.h"

#include <filesystem>
#include <string>

#include <doctest/doctest.h>
#include <unistd.h>

#include "sandbox/cgroup.h"
#include "sandbox/group_name.h"

namespace shoal::sandbox {

namespace {

using protocol::IsolationFact;
using protocol::Tier;

std::vector<IsolationFact> lines(bool walls, bool calls, bool memory, bool processes) {
    return {{"walls", walls, "w"},
            {"system calls", calls, "s"},
            {"memory", memory, "m"},
            {"processes", processes, "p"}};
}

}  // namespace

TEST_CASE("a machine that proves every wall and limit is tier B, never A") {
    if (!prepare_groups().ok()) return;
    const Report report = examine();
    CHECK(report.tier == Tier::b);
    CHECK(may_run_strangers(report).ok());
    for (const IsolationFact& line : report.isolation) {
        INFO(line.name, ": ", line.detail);
        CHECK(line.detail != "");
        CHECK(line.holds == (line.name != "kernel of its own" && line.name != "disk"));
    }
}

TEST_CASE("trying leaves no control group behind") {
    const auto host = prepare_groups();
    if (!host.ok()) return;
    (void)examine();
    CHECK(sweep_groups(host.value(), ::getpid()) == 0);
}

TEST_CASE("trying removes what a process left that was killed while it tried") {
    if (!prepare_groups().ok()) return;
    GroupName dead{own_process(), 1};
    ++dead.maker.started;  // a process of this number, but another one
    const auto trial = [](const GroupName& name) {
        return std::filesystem::temp_directory_path() /
               ("shoal-trial-" + to_string(name).substr(6) + "-abcdef");
    };
    const auto left = trial(dead);
    const auto of_the_living = trial({own_process(), 2});
    std::filesystem::create_directories(left / "work");
    std::filesystem::create_directories(of_the_living);
    (void)examine();
    CHECK_FALSE(std::filesystem::exists(left));
    CHECK(std::filesystem::remove(of_the_living));
}

TEST_CASE("without a limit strangers are refused, and hear every reason") {
    constexpr bool yes = true;
    constexpr bool no = false;
    CHECK(judge(lines(yes, yes, yes, yes)) == Tier::b);
    CHECK(judge(lines(yes, yes, no, yes)) == Tier::c);
    CHECK(judge(lines(yes, yes, yes, no)) == Tier::c);
    CHECK(judge(lines(yes, no, yes, yes)) == Tier::d);
    CHECK(judge(lines(no, yes, yes, yes)) == Tier::d);
    CHECK(judge({}) == Tier::d);
    const Report report{Tier::c, lines(yes, yes, no, no)};
    CHECK(may_run_strangers(report).error().what ==
          "this machine cannot isolate strangers' jobs: memory: m; processes: p");
    Report alike{Tier::c, lines(yes, yes, no, no)};
    for (IsolationFact& line : alike.isolation) line.detail = "no control groups";
    CHECK(may_run_strangers(alike).error().what ==
          "this machine cannot isolate strangers' jobs: memory, processes: no control groups");
}

}  // namespace shoal::sandbox
