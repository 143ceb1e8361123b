#include "protocol/workflow.h"

#include <algorithm>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "core/limits.h"
#include "core/random.h"

namespace shoal::protocol {
namespace {

JobSpec make_step(std::vector<std::string> needs = {}) {
    JobSpec spec;
    spec.name = "step";
    spec.command = {"./work"};
    spec.outputs = {{"model", false}};
    for (std::string& need : needs) spec.needs[std::move(need)] = {};
    return spec;
}

JobInput taken(std::string from, std::optional<std::string> path = {}) {
    JobInput input;
    input.as = "data";
    input.from = std::move(from);
    input.path = std::move(path);
    return input;
}

WorkflowSpec two_steps() {
    WorkflowSpec spec;
    spec.name = "flow";
    spec.steps["prepare"] = make_step();
    spec.steps["train"] = make_step({"prepare"});
    return spec;
}

std::string refusal(const WorkflowSpec& spec) {
    const Status status = validate(spec, SpecSource::api);
    return status.ok() ? "" : status.error().what;
}

/// The refusal of two steps after a change of the second.
template <class Change>
std::string refusal_of(Change change) {
    WorkflowSpec spec = two_steps();
    change(spec.steps.at("train"));
    return refusal(spec);
}

TEST_CASE("a workflow is refused with the path of what is wrong, and what is near it") {
    CHECK(refusal(two_steps()).empty());
    CHECK(refusal_of([](JobSpec& it) { it.needs["prepar"] = {}; }) ==
          "steps.train.needs.prepar: there is no such step; did you mean prepare?");
    CHECK(refusal_of([](JobSpec& it) { it.needs["zzzzzzzzzz"] = {}; }) ==
          "steps.train.needs.zzzzzzzzzz: there is no such step");
    CHECK(refusal_of([](JobSpec& it) { it.command.clear(); }) ==
          "steps.train.command: expected a program and its arguments");
    CHECK(refusal_of([](JobSpec& it) { it.inputs = {taken("train")}; }) ==
          "steps.train.inputs[0].from: train does not stand in this step's needs");
    CHECK(refusal_of([](JobSpec& it) { it.inputs = {taken("prepare", "other")}; }) ==
          "steps.train.inputs[0].path: prepare does not declare it as an output");
    CHECK(refusal_of([](JobSpec& it) { it.inputs = {taken("prepare", "../x")}; }) ==
          "steps.train.inputs[0].from: expected a relative path without \"..\" below the step's "
          "/out");
    CHECK(refusal_of([](JobSpec& it) {
              it.inputs = {taken("prepare")};
              it.inputs[0].blob = sha256("a");
          }) == "steps.train.inputs[0].from: expected no blob or files beside it");
    CHECK(refusal_of([](JobSpec& it) { it.inputs = {taken("prepare", "model")}; }).empty());
    CHECK(refusal_of([](JobSpec& it) { it.inputs = {taken("prepare", "model/part")}; }).empty());
    CHECK(refusal_of([](JobSpec& it) { it.inputs = {taken("prepare")}; }).empty());
}

TEST_CASE("the limits of a workflow are held") {
    WorkflowSpec spec = two_steps();
    spec.steps.clear();
    CHECK(refusal(spec) == "steps: expected 1 to 100, got 0");
    for (std::size_t i = 0; i <= limits::steps_per_workflow; ++i) {
        spec.steps[fmt::format("s{}", i)] = make_step();
    }
    CHECK(refusal(spec) == "steps: expected 1 to 100, got 101");
    spec = two_steps();
    spec.steps["a step"] = make_step();
    CHECK(refusal(spec).starts_with("steps: expected names of letters"));
    spec = two_steps();
    spec.price.max_total = Lamports{0};
    CHECK(refusal(spec) == "price.max_total: expected an amount above zero, got 0");
    spec = two_steps();
    for (std::int64_t n = 0; n < 1'001; ++n) {
        spec.steps.at("prepare").tasks.matrix["n"].push_back(Scalar{n});
    }
    CHECK(refusal(spec).empty());
    spec.steps.at("train").inputs = {taken("prepare")};
    CHECK(refusal(spec) ==
          "steps.train.inputs[0].from: prepare has 1001 tasks, and a job at most 1000 input files");
    spec.steps.at("train").inputs.clear();
    for (std::int64_t n = 0; n < 9'000; ++n) {
        spec.steps.at("train").tasks.matrix["n"].push_back(Scalar{n});
    }
    CHECK(refusal(spec) == "steps: expected at most 10000 tasks in all, got 10001");
}

TEST_CASE("steps that wait for one another are named, all of them") {
    WorkflowSpec spec = two_steps();
    spec.steps["judge"] = make_step({"train"});
    spec.steps.at("prepare").needs["judge"] = {};
    CHECK(refusal(spec) ==
          "steps.judge.needs: the steps wait for one another: judge → train → prepare → judge");
    spec = two_steps();
    spec.steps.at("train").needs["train"] = {};
    CHECK(refusal(spec) == "steps.train.needs: the steps wait for one another: train → train");
}

TEST_CASE("steps in a row are not too many") {
    WorkflowSpec spec;
    spec.name = "row";
    for (std::size_t i = 0; i < limits::workflow_depth; ++i) {
        spec.steps[fmt::format("s{:02}", i)] =
            i == 0 ? make_step() : make_step({fmt::format("s{:02}", i - 1)});
    }
    CHECK(refusal(spec).empty());
    spec.steps["s99"] = make_step({"s31"});
    CHECK(refusal(spec) == "steps.s99.needs: expected at most 32 steps in a row, got 33");
}

TEST_CASE("what only a step may say is refused of a job that stands alone") {
    JobSpec spec = make_step({"prepare"});
    CHECK(validate(spec, SpecSource::api).error().what ==
          "needs: only a step of a workflow needs others");
    spec = make_step();
    spec.inputs = {taken("prepare")};
    CHECK(validate(spec, SpecSource::api).error().what ==
          "inputs[0].from: only a step of a workflow takes what another step left");
}

TEST_CASE("the cache wants a promise, and gives none that it cannot keep") {
    JobSpec spec = make_step();
    spec.cache = Cache::own_unverified;
    CHECK(validate(spec, SpecSource::api).error().code == Code::invalid);
    spec.determinism = Determinism::bits;
    CHECK(validate(spec, SpecSource::api).ok());
    for (const Cache cache : {Cache::verified, Cache::shared}) {
        spec.cache = cache;
        CHECK(validate(spec, SpecSource::api).error().code == Code::unsupported);
    }
}

/// Steps that need only earlier ones, in a random order of names.
WorkflowSpec random_workflow(Random& random) {
    WorkflowSpec spec;
    spec.name = "random";
    std::vector<std::string> names;
    for (std::uint64_t i = random.between(1, 12); i > 0; --i) {
        std::string name = fmt::format("s{}", random.below(1'000));
        if (spec.steps.contains(name)) continue;
        JobSpec step = make_step();
        for (const std::string& earlier : names) {
            if (random.percent(30)) step.needs[earlier] = {};
        }
        spec.steps.emplace(name, std::move(step));
        names.push_back(std::move(name));
    }
    return spec;
}

TEST_CASE("whatever the steps, each stands after all that it needs") {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        WorkflowSpec spec = random_workflow(random);
        REQUIRE(refusal(spec).empty());
        const std::vector<std::string> order = order_of(spec);
        REQUIRE(order.size() == spec.steps.size());
        for (auto step = order.begin(); step != order.end(); ++step) {
            for (const auto& [need, policy] : spec.steps.at(*step).needs) {
                CHECK(std::find(order.begin(), step, need) != step);
            }
        }
        // One that the first needs, and that needs the last, closes a circle with every way
        // between.
        spec.steps.at(order.front()).needs[order.back()] = {};
        spec.steps.at(order.back()).needs[order.front()] = {};
        CHECK(refusal(spec).find("the steps wait for one another") != std::string::npos);
    }
}

json::Value parsed(std::string_view text) {
    return json::parse(text, text.size()).value();
}

std::string completed(std::string_view text) {
    auto value = complete(parsed(text));
    return value.ok() ? json::print(value.value()) : value.error().what;
}

TEST_CASE("what stands beside the steps holds for each that does not say otherwise") {
    CHECK(completed(R"({"name":"flow","retries":1,"environment":{"A":"1","B":"2"},
        "steps":{"a":{"command":["x"],"environment":{"B":"3"}},
                 "b":{"command":["y"],"retries":5,"name":"own"}}})") ==
          R"({"name":"flow","steps":{)"
          R"("a":{"command":["x"],"environment":{"B":"3","A":"1"},"name":"flow/a","retries":1},)"
          R"("b":{"command":["y"],"retries":5,"name":"own","environment":{"A":"1","B":"2"}}}})");
}

TEST_CASE("a list of needs gets the usual policy, and the whole price stays with the whole") {
    CHECK(completed(R"({"name":"f","price":{"max_total":"5","max_hour":"3"},
        "steps":{"a":{},"b":{"needs":["a"]}}})") ==
          R"({"name":"f","steps":{"a":{"name":"f/a","price":{"max_hour":"3"}},)"
          R"("b":{"needs":{"a":{}},"name":"f/b","price":{"max_hour":"3"}}},)"
          R"("price":{"max_total":"5"}})");
}

TEST_CASE("what is no workflow is refused with its place") {
    CHECK(completed("[]") == "expected an object with \"name\" and \"steps\"");
    CHECK(completed(R"({"name":"f"})") == "steps: expected an object with a step by each name");
    CHECK(completed(R"({"steps":{"a":3}})") == "steps.a: expected an object");
    CHECK(completed(R"({"steps":{"a":{"needs":[3]}}})") ==
          "steps.a.needs[0]: expected the name of a step");
    CHECK(completed(R"({"steps":{"a":{"needs":["b","b"]}}})") ==
          "steps.a.needs[1]: stands there twice");
    CHECK(completed(R"({"retrys":3,"steps":{}})") == "retrys: unknown; did you mean retries?");
    CHECK(completed(R"({"needs":["a"],"steps":{}})") == "needs: stands in a step, not beside them");
}

}  // namespace
}  // namespace shoal::protocol
