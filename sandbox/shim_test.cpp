#include "sandbox/shim.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <filesystem>

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/attempt_files.h"
#include "sandbox/cgroup.h"
#include "sandbox/handover.h"
#include "sandbox/shim_client.h"

namespace shoal::sandbox {

namespace {

using protocol::AttemptOutcome;
using protocol::Reason;

bool can_isolate() {
    return prepare_groups().ok();
}

/// An attempt's folder and the shim that runs it, as a child of the test.
class Stage {
public:
    explicit Stage(std::vector<std::string> command) {
        std::string name = (std::filesystem::temp_directory_path() / "shoal-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        folder = name + "/" + std::string(150, 'a');  // longer than a socket's address
        std::filesystem::create_directory(folder);
        spec.command = std::move(command);
        spec.environment = {{"PATH", "/usr/bin:/bin"}, {"LANG", "C.UTF-8"}};
        spec.resources.memory = 128_MiB;
        spec.time_max = std::chrono::minutes{1};
        spec.lease_left = std::chrono::minutes{1};
        spec.processes_max = 32;
    }
    ~Stage() {
        if (shim > 0) ::kill(shim, SIGKILL);
        if (shim > 0) ::waitpid(shim, nullptr, 0);
        std::filesystem::remove_all(std::filesystem::path(folder).parent_path());
    }
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    void start() {
        REQUIRE(write_attempt(folder, spec).ok());
        Fd socket = listen_in(folder).value();
        shim = ::fork();
        REQUIRE(shim >= 0);
        if (shim > 0) return;
        ::dup2(socket.get(), 0);
        socket.reset();
        if (!secrets.empty()) {
            Fd handed = hand_over(secrets).value();
            ::dup2(handed.get(), secrets_descriptor);
            if (handed.get() == secrets_descriptor) ::_exit(run_shim(folder));
        }
        ::_exit(run_shim(folder));
    }

    AttemptOutcome finish() {
        int status = 0;
        REQUIRE(::waitpid(shim, &status, 0) == shim);
        shim = -1;
        CHECK(status == 0);
        return read_outcome(folder).value();
    }

    AttemptOutcome run() {
        start();
        return finish();
    }

    std::string text(const std::string& name) const {
        return read_text(folder + "/" + name, 1 << 20).value();
    }

    std::string folder;
    protocol::AttemptSpec spec;
    Secrets secrets;
    pid_t shim = -1;
};

/// A provider that waits for the words of a shim, one at a time.
class Listener {
public:
    explicit Listener(const Stage& stage) : link(ShimLink::attach(stage.folder).value()) {}

    /// False when the shim went without saying it.
    bool wait_for(ShimWord wanted) {
        for (;;) {
            while (!heard_.empty()) {
                const ShimWord word = heard_.front();
                heard_.pop_front();
                if (word == wanted) return true;
            }
            pollfd ready{link.fd(), POLLIN, 0};
            ::poll(&ready, 1, -1);
            const auto words = link.hear();
            if (!words.ok()) return false;
            heard_.insert(heard_.end(), words.value().begin(), words.value().end());
        }
    }

