#include "sandbox/launch.h"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace shoal::sandbox {

namespace {

std::string make_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "shoal-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    return name;
}

/// A folder with what a job needs, and a command that is run to its end in it.
class Bench {
public:
    Bench() : folder_(make_folder()) {
        for (const char* name : {"work", "out"}) {
            const std::string path = folder_ + "/" + name;
            REQUIRE(::mkdir(path.c_str(), 0700) == 0);
            REQUIRE(::chown(path.c_str(), host_id(0).value(), host_id(0).value()) == 0);
        }
        spec.work = folder_ + "/work";
        spec.out = folder_ + "/out";
        spec.environment = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8"};
        spec.limits = {.memory = 256_MiB, .processes = 64, .cores = 1};
        spec.disk = 64_MiB;
    }
    ~Bench() { std::filesystem::remove_all(folder_); }
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;

    /// The status of the job, or the jail's complaint.
    Result<Ended> run(std::vector<std::string> command) {
        spec.command = std::move(command);
        const Fd log(::open((folder_ + "/log").c_str(), O_CREAT | O_TRUNC | O_RDWR, 0600));
        const Fd reports(::open((folder_ + "/reports").c_str(), O_CREAT | O_TRUNC | O_RDWR, 0600));
        spec.log = log.get();
        spec.report = reports.get();
        Jail jail = TRY(Jail::launch(spec, filter, groups));
        while (!jail.gone()) {
            pollfd ready{jail.notes_fd(), POLLIN, 0};
            ::poll(&ready, 1, -1);
            const auto note = jail.next_note();
            if (note && note->kind == JailNote::Kind::failed) complaint = describe(*note);
        }
        return jail.finish();
    }

    std::string shell(const std::string& script) {
        const auto ended = run({"sh", "-c", script});
        REQUIRE_MESSAGE(ended.ok(), ended.error().what);
        CHECK(complaint == "");
        CHECK(ended.value().status == 0);
        return text("log");
    }

    std::string text(const std::string& name) const {
        return read_text(folder_ + "/" + name, 1 << 20).value();
    }
    std::string put(const std::string& name, const std::string& text, mode_t mode) const {
        const std::string path = folder_ + "/" + name;
        std::ofstream(path) << text;
        REQUIRE(::chmod(path.c_str(), mode) == 0);
        return path;
    }

    LaunchSpec spec;
    Filter filter = compile_filter().value();
    GroupHost groups = prepare_groups().value();
    std::string complaint;

private:
    std::string folder_;
};

bool can_isolate() {
    return prepare_groups().ok();
}

}  // namespace

TEST_SUITE_BEGIN("launch" * doctest::skip(!can_isolate()));

TEST_CASE("a job is user 1000 inside, sees its own processes only and writes to its folders") {
    Bench bench;
    CHECK(bench.shell("id -u; echo /proc/[0-9]*; pwd; hostname; "
                      "echo made > made; echo result > /out/result") ==
          "1000\n/proc/1 /proc/2\n/work\njob\n");
    CHECK(bench.text("out/result") == "result\n");
    struct stat found{};
    REQUIRE(::stat((bench.spec.out + "/result").c_str(), &found) == 0);
    CHECK(found.st_uid == host_id(0).value());
    CHECK(found.st_uid != 0);
}

TEST_CASE("the root holds what a program needs and nothing of the host's own") {
    Bench bench;
    CHECK(bench
              .shell("cd /; echo *; ls /etc /dev | tr '\\n' ' '; ls /root /home /var "
                     "2>/dev/null || true")
              .starts_with("bin dev etc in lib"));
    CHECK(bench.run({"cat", "/etc/shadow"}).value().status != 0);
}

TEST_CASE("inputs are read-only and keep the right to run") {
    Bench bench;
    const std::string program = bench.put("program", "#!/bin/sh\necho ran \"$1\"\n", 0755);
    const std::string data = bench.put("data", "17\n", 0644);
    bench.spec.inputs = {{.as = "tool", .source = program}, {.as = "data", .source = data}};
    CHECK(bench.run({"tool", "a"}).value().status == 0);
    CHECK(bench.text("log") == "ran a\n");
    CHECK(bench.run({"./tool", "b"}).value().status == 0);
    CHECK(bench.text("log") == "ran b\n");
    CHECK(bench.run({"/in/tool", "c"}).value().status == 0);
    CHECK(bench.shell("cat /in/data; echo 18 2>/dev/null > /in/data || echo refused") ==
          "17\nrefused\n");
}

TEST_CASE("a command that is not there is told as such") {
    Bench bench;
    CHECK(bench.run({"no-such-program"}).ok());
    CHECK(bench.complaint == "cannot run the command: No such file or directory");
}

TEST_CASE("threads, Python and the compiler work under the filter") {
    Bench bench;
    CHECK(bench.shell("python3 -c 'import threading,socket,multiprocessing as m;"
                      "t=threading.Thread(target=lambda:print(6*7));t.start();t.join();"
                      "s=socket.create_server((\"127.0.0.1\",0));"
                      "socket.create_connection(s.getsockname());"
                      "print(m.Pool(2).map(abs,[-1]))'") == "42\n[1]\n");
    CHECK(bench.shell("printf '#include <thread>\\n#include <cstdio>\\nint main(){std::thread("
                      "[]{std::puts(\"hello\");}).join();}' > a.cpp && "
                      "g++ -O1 -pthread a.cpp -o a && ./a && g++ -static a.cpp -o b && ./b") ==
          "hello\nhello\n");
}

TEST_CASE("descriptor 3 takes reports; nothing else of the launcher's is open") {
    Bench bench;
    CHECK(bench.shell("echo '{}' >&3; ls /proc/self/fd | tr '\\n' ' '") == "0 1 2 3 4 ");
    CHECK(bench.text("reports") == "{}\n");
}

TEST_CASE("more memory than asked for ends the job, and the group says so") {
    Bench bench;
    bench.spec.limits.memory = 32_MiB;
    const auto ended = bench.run({"python3", "-c", "x = bytearray(256 << 20)"});
    REQUIRE(ended.ok());
    CHECK(ended.value().use.out_of_memory_kills > 0);
    CHECK(ended.value().status != 0);
}

TEST_CASE("more processes than allowed are refused and counted") {
    Bench bench;
    bench.spec.limits.processes = 8;
    const auto ended = bench.run({"sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do sleep 9 & done"});
    REQUIRE(ended.ok());
    CHECK(ended.value().use.forks_refused > 0);
}

TEST_CASE("what the job leaves running dies with it, and its groups go") {
    Bench bench;
    bench.shell("setsid sleep 98765 >/dev/null 2>&1 & exit 0");
    CHECK(sweep_groups(bench.groups, ::getpid()) == 0);
}

TEST_CASE("an input that the job's user could not read is refused") {
    if (::geteuid() != 0) return;
    Bench bench;
    bench.spec.inputs = {{.as = "data", .source = bench.put("data", "", 0600)}};
    CHECK(bench.run({"true"}).error().code == Code::invalid);
    bench.spec.inputs = {{.as = "../data", .source = bench.put("data", "", 0644)}};
    CHECK(bench.run({"true"}).error().code == Code::invalid);
}

TEST_CASE("where the groups cannot be made, nothing is launched") {
    Bench bench;
    bench.groups.memory = "/nowhere";
    const auto refused = bench.run({"true"});
    REQUIRE(!refused.ok());
    CHECK(refused.error().what.starts_with("make control group /nowhere/"));
}

TEST_SUITE_END();

}  // namespace shoal::sandbox
