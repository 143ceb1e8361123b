#include "apps/processes.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/scratch.h"

namespace shoal::apps {
namespace {

constexpr Duration patience{20'000};

struct Child {
    ProcessRecord record;

    explicit Child(const ProcessPlan& plan) : record(start_process(plan).value()) {}
    ~Child() {
        static_cast<void>(end_by_force(record));
        waitpid(static_cast<pid_t>(record.pid), nullptr, 0);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
};

TEST_CASE("a process is found again, asked to end, and seen to have ended") {
    const io::ScratchFolder scratch;
    const Child child({"waiter", {"/bin/sleep", "1000"}, scratch.path() / "log", -1});
    CHECK(is_alive(child.record));
    CHECK(!wait_for_end(child.record, Duration{0}));
    CHECK(ask_to_end(child.record).ok());
    CHECK(wait_for_end(child.record, patience));
    CHECK(!is_alive(child.record));
}

TEST_CASE("another process with the same number is never touched") {
    const io::ScratchFolder scratch;
    const Child child({"waiter", {"/bin/sleep", "1000"}, scratch.path() / "log", -1});
    ProcessRecord other = child.record;
    ++other.started;
    CHECK(!is_alive(other));
    CHECK(end_by_force(other).ok());
    CHECK(wait_for_end(other, Duration{0}));  // as far as it goes, that one is gone
    CHECK(is_alive(child.record));

    other = child.record;
    other.boot = "another start of the machine";
    CHECK(end_by_force(other).ok());
    CHECK(is_alive(child.record));
}

TEST_CASE("readiness is what the process writes; its end before that is an error") {
    const io::ScratchFolder scratch;
    const auto start = [&](const std::string& script) {
        int ends[2] = {-1, -1};
        REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
        const io::Descriptor reading(ends[0]);
        io::Descriptor writing(ends[1]);
        const Child child(
            {"script", {"/bin/sh", "-c", script}, scratch.path() / "log", writing.number()});
        writing = io::Descriptor();
        return wait_for_word(child.record, reading, patience);
    };
    CHECK(start("echo http://x >&3").value() == "http://x");
    const auto failed = start("echo first; echo the port is in use; exit 3");
    REQUIRE(!failed.ok());
    CHECK(failed.error().code == Code::unavailable);
    CHECK(last_lines(scratch.path() / "log", 1) == "the port is in use");
    CHECK(last_lines(scratch.path() / "log", 9) == "first\nthe port is in use");
}

}  // namespace
}  // namespace shoal::apps
