#include "market/workflows.h"

#include <doctest/doctest.h>

#include "market/flows_for_test.h"
#include "market/why.h"

namespace shoal::market {
namespace {

using namespace std::chrono_literals;
using protocol::JobState;
using protocol::OnFailure;
using protocol::Reason;
using protocol::TaskState;

TEST_CASE("steps run one after another, and each gets exactly what the one before left") {
    Flows world;
    const WorkflowId flow = world.submit_flow(three_steps()).value();
    CHECK(world.runs(flow, "prepare"));
    CHECK_FALSE(world.runs(flow, "train"));
    CHECK(world.live().size() == 1);
    CHECK(why(world.market, world.step(flow, "train").id, world.clock)
              .sentence.starts_with("waits for a step of its workflow: prepare (job_"));

    world.finish(flow, "prepare", {{"model", "first"}});
    CHECK(world.runs(flow, "train"));
    const auto& handed = world.step(flow, "train").spec.inputs.at(0);
    CHECK(handed.blob == sha256("first"));
    CHECK(handed.size_bytes == 5);
    const auto& granted = std::get<protocol::session::Granted>(world.sent.back().message);
    CHECK(granted.order.inputs.at(0).blob == sha256("first"));
    CHECK_FALSE(granted.order.inputs.at(0).from);
    CHECK_FALSE(granted.order.inputs.at(0).path);

    world.finish(flow, "train", {{"model/a", "one"}, {"model/b", "two"}});
    const auto& folder = world.step(flow, "judge").spec.inputs.at(0);
    REQUIRE(folder.files.size() == 2);
    CHECK(folder.files[0].path == "model/a");
    CHECK(folder.files[1].blob == sha256("two"));
    CHECK(world.state(flow) == JobState::open);
    world.finish(flow, "judge");
    CHECK(world.state(flow) == JobState::finished);
    const auto receipt = world.market.receipt(world.step(flow, "judge").id).value();
    CHECK(protocol::verify_receipt(receipt).ok());
    CHECK(receipt.step->name == "judge");
    CHECK(receipt.step->handed_over.at(1).path == "train/model/b");
    world.replay();
}

TEST_CASE("all steps are submitted or none, and their price is one") {
    Flows world;
    protocol::WorkflowSpec spec = three_steps();
    spec.steps.at("judge").price.max_total = Lamports{World::wealth};
    CHECK(world.submit_flow(spec).error().code == Code::exhausted);
    spec = three_steps();
    spec.price.max_total = Lamports{2'999'999};
    const auto dear = world.submit_flow(spec);
    CHECK(dear.error().code == Code::denied);
    CHECK(dear.error().what.starts_with("price.max_total: the steps set"));
    spec.steps.at("train").inputs.push_back(taken("prepare"));
    spec.steps.at("train").inputs.back().as = "other";
    protocol::JobInput missing;
    missing.as = "data";
    missing.blob = sha256("nowhere");
    spec.steps.at("train").inputs.push_back(missing);
    CHECK(world.submit_flow(spec).error().what.starts_with("steps.train.inputs[2].blob: no such"));
    CHECK(world.market.state().jobs.empty());
    CHECK(world.market.state().workflows.empty());
    spec = three_steps();
    spec.price.max_total = Lamports{3'000'000};
    CHECK(world.submit_flow(spec).ok());
    CHECK(world.balance(world.buyer) == Lamports{World::wealth - 3'000'000});
    world.replay();
}

TEST_CASE("a matrix hands over each task's files by its place") {
    Flows world;
    protocol::WorkflowSpec spec;
    spec.steps["many"] = make_step(3);
    spec.steps["one"] = make_step();
    spec.steps["one"].needs["many"] = {OnFailure::run};
    spec.steps["one"].inputs = {taken("many", "model")};
    const WorkflowId flow = world.submit_flow(spec).value();
    const auto leases = world.live();
    world.finish(leases.at(0), {{"model", "zero"}});
    world.finish(leases.at(1), {{"model", "lost"}}, Reason::exit_code);
    world.finish(leases.at(2), {{"model", "two"}});
    const auto& input = world.step(flow, "one").spec.inputs.at(0);
    REQUIRE(input.files.size() == 2);
    CHECK(input.files[0].path == "0/model");
    CHECK(input.files[1].path == "2/model");
    CHECK(input.files[1].blob == sha256("two"));
    world.finish(flow, "one");
    CHECK(world.state(flow) == JobState::finished);  // the one that needs it goes on without
    world.replay();
}

TEST_CASE("what becomes of a step whose need fails is what it says") {
    struct Row {
        OnFailure policy;
        JobState step;
        Reason reason;
        JobState flow;
    };
    const Row rows[] = {
        {OnFailure::fail, JobState::failed, Reason::need_failed, JobState::failed},
        {OnFailure::skip, JobState::cancelled, Reason::step_skipped, JobState::finished},
        {OnFailure::run, JobState::finished, Reason::completed, JobState::finished},
    };
    for (const Row& row : rows) {
        CAPTURE(static_cast<int>(row.policy));
        Flows world;
        protocol::WorkflowSpec spec = three_steps();
        spec.steps.erase("judge");
        spec.steps.at("train").needs.at("prepare").on_failure = row.policy;
        const WorkflowId flow = world.submit_flow(spec).value();
        world.finish(flow, "prepare", {{"model", "half"}}, Reason::exit_code);
        if (row.policy == OnFailure::run) {
            CHECK(world.step(flow, "train").spec.inputs.empty());
            world.finish(flow, "train");
        }
        const Job& train = world.step(flow, "train");
        CHECK(train.state == row.step);
        CHECK(train.reason == row.reason);
        CHECK(world.state(flow) == row.flow);
        if (row.policy != OnFailure::run) {
            CHECK(train.charged == Lamports{});
            CHECK(protocol::verify_receipt(world.market.receipt(train.id).value()).ok());
        }
        world.replay();
    }
}

TEST_CASE("a failure goes down all the way, and one that is left out is none") {
    Flows world;
    const WorkflowId failing = world.submit_flow(three_steps()).value();
    world.finish(failing, "prepare", {}, Reason::exit_code);
    CHECK(world.step(failing, "judge").reason == Reason::need_failed);
    CHECK(world.state(failing) == JobState::failed);
    protocol::WorkflowSpec spec = three_steps();
    spec.steps.at("train").needs.at("prepare").on_failure = OnFailure::skip;
    spec.steps.at("judge").needs.at("train").on_failure = OnFailure::run;
    const WorkflowId skipping = world.submit_flow(spec).value();
    world.finish(skipping, "prepare", {}, Reason::exit_code);
    CHECK(world.step(skipping, "train").reason == Reason::step_skipped);
    CHECK(world.runs(skipping, "judge"));
    world.finish(skipping, "judge");
    CHECK(world.state(skipping) == JobState::finished);
    world.replay();
}

TEST_CASE("a step does not begin without the file that it was promised") {
    Flows world;
    protocol::WorkflowSpec spec = three_steps();
    spec.steps.at("prepare").outputs = {{"model", false}};
    spec.steps.at("train").inputs = {taken("prepare", "model/part")};
    const WorkflowId flow = world.submit_flow(spec).value();
    world.finish(flow, "prepare", {{"model", "a file, not a folder"}});
    CHECK(world.step(flow, "train").reason == Reason::handover_failed);
    CHECK(world.step(flow, "judge").reason == Reason::need_failed);
    world.replay();
}

TEST_CASE("more files than a job may have are not handed over") {
    Flows world;
    protocol::WorkflowSpec spec = three_steps();
    const WorkflowId flow = world.submit_flow(spec).value();
    Files many;
    for (std::size_t i = 0; i <= limits::inputs_per_job; ++i) {
        many["model/" + std::to_string(i)] = "same";
    }
    world.finish(flow, "prepare", many);
    CHECK(world.step(flow, "train").reason == Reason::handover_failed);
}

TEST_CASE("a workflow is cancelled as a whole, and each step for that reason") {
    Flows world;
    const WorkflowId flow = world.submit_flow(three_steps()).value();
    CHECK(world.market.cancel_workflow(flow, world.moment(), world.batch).ok());
    world.flush();
    for (const char* name : {"prepare", "train", "judge"}) {
        CHECK(world.step(flow, name).reason == Reason::cancelled_by_buyer);
    }
    CHECK(world.state(flow) == JobState::cancelled);
    CHECK(world.live().empty());
    CHECK(world.market.cancel_workflow(WorkflowId{9}, world.moment(), world.batch).error().code ==
          Code::not_found);
    world.replay();
}

TEST_CASE("what a step left is kept as long as another waits for it") {
    Flows world;
    protocol::WorkflowSpec spec = three_steps();
    spec.steps["slow"] = make_step();
    spec.steps["slow"].resources.cores = 64;  // nobody has them
    spec.steps.at("train").needs["slow"] = {};
    const WorkflowId flow = world.submit_flow(spec).value();
    world.finish(flow, "prepare", {{"model", "kept"}});
    world.advance(limits::blob_retention + limits::sweep_delay + 1h);
    CHECK(world.market.state().blobs.contains(sha256("kept")));
    CHECK(world.market.cancel_workflow(flow, world.moment(), world.batch).ok());
    world.flush();
    world.advance(limits::sweep_delay + 1h);
    CHECK(world.market.state().blobs.empty());
    world.replay();
}

}  // namespace
}  // namespace shoal::market
