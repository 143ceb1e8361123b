#include "apps/job_file.h"

#include <filesystem>

#include <doctest/doctest.h>

#include "apps/artifacts.h"
#include "apps/completion.h"
#include "io/files.h"
#include "io/scratch.h"

namespace shoal::apps {
namespace {

std::string error_of(const std::string& text) {
    const auto job = read_job(text, "job.yaml");
    REQUIRE(!job.ok());
    CHECK(job.error().code == Code::invalid);
    return job.error().what;
}

TEST_CASE("a good job file is read") {
    const auto job = read_job(
        "name: sum\ncommand: [./sum, \"${n}\"]\ntasks: {matrix: {n: [1, 2]}}\n", "job.yaml");
    REQUIRE(job.ok());
    CHECK(job.value().name == "sum");
    CHECK(job.value().tasks.matrix.at("n").size() == 2);
}

TEST_CASE("errors of a job file stand at their place, whoever finds them") {
    // The YAML reader, the struct's reader, the job's validation.
    CHECK(error_of("name: a\nname: b\n").starts_with("job.yaml:2:1: "));
    CHECK(error_of("name: a\ncommand: [x]\nretires: 3\n").starts_with("job.yaml:3:1: "));
    CHECK(error_of("name: a\ncommand: [x]\nresources:\n  memory: 1Gi\n")
              .starts_with("job.yaml:4:3: resources.memory: "));
    CHECK(error_of("name: a\ncommand: [x]\ntasks:\n  matrix:\n    rate: []\n")
              .starts_with("job.yaml:5:5: tasks.matrix.rate: "));
    CHECK(error_of("name: a\ncommand:\n  - x\n  - ${rate}\n")
              .starts_with("job.yaml:4:5: command[1]"));
}

TEST_CASE("a file with steps is a workflow, and errors of it stand at their place") {
    const auto job = read_workflow("name: a\ncommand: [x]\n", "a.yaml");
    REQUIRE(job.ok());
    CHECK_FALSE(job.value());
    const auto flow = read_workflow(
        "name: a\nretries: 1\nsteps:\n  one: {command: [x]}\n  two: {command: [y], needs: [one]}\n",
        "a.yaml");
    REQUIRE(flow.ok());
    CHECK(flow.value()->steps.at("two").retries == 1);
    CHECK(flow.value()->steps.at("two").needs.contains("one"));
    const auto refused = [](const std::string& text) {
        return read_workflow(text, "a.yaml").error().what;
    };
    CHECK(refused("name: a\nretires: 1\nsteps:\n  one: {command: [x]}\n") ==
          "a.yaml:2:1: retires: unknown; did you mean retries?");
    CHECK(refused("name: a\nsteps:\n  one:\n    command: [x]\n    retires: 1\n")
              .starts_with("a.yaml:5:5: steps.one.retires: "));
    CHECK(refused("name: a\nsteps:\n  one:\n    command: [x]\n    needs: [tow]\n")
              .starts_with("a.yaml:5:5: steps.one.needs.tow: there is no such step"));
}

TEST_CASE("flags make the job that a file would") {
    JobFlags flags;
    flags.command = {"/usr/bin/env", "true"};
    flags.cores = 2;
    flags.memory = "2GiB";
    flags.time = "90s";
    flags.max_total = "0.5";
    flags.inputs = {"data/set", "c:model", "a:b/c"};
    flags.outputs = {"model.bin"};
    flags.environment = {"A=1=2"};
    const LocalJob job = job_of_flags(flags).value();
    CHECK(job.spec.name == "env");
    CHECK(job.spec.resources.cores == 2);
    CHECK(job.spec.resources.memory == 2_GiB);
    CHECK(job.spec.limits.time.length == Duration{90'000});
    CHECK(job.spec.price.max_total == Lamports{500'000'000});
    REQUIRE(job.spec.inputs.size() == 3);
    CHECK(job.spec.inputs[0].path == "data/set");
    CHECK(job.spec.inputs[1].path == "c");
    CHECK(job.spec.inputs[1].as == "model");
    CHECK(job.spec.inputs[2].path == "a:b/c");
    CHECK(job.spec.environment.at("A") == "1=2");
}

TEST_CASE("a program of this machine travels with its job, unless an input has its name") {
    const io::ScratchFolder scratch;
    const std::string program =
        std::filesystem::relative(scratch.path() / "train", std::filesystem::current_path());
    JobFlags flags;
    flags.command = {program, "--rate"};
    CHECK(job_of_flags(flags).error().code == Code::not_found);
    REQUIRE(io::write_file(scratch.path() / "train", "#!/bin/sh\n", 0755).ok());
    const LocalJob job = job_of_flags(flags).value();
    CHECK(job.spec.name == "train");
    CHECK(job.spec.command == std::vector<std::string>{"/in/train", "--rate"});
    REQUIRE(job.spec.inputs.size() == 1);
    CHECK(job.spec.inputs[0].path == program);

    flags.inputs = {"other:train"};
    const LocalJob given = job_of_flags(flags).value();
    CHECK(given.spec.command.front() == program);
    CHECK(given.spec.inputs.size() == 1);
}

TEST_CASE("a wrong flag is named") {
    JobFlags flags;
    flags.command = {"true"};
    flags.memory = "lots";
    CHECK(job_of_flags(flags).error().what.starts_with("--memory: "));
    flags.memory.clear();
    flags.environment = {"A"};
    CHECK(job_of_flags(flags).error().what.starts_with("--env: "));
}

TEST_CASE("a folder becomes files with their hashes, in order") {
    const io::ScratchFolder scratch;
    const auto folder = scratch.path() / "data";
    REQUIRE(io::make_folder(folder / "sub").ok());
    REQUIRE(io::write_file(folder / "sub/b", "bb").ok());
    REQUIRE(io::write_file(folder / "a", "a", 0755).ok());
    LocalJob job{{}, scratch.path()};
    job.spec.name = "x";
    job.spec.command = {"x"};
    job.spec.inputs.resize(1);
    job.spec.inputs[0].path = "data/";
    const auto named = name_inputs(job);
    REQUIRE(named.ok());
    const protocol::JobInput& input = named.value().inputs[0];
    CHECK(input.as == "data");
    CHECK(!input.path);
    REQUIRE(input.files.size() == 2);
    CHECK(input.files[0].path == "a");
    CHECK(input.files[0].executable);
    CHECK(input.files[0].blob == sha256("a"));
    CHECK(input.files[1].path == "sub/b");
    CHECK(input.files[1].size_bytes == 2);
}

TEST_CASE("an input that is not there, or is no file, is named") {
    const io::ScratchFolder scratch;
    LocalJob job{{}, scratch.path()};
    job.spec.name = "x";
    job.spec.command = {"x"};
    job.spec.inputs.resize(1);
    job.spec.inputs[0].path = "nothing";
    const auto named = name_inputs(job);
    REQUIRE(!named.ok());
    CHECK(named.error().what.find((scratch.path() / "nothing").string()) != std::string::npos);
    job.spec.inputs[0].path = "/dev/null";
    CHECK(!name_inputs(job).ok());
}

TEST_CASE("an artifact's path cannot lead out of the folder") {
    CHECK(artifact_place("/out", "a/b").value() == "/out/a/b");
    for (const char* path : {"../x", "/etc/passwd", "a/../../x", "", ".", "a//b", "a\nb"}) {
        CAPTURE(path);
        CHECK(!artifact_place("/out", path).ok());
    }
}

TEST_CASE("completion scripts name every command and quote what is not a word") {
    const CommandShape root{
        "shoal", "", {"--json"}, {{"run", "Run it, don't wait", {"--name"}, {}}}};
    CHECK(completion_script("bash", root).value().find("'run') words='--name' ;;") !=
          std::string::npos);
    CHECK(completion_script("zsh", root).value().find("'run') words='--name' ;;") !=
          std::string::npos);
    CHECK(completion_script("fish", root).value().find(R"('Run it, don\'t wait')") !=
          std::string::npos);
    CHECK(!completion_script("tcsh", root).ok());
}

}  // namespace
}  // namespace shoal::apps
