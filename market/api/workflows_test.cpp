// What the API tells of workflows, and of tasks that earlier results answered.

#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include "market/api/served_for_test.h"
#include "protocol/api_workflow.h"

namespace shoal::market {
namespace {

std::string flow_text(std::string_view need = "first") {
    protocol::WorkflowSpec spec;
    spec.name = "flow";
    spec.steps["first"] = simple_job();
    spec.steps["second"] = simple_job();
    spec.steps["second"].needs[std::string(need)] = {};
    return json::print(json::write(spec));
}

TEST_CASE("a workflow is submitted once, shown with its steps, and cancelled as a whole") {
    Served world;
    const ApiAnswer made = world.post("/v1/workflows", world.buyer_key, flow_text(), "once");
    CHECK(made.status == 201);
    const auto flow = view<protocol::WorkflowView>(made);
    CHECK(world.post("/v1/workflows", world.buyer_key, flow_text(), "once").body == made.body);
    REQUIRE(flow.steps.size() == 2);
    CHECK(flow.steps[0].step == "first");
    CHECK(flow.steps[1].needs == std::vector<std::string>{"first"});
    CHECK(flow.steps[1].waits_for == std::vector<std::string>{"first"});
    CHECK(flow.steps[1].job.workflow == flow.workflow);
    CHECK(flow.hold == Lamports{2'000'000});

    const std::string waiting = "/v1/jobs/" + to_string(flow.steps[1].job.job);
    const auto reason = view<protocol::JobWhy>(world.get(waiting + "/why", world.buyer_key));
    REQUIRE(reason.waits_for.size() == 1);
    CHECK(reason.waits_for[0].job == flow.steps[0].job.job);
    const auto tasks = view<protocol::TaskPage>(world.get(waiting + "/tasks", world.buyer_key));
    CHECK(tasks.items.at(0).sentence == "waits for other steps of its workflow");

    const std::string path = "/v1/workflows/" + to_string(flow.workflow);
    const auto ended =
        view<protocol::WorkflowView>(world.post(path + "/cancel", world.buyer_key, ""));
    CHECK(ended.state == protocol::JobState::cancelled);
    CHECK(ended.released == ended.hold);
    CHECK(ended.ended.has_value());
}

TEST_CASE("a workflow that is wrong is refused at its place, and nothing is left of it") {
    Served world;
    const ApiAnswer answer = world.post("/v1/workflows", world.buyer_key, flow_text("frist"));
    CHECK(answer.status == 400);
    CHECK(problem(answer).path == "steps.second.needs.frist");
    CHECK(problem(answer).hint == "did you mean first?");
    CHECK(world.market.state().workflows.empty());
}

TEST_CASE("workflows are listed newest first, each account's own") {
    Served world;
    for (int i = 0; i < 3; ++i) world.begin_flow();
    const auto list = [&](const std::string& key, std::map<std::string, std::string> query) {
        return view<protocol::WorkflowPage>(world.get("/v1/workflows", key, std::move(query)));
    };
    const auto page = list(world.buyer_key, {{"limit", "2"}});
    REQUIRE(page.items.size() == 2);
    CHECK(page.items[0].workflow == WorkflowId{3});
    const auto rest = list(world.buyer_key, {{"limit", "2"}, {"cursor", page.next.value()}});
    REQUIRE(rest.items.size() == 1);
    CHECK(rest.items[0].workflow == WorkflowId{1});
    CHECK(list(world.other_key, {}).items.empty());
    CHECK(list(world.operator_key, {}).items.size() == 3);
}

TEST_CASE("a task that an earlier result answered says so, and has its files") {
    Served world;
    protocol::JobSpec spec = simple_job();
    spec.tasks.matrix.clear();
    spec.command = {"./work"};
    spec.result = protocol::ResultRule{"loss", protocol::Best::min};
    spec.determinism = protocol::Determinism::bits;
    spec.cache = protocol::Cache::own_unverified;
    const std::string body = json::print(json::write(spec));
    const auto first = view<protocol::JobView>(world.post("/v1/jobs", world.buyer_key, body));
    const LeaseId lease = world.live().at(0);
    CHECK(world.hear(world.machine, protocol::session::Started{lease}).ok());
    protocol::AttemptOutcome outcome;
    outcome.reason = protocol::Reason::completed;
    outcome.started = true;
    CHECK(world.hear(world.machine, protocol::session::Exited{lease, outcome}).ok());
    CHECK(world.store("weights", lease).ok());
    protocol::session::Finished finished;
    finished.lease = lease;
    finished.metrics = {{"loss", 0.5}};
    finished.artifacts = {{"model", sha256("weights"), 7}};
    CHECK(world.hear(world.machine, finished).ok());

    const auto second = view<protocol::JobView>(world.post("/v1/jobs", world.buyer_key, body));
    CHECK(second.state == protocol::JobState::finished);
    CHECK(second.best->value == 0.5);
    CHECK(second.best->lease == lease);
    const std::string path = "/v1/jobs/" + to_string(second.job);
    const auto task =
        view<protocol::TaskPage>(world.get(path + "/tasks", world.buyer_key)).items.at(0);
    CHECK(task.reused->job == first.job);
    CHECK(task.lease == lease);
    CHECK(task.attempts == 0);
    CHECK(task.sentence.starts_with("answered by the unverified result of "));
    const auto files =
        view<protocol::ArtifactPage>(world.get(path + "/artifacts", world.buyer_key));
    CHECK(files.items.at(0).blob == sha256("weights"));
    CHECK(files.items.at(0).available);
}

}  // namespace
}  // namespace shoal::market