    ShimLink link;

private:
    std::deque<ShimWord> heard_;
};

}  // namespace

TEST_SUITE_BEGIN("shim" * doctest::skip(!can_isolate()));

TEST_CASE("an attempt that does its work is completed, its log and reports are kept") {
    Stage stage({"sh", "-c", "echo said; echo '{\"progress\":1}' >&3; echo made > /out/made"});
    const AttemptOutcome outcome = stage.run();
    CHECK(outcome.reason == Reason::completed);
    CHECK(outcome.detail == "");
    CHECK(outcome.started);
    CHECK(outcome.shim_at_us > 0);
    CHECK(outcome.started_at_us > outcome.shim_at_us);
    CHECK(outcome.memory_peak_bytes > 0);
    CHECK(outcome.log_bytes == 5);
    CHECK(stage.text("log") == "said\n");
    CHECK(stage.text("reports") == "{\"progress\":1}\n");
    CHECK(stage.text("out/made") == "made\n");
}

TEST_CASE("a job sees its secrets, and what it says of them is taken out of all that is kept") {
    Stage stage({"sh", "-c",
                 "printf %s \"$KEY\" > /out/seen; echo key=$KEY; printf %s \"$KEY\" | head -c 4; "
                 "printf %s \"$KEY\" | tail -c +5; echo;"
                 " echo \"{\\\"log\\\":\\\"told $KEY\\\"}\" >&3"});
    const std::string value = "correct horse";
    stage.spec.secrets = {"KEY"};
    stage.secrets = {{"KEY", value}};
    CHECK(stage.run().reason == Reason::completed);
    CHECK(stage.text("out/seen") == value);
    const std::string log = stage.text("log");
    CHECK(log.find("key=[secret KEY]\n[secret KEY]\n") == 0);
    CHECK(log.find("told [secret KEY]\n") != std::string::npos);
    for (const char* file : {"log", "reports", "attempt.json", "outcome.json"}) {
        CAPTURE(file);
        CHECK(stage.text(file).find("correct") == std::string::npos);
        CHECK(stage.text(file).find("horse") == std::string::npos);
    }
}

TEST_CASE("an attempt whose secrets did not come does not run without them") {
    Stage stage({"true"});
    stage.spec.secrets = {"KEY"};
    stage.secrets = {{"OTHER", "correct horse"}};
    const AttemptOutcome outcome = stage.run();
    CHECK(outcome.reason == Reason::sandbox_unavailable);
    CHECK(outcome.detail.find("horse") == std::string::npos);
}

TEST_CASE("a command's exit code and signal are told apart") {
    const AttemptOutcome code = Stage({"sh", "-c", "exit 85"}).run();
    CHECK(code.reason == Reason::exit_code);
    CHECK(code.exit_code == 85);
    const AttemptOutcome signal = Stage({"sh", "-c", "kill -9 $$"}).run();
    CHECK(signal.reason == Reason::signal);
    CHECK(signal.signal == SIGKILL);
}

TEST_CASE("a command that cannot be started is refused with the reason") {
    const AttemptOutcome outcome = Stage({"./nothing"}).run();
    CHECK(outcome.reason == Reason::command_refused);
    CHECK(outcome.detail == "cannot run the command: No such file or directory");
    CHECK_FALSE(outcome.started);
}

TEST_CASE("memory: the group's count decides, not the signal") {
    Stage stage({"python3", "-c", "x = bytearray(512 << 20)"});
    CHECK(stage.run().reason == Reason::out_of_memory_job);
}

TEST_CASE("a job that starts more processes than it may and fails hears why") {
    Stage stage({"sh", "-c", "i=0; while [ $i -lt 99 ]; do sleep 9 & i=$((i+1)); done; exit 1"});
    const AttemptOutcome outcome = stage.run();
    CHECK(outcome.reason == Reason::process_limit);
}

TEST_CASE("a job that outlives its time is ended, by force if it will not listen") {
    Stage stage({"sh", "-c", "trap '' TERM; while :; do sleep 1; done"});
    stage.spec.time_max = std::chrono::milliseconds{50};
    stage.spec.limits.grace.length = std::chrono::milliseconds{50};
    const AttemptOutcome outcome = stage.run();
    CHECK(outcome.reason == Reason::time_limit);
    CHECK(outcome.ran_ms >= 100);
}

TEST_CASE("a lease that nobody renews ends the job") {
    Stage stage({"sleep", "60"});
    stage.spec.lease_left = std::chrono::milliseconds{50};
    CHECK(stage.run().reason == Reason::lease_expired);
}

TEST_CASE("a provider moves the end of the lease") {
    Stage stage({"sh", "-c", "echo ready; sleep 60"});
    stage.spec.lease_left = std::chrono::minutes{10};
    stage.start();
    Listener provider(stage);
    REQUIRE(provider.wait_for(ShimWord::grown));
    REQUIRE(provider.link.send(DeadlineCommand{std::chrono::milliseconds{1}}).ok());
    CHECK(stage.finish().reason == Reason::lease_expired);
}

TEST_CASE("too much on the disk ends the job") {
    Stage stage({"sh", "-c",
                 "for i in 1 2 3 4 5; do head -c 1000000 /dev/zero > $i; done; "
                 "sleep 60"});
    stage.spec.resources.disk = 2_MiB;
    const AttemptOutcome outcome = stage.run();
    CHECK(outcome.reason == Reason::disk_limit);
    CHECK(outcome.detail.ends_with(" MiB in /work and /out, allowed 2MiB"));
}

TEST_CASE("files that were unlinked but are held open count too") {
    Stage stage({"python3", "-c",
                 "import os, time\nheld = []\nfor i in range(5):\n  f = open('f', 'wb')\n"
                 "  os.unlink('f')\n  f.write(b'x' * 1000000)\n  f.flush()\n  held.append(f)\n"
                 "time.sleep(60)"});
    stage.spec.resources.disk = 2_MiB;
    CHECK(stage.run().reason == Reason::disk_limit);
}

TEST_CASE("one file above the disk's size ends the job at once") {
    Stage stage({"sh", "-c", "exec head -c 5000000 /dev/zero > big"});
    stage.spec.resources.disk = 1_MiB;
    CHECK(stage.run().reason == Reason::disk_limit);
}

TEST_CASE("outputs above their limit are noticed even when the job has just ended") {
    Stage stage({"sh", "-c", "head -c 3000000 /dev/zero > /out/big"});
    stage.spec.limits.output = 1_MiB;
    CHECK(stage.run().reason == Reason::output_limit);
}

TEST_CASE("a flood of log is cut and counted, and harms nobody") {
    Stage stage({"sh", "-c", "head -c 50000000 /dev/zero; echo '{}' >&3"});
    stage.spec.limits.log = 1_MiB;
    const AttemptOutcome outcome = stage.run();
    CHECK(outcome.reason == Reason::completed);
    CHECK(outcome.log_bytes == 1 << 20);
    CHECK(outcome.log_dropped_bytes == 50'000'000 - (1 << 20));
    CHECK(stage.text("reports") == "{}\n");
}

TEST_CASE("a report that is too long is dropped whole, the next one is not") {
    Stage stage({"sh", "-c", "(head -c 100000 /dev/zero; echo; echo '{}') >&3"});
    stage.run();
    CHECK(stage.text("reports") == "{}\n");
}

TEST_CASE("a provider that attaches late hears what has happened") {
    Stage stage({"sh", "-c", "echo here; sleep 60"});
    stage.start();
    Listener early(stage);
    REQUIRE(early.wait_for(ShimWord::started));
    REQUIRE(early.wait_for(ShimWord::grown));
    Listener late(stage);
    REQUIRE(late.wait_for(ShimWord::started));
    REQUIRE(late.link.send(StopCommand{Reason::cancelled_by_buyer, Duration{1000}}).ok());
    CHECK(early.wait_for(ShimWord::ended));
    CHECK(late.wait_for(ShimWord::ended));
    CHECK(stage.finish().reason == Reason::cancelled_by_buyer);
    CHECK(ShimLink::attach(stage.folder).error().code == Code::not_found);
}

TEST_CASE("a stop lets the job tidy up within its grace") {
    Stage stage({"sh", "-c",
                 "trap 'echo tidy; exit 0' TERM; echo ready; "
                 "while :; do sleep 0.05; done"});
    stage.start();
    Listener provider(stage);
    REQUIRE(provider.wait_for(ShimWord::grown));
    REQUIRE(provider.link.send(StopCommand{Reason::provider_drained, Duration{20'000}}).ok());
    const AttemptOutcome outcome = stage.finish();
    CHECK(outcome.reason == Reason::provider_drained);
    CHECK(outcome.exit_code == 0);
    CHECK(stage.text("log").starts_with("ready\n"));
    CHECK(stage.text("log").ends_with("tidy\n"));
}

TEST_CASE("SIGTERM to the shim ends the job in good order") {
    Stage stage({"sleep", "60"});
    stage.start();
    Listener provider(stage);
    REQUIRE(provider.wait_for(ShimWord::started));
    ::kill(stage.shim, SIGTERM);
    CHECK(stage.finish().reason == Reason::provider_reclaimed);
}

TEST_CASE("an attempt runs once: a second shim leaves its outcome alone") {
    Stage stage({"sh", "-c", "echo once"});
    CHECK(stage.run().reason == Reason::completed);
    stage.spec.command = {"sh", "-c", "exit 7"};
    CHECK(stage.run().reason == Reason::completed);
    CHECK(stage.text("log") == "once\n");
}

TEST_CASE("a specification that cannot be read is an outcome too") {
    Stage stage({});
    const AttemptOutcome outcome = stage.run();
    CHECK(outcome.reason == Reason::sandbox_unavailable);
    CHECK(outcome.detail == "command: expected a program, got nothing");
}

TEST_CASE("a killed shim leaves no process, and a sweep removes its groups") {
    Stage stage({"sh", "-c", "echo here; exec sleep 60"});
    stage.start();
    Listener provider(stage);
    REQUIRE(provider.wait_for(ShimWord::grown));
    CHECK(sweep().value() == 0);  // a living shim's are not touched
    ::kill(stage.shim, SIGKILL);
    ::waitpid(stage.shim, nullptr, 0);
    stage.shim = -1;
    CHECK_FALSE(provider.wait_for(ShimWord::ended));
    CHECK(sweep().value() == 1);
    CHECK(sweep().value() == 0);
    CHECK(read_outcome(stage.folder).error().code == Code::not_found);
}

TEST_SUITE_END();

TEST_CASE("a command to the shim is read as it was written, and nothing else is") {
    for (const ShimCommand& command : std::vector<ShimCommand>{
             StopCommand{Reason::budget_spent, Duration{250}}, DeadlineCommand{Duration{60'000}}}) {
        std::string line = to_line(command);
        REQUIRE(line.back() == '\n');
        line.pop_back();
        CHECK(parse_command(line).value() == command);
    }
    for (const char* line : {"", "stop", "stop for 5", "stop signal -1", "stop signal 5 ",
                             "deadline", "deadline 1x", "deadline 99999999999999999999"}) {
        CHECK(parse_command(line).error().code == Code::invalid);
    }
    using namespace std::string_view_literals;
    CHECK(parse_command("stop signal\0al 5"sv).error().code == Code::invalid);
    CHECK(parse_command("deadline \xff"sv).error().what == "expected text that can be printed");
}

}  // namespace shoal::sandbox
