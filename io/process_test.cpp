#include "io/process.h"

#include <csignal>
#include <cstdlib>
#include <string>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "io/scratch.h"

namespace shoal::io {
namespace {

constexpr Duration long_enough{60'000};

Command shell(const std::string& script) {
    return {
        .words = {"/bin/sh", "-c", script}, .environment = {}, .folder = {}, .redirections = {}};
}

/// What the script writes to its standard output.
std::string output_of(Command command, const std::filesystem::path& folder) {
    command.redirections.push_back({1, AppendTo{folder / "output"}});
    auto process = Process::spawn(command);
    REQUIRE(process.ok());
    Process running = std::move(process).value();
    REQUIRE(running.wait(long_enough).value() == Exit{0, 0});
    return read_file(folder / "output", 10'000).value();
}

TEST_CASE("a process ends with its exit code, which can be asked for again") {
    auto process = Process::spawn(shell("exit 7")).value();
    CHECK(process.wait(long_enough).value() == Exit{7, 0});
    CHECK(process.wait(Duration{0}).value() == Exit{7, 0});
    CHECK(process.signal(SIGTERM).error().code == Code::not_found);
    CHECK(process.signal_group(SIGTERM).error().code == Code::not_found);
}

TEST_CASE("a process that runs on is not waited for longer than asked") {
    auto process = Process::spawn(shell("exec sleep 1000")).value();
    CHECK(process.wait(Duration{0}).error().code == Code::timeout);
    CHECK(process.wait(Duration{5}).error().code == Code::timeout);
    REQUIRE(process.signal(SIGKILL).ok());
    CHECK(process.wait(long_enough).value() == Exit{0, SIGKILL});
}

TEST_CASE("what its owner forgets is killed") {
    pid_t id = -1;
    {
        const auto process = Process::spawn(shell("exec sleep 1000")).value();
        id = process.id();
        CHECK(::kill(id, 0) == 0);
    }
    CHECK(::kill(id, 0) == -1);
}

TEST_CASE("a signal to its group reaches the children of the process") {
    for (const Group group : {Group::own, Group::session}) {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        const Descriptor reading(ends[0]);
        Descriptor writing(ends[1]);
        Command command = shell("sleep 1000 & echo started; wait");
        command.group = group;
        command.redirections = {{1, writing.number()}};
        auto process = Process::spawn(command).value();
        writing = Descriptor();
        char text[8];
        REQUIRE(::read(reading.number(), text, sizeof text) == sizeof text);
        CHECK(::getpgid(process.id()) == process.id());
        CHECK((::getsid(process.id()) == process.id()) == (group == Group::session));
        REQUIRE(process.signal_group(SIGKILL).ok());
        CHECK(process.wait(long_enough).value() == Exit{0, SIGKILL});
        CHECK(::read(reading.number(), text, sizeof text) == 0);  // when the last holder has ended
    }
}

TEST_CASE("nothing is inherited that is not named") {
    const ScratchFolder scratch;
    REQUIRE(::setenv("SHOAL_TEST_LEAK", "1", 1) == 0);
    const Descriptor leak(::open("/dev/zero", O_RDONLY));  // without O_CLOEXEC
    REQUIRE(leak.is_open());
    Command command = shell("env | grep -c LEAK; ls /proc/self/fd | wc -l; readlink /proc/$$/fd/0");
    command.environment = {"PATH=/usr/bin:/bin"};
    // ls has 0, 1, 2 and the folder it reads
    CHECK(output_of(command, scratch.path()) == "0\n4\n/dev/null\n");
    REQUIRE(::unsetenv("SHOAL_TEST_LEAK") == 0);
}

TEST_CASE("blocked and ignored signals of ours are not handed on") {
    sigset_t blocked;
    sigset_t before;
    ::sigemptyset(&blocked);
    ::sigaddset(&blocked, SIGTERM);
    REQUIRE(::pthread_sigmask(SIG_BLOCK, &blocked, &before) == 0);
    auto* old = ::signal(SIGPIPE, SIG_IGN);
    auto ignoring = Process::spawn(shell("kill -PIPE $$"));
    auto blocking = Process::spawn(shell("kill -TERM $$"));
    ::signal(SIGPIPE, old);
    REQUIRE(::pthread_sigmask(SIG_SETMASK, &before, nullptr) == 0);
    CHECK(std::move(ignoring).value().wait(long_enough).value() == Exit{0, SIGPIPE});
    CHECK(std::move(blocking).value().wait(long_enough).value() == Exit{0, SIGTERM});
}

TEST_CASE("words, environment, folder and files are as asked") {
    const ScratchFolder scratch;
    REQUIRE(write_file(scratch.path() / "input", "from the file").ok());
    Command command{.words = {"sh", "-c", "echo \"$1|$NAME|$PWD\"; cat; cat <&3", "sh", "a b"},
                    .environment = {"NAME=value", "PATH=/usr/bin:/bin"},
                    .folder = scratch.path(),
                    .redirections = {{0, ReadFrom{scratch.path() / "input"}},
                                     {3, ReadFrom{scratch.path() / "input"}}}};
    CHECK(output_of(command, scratch.path()) ==
          "a b|value|" + scratch.path().string() + "\nfrom the filefrom the file");
}

TEST_CASE("descriptors may be exchanged") {
    const ScratchFolder scratch;
    const Descriptor one = open_file(scratch.path() / "one", O_WRONLY | O_CREAT).value();
    const Descriptor two = open_file(scratch.path() / "two", O_WRONLY | O_CREAT).value();
    Command command = shell("echo out; echo err >&2");
    command.redirections = {{1, two.number()}, {2, one.number()}};
    auto process = Process::spawn(command).value();
    REQUIRE(process.wait(long_enough).ok());
    CHECK(read_file(scratch.path() / "one", 10).value() == "err\n");
    CHECK(read_file(scratch.path() / "two", 10).value() == "out\n");
}

TEST_CASE("what cannot be started says why") {
    CHECK(Process::spawn({}).error().code == Code::invalid);
    Command command = shell("true");
    command.words.emplace_back("a\0b", 3);
    CHECK(Process::spawn(command).error().code == Code::invalid);
    command = shell("true");
    command.words[0] = "/nowhere/program";
    const auto missing = Process::spawn(command);
    CHECK(missing.error().code == Code::not_found);
    CHECK(missing.error().what == "cannot start /nowhere/program: No such file or directory");
    command.words[0] = "/etc/passwd";
    CHECK(Process::spawn(command).error().code == Code::denied);
    command = shell("true");
    command.folder = "/nowhere";
    CHECK(Process::spawn(command).error().code == Code::not_found);
    command = shell("true");
    command.redirections = {{0, ReadFrom{"/nowhere/file"}}};
    CHECK(Process::spawn(command).error().code == Code::not_found);
}

}  // namespace
}  // namespace shoal::io
