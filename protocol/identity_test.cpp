#include "protocol/identity.h"

#include <functional>
#include <vector>

#include <doctest/doctest.h>

namespace shoal::protocol {
namespace {

JobSpec make_job() {
    JobSpec spec;
    spec.name = "train";
    spec.command = {"./train", "--rate", "${rate}"};
    spec.environment = {{"SEED", "${seed}"}};
    spec.determinism = Determinism::bits;
    for (const char* name : {"data", "model"}) {
        JobInput input;
        input.as = name;
        input.files = {{"a", sha256("a"), 1, false}, {"b", sha256("b"), 1, false}};
        spec.inputs.push_back(input);
    }
    spec.outputs = {{"model.bin", false}, {"log.txt", true}};
    return spec;
}

const Parameters parameters{{"rate", Scalar{0.1}}, {"seed", Scalar{std::int64_t{7}}}};

TEST_CASE("a task's identity is the same for ever") {
    CHECK(to_string(task_identity(make_job(), parameters)) ==
          "18e067ff68d07468bfb604d871e2a8dabf34461a497d54b392961172d04b663a");
}

TEST_CASE("what cannot change a result does not change a task's identity") {
    const Hash identity = task_identity(make_job(), parameters);
    const std::vector<std::function<void(JobSpec&)>> changes{
        [](JobSpec& it) { it.name = "other"; },
        [](JobSpec& it) { it.price.max_total = Lamports{5}; },
        [](JobSpec& it) { it.retries = 9; },
        [](JobSpec& it) { it.priority = 9; },
        [](JobSpec& it) { it.cache = Cache::own_unverified; },
        [](JobSpec& it) { it.resources.memory = 4_GiB; },
        [](JobSpec& it) { it.placement.regions = {"eu"}; },
        [](JobSpec& it) { std::swap(it.inputs[0], it.inputs[1]); },
        [](JobSpec& it) { std::swap(it.inputs[0].files[0], it.inputs[0].files[1]); },
        [](JobSpec& it) { std::swap(it.outputs[0], it.outputs[1]); },
        [](JobSpec& it) { it.inputs[0].from = "prepare"; },
        [](JobSpec& it) { it.command[2] = "0.1"; },
        [](JobSpec& it) { it.needs["prepare"] = {}; },
    };
    for (std::size_t i = 0; i < changes.size(); ++i) {
        CAPTURE(i);
        JobSpec spec = make_job();
        changes[i](spec);
        CHECK(task_identity(spec, parameters) == identity);
    }
}

TEST_CASE("whatever may change a result changes a task's identity") {
    const Hash identity = task_identity(make_job(), parameters);
    const std::vector<std::function<void(JobSpec&)>> changes{
        [](JobSpec& it) { it.command[1] = "--speed"; },
        [](JobSpec& it) { it.command = {"./train", "--rate ${rate}"}; },
        [](JobSpec& it) { it.environment["SEED"] = "8"; },
        [](JobSpec& it) { it.environment["MORE"] = ""; },
        [](JobSpec& it) { it.inputs[0].as = "images"; },
        [](JobSpec& it) { it.inputs[0].files[0].blob = sha256("c"); },
        [](JobSpec& it) { it.inputs[0].files[0].path = "c"; },
        [](JobSpec& it) { it.inputs[0].files[0].executable = true; },
        [](JobSpec& it) { it.inputs[1].files.pop_back(); },
        [](JobSpec& it) { it.inputs.pop_back(); },
        [](JobSpec& it) { it.inputs[0].blob = sha256("a"); },
        [](JobSpec& it) { it.outputs[0].path = "weights"; },
        [](JobSpec& it) { it.outputs[0].optional = true; },
        [](JobSpec& it) { it.determinism = Determinism::none; },
        [](JobSpec& it) { it.resources.cores = 2; },
        [](JobSpec& it) { it.resources.gpu.count = 1; },
        [](JobSpec& it) { it.resources.gpu.model = "H100"; },
        [](JobSpec& it) { it.limits.time = Span{std::chrono::minutes{1}}; },
        [](JobSpec& it) { it.limits.output = 1_MiB; },
        [](JobSpec& it) { it.limits.log = 1_MiB; },
    };
    for (std::size_t i = 0; i < changes.size(); ++i) {
        CAPTURE(i);
        JobSpec spec = make_job();
        changes[i](spec);
        CHECK(task_identity(spec, parameters) != identity);
    }
    Parameters others = parameters;
    others["seed"] = Scalar{std::int64_t{8}};
    CHECK(task_identity(make_job(), others) != identity);
}

}  // namespace
}  // namespace shoal::protocol
