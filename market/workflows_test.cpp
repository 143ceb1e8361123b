// Steps that need one another, and tasks that earlier results answer.

#include "market/workflows.h"

#include <doctest/doctest.h>

#include "market/why.h"
#include "market/world_for_test.h"

namespace shoal::market {
namespace {

using namespace std::chrono_literals;
using protocol::JobState;
using protocol::OnFailure;
using protocol::Reason;
using protocol::TaskState;
namespace session = protocol::session;

using Files = std::map<std::string, std::string>;  // paths and contents

protocol::JobInput taken(std::string from, std::optional<std::string> path = {}) {
    protocol::JobInput input;
    input.as = from;
    input.from = std::move(from);
    input.path = std::move(path);
    return input;
}

protocol::JobSpec make_step(std::int64_t tasks = 1) {
    protocol::JobSpec spec = simple_job(tasks);
    if (tasks == 1) {
        spec.tasks.matrix.clear();
        spec.command = {"./work"};
    }
    spec.outputs = {{"model", true}};
    spec.retries = 0;
    return spec;
}

/// A market in which workflows run, with one provider.
class Flows : public World {
public:
    explicit Flows(Settings settings = {}) : World(settings) {
        machine = provider(8, core_price(3'600));
    }

    Result<WorkflowId> submit_flow(protocol::WorkflowSpec spec) {
        spec.name = "flow";
        auto id = market.submit_workflow(buyer, std::move(spec), moment(), batch);
        flush();
        return id;
    }

    /// The only live attempt of the step runs for a second, leaves the files and ends so.
    void finish(WorkflowId flow, const std::string& step, const Files& files = {},
                Reason reason = Reason::completed) {
        const Job& job = this->step(flow, step);
        for (const TaskId id : job.tasks) {
            const Task& task = market.state().tasks.at(id);
            if (task.state != TaskState::leased) continue;
            return finish(task.attempts.back(), files, reason);
        }
        FAIL("the step has no live attempt: " << step);
    }

    void finish(LeaseId lease, const Files& files, Reason reason = Reason::completed) {
        const ProviderId provider = market.state().attempts.at(lease).provider;
        CHECK(hear(provider, session::Started{lease}).ok());
        clock += 1s;
        protocol::AttemptOutcome outcome;
        outcome.reason = reason;
        outcome.started = true;
        outcome.ran_ms = 100'000'000;  // the market's clock says less
        CHECK(hear(provider, session::Exited{lease, outcome}).ok());
        session::Finished finished;
        finished.lease = lease;
        finished.reason = reason;
        for (const auto& [path, content] : files) {
            CHECK(store(content, lease).ok());
            finished.artifacts.push_back({path, sha256(content), content.size()});
        }
        CHECK(hear(provider, finished).ok());
    }

    const Job& step(WorkflowId flow, std::string_view name) const {
        return job(job_of(market.state().workflows.at(flow), name));
    }
    JobState state(WorkflowId flow) const {
        return state_of(market.state(), market.state().workflows.at(flow));
    }
    bool runs(WorkflowId flow, std::string_view name) const {
        return market.state().tasks.at(step(flow, name).tasks.front()).state == TaskState::leased;
    }
    const Task& task(JobId id, std::size_t place = 0) const {
        return market.state().tasks.at(job(id).tasks.at(place));
    }

    ProviderId machine;
};

/// prepare <- train <- judge, and each takes what the one before left.
protocol::WorkflowSpec three_steps() {
    protocol::WorkflowSpec spec;
    spec.steps["prepare"] = make_step();
    spec.steps["train"] = make_step();
    spec.steps["train"].needs["prepare"] = {};
    spec.steps["train"].inputs = {taken("prepare", "model")};
    spec.steps["judge"] = make_step();
    spec.steps["judge"].needs["train"] = {};
    spec.steps["judge"].inputs = {taken("train")};
    return spec;
}

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
    const auto& granted = std::get<session::Granted>(world.sent.back().message);
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

// --- earlier results -----------------------------------------------------------------------------

protocol::JobSpec pure_job(std::int64_t tasks = 1) {
    protocol::JobSpec spec = make_step(tasks);
    spec.determinism = protocol::Determinism::bits;
    spec.cache = protocol::Cache::own_unverified;
    spec.resources.cores = 4;
    return spec;
}

TEST_CASE("a task that was done before is answered by its result, for a part of its price") {
    Flows world;
    const JobId first = world.submit(pure_job()).value();
    world.finish(world.live().at(0), {{"model", "weights"}});
    CHECK(world.job(first).charged == Lamports{4});
    world.clock += 30s;

    const Lamports before = world.balance(world.market.state().providers.at(world.machine).account);
    const JobId second = world.submit(pure_job()).value();
    CHECK(world.live().empty());
    CHECK(world.job(second).state == JobState::finished);
    const Task& task = world.task(second);
    CHECK(task.attempts.empty());
    CHECK(task.reused->lease == world.task(first).attempts.at(0));
    CHECK_FALSE(task.reused->verified);
    CHECK(task.reused->charge == Lamports{0});  // a tenth of 4, rounded down
    CHECK(world.balance(world.market.state().providers.at(world.machine).account) == before);
    CHECK(why(world.market, task.id, world.clock)
              .sentence.starts_with("answered by the unverified result of lease_"));
    const auto receipt = world.market.receipt(second).value();
    CHECK(protocol::verify_receipt(receipt).ok());
    REQUIRE(receipt.lines.size() == 1);
    CHECK(receipt.lines[0].reused->job == first);
    CHECK(receipt.lines[0].artifacts.at(0).blob == sha256("weights"));
    world.replay();
}

TEST_CASE("the provider whose result it was and the platform share what the answer costs") {
    Flows world;
    const JobId first = world.submit(pure_job()).value();
    const LeaseId lease = world.live().at(0);
    const ProviderId provider = world.market.state().attempts.at(lease).provider;
    CHECK(world.hear(provider, session::Started{lease}).ok());
    for (int minute = 0; minute < 50; ++minute) {
        world.advance(20s);
        CHECK(world.hear(provider, session::Alive{{lease}, false}).ok());
    }
    world.finish(lease, {{"model", "weights"}});
    const Lamports cost = world.job(first).charged;
    REQUIRE(cost == Lamports{4'004});
    const AccountId seller = world.market.state().providers.at(provider).account;
    const Lamports earned = world.balance(seller);
    const JobId second = world.submit(pure_job()).value();
    CHECK(world.job(second).charged == Lamports{400});
    CHECK(world.balance(seller) == earned + Lamports{360});
    CHECK(world.job(second).hold - world.job(second).charged == Lamports{999'600});
    world.replay();
}

TEST_CASE("an answer may be free, and one above the task's part of the hold is not taken") {
    for (const std::uint32_t basis_points : {0U, 10'000U}) {
        CAPTURE(basis_points);
        Settings settings;
        settings.cache_basis_points = basis_points;
        Flows world(settings);
        CHECK(world.submit(pure_job()).ok());
        const LeaseId lease = world.live().at(0);
        CHECK(world.hear(world.machine, session::Started{lease}).ok());
        world.clock += 300s;
        world.finish(lease, {{"model", "weights"}});
        const std::int64_t cost = 4 * 301;
        protocol::JobSpec rich = pure_job();
        rich.price.max_total = Lamports{cost};
        const JobId second = world.submit(rich).value();
        REQUIRE(world.task(second).reused.has_value());
        CHECK(world.job(second).charged == Lamports{basis_points == 0 ? 0 : cost});
        protocol::JobSpec poor = pure_job();
        poor.price.max_total = Lamports{cost - 1};
        const JobId third = world.submit(poor).value();
        CHECK(world.task(third).reused.has_value() == (basis_points == 0));
        CHECK(world.live().size() == (basis_points == 0 ? 0 : 1));
        world.replay();
    }
}

TEST_CASE("only the same task, asked for so, by the same account is answered") {
    Flows world;
    CHECK(world.submit(pure_job()).ok());
    world.finish(world.live().at(0), {{"model", "weights"}});
    const auto is_answered = [&](protocol::JobSpec spec) {
        const JobId id = world.submit(std::move(spec)).value();
        const bool answered = world.task(id).reused.has_value();
        CHECK(world.market.cancel(id, world.moment(), world.batch).ok());
        world.flush();
        return answered;
    };
    protocol::JobSpec spec = pure_job();
    CHECK(is_answered(spec));
    spec.cache = protocol::Cache::off;
    CHECK_FALSE(is_answered(spec));
    spec = pure_job();
    spec.command = {"./other"};
    CHECK_FALSE(is_answered(spec));
    spec = pure_job();
    spec.environment["SEED"] = "2";
    CHECK_FALSE(is_answered(spec));
    const AccountId stranger = world.account();
    CHECK(
        world.market
            .issue_credit(stranger, Lamports{World::wealth}, "theirs", world.moment(), world.batch)
            .ok());
    const JobId theirs =
        world.market.submit(stranger, pure_job(), world.moment(), world.batch).value();
    world.flush();
    CHECK_FALSE(world.task(theirs).reused);
    world.replay();
}

TEST_CASE("neither a failure nor a result without files answers another") {
    Flows world;
    CHECK(world.submit(pure_job()).ok());
    world.finish(world.live().at(0), {{"model", "half"}}, Reason::exit_code);
    CHECK(world.submit(pure_job()).ok());
    world.finish(world.live().at(0), {});
    const JobId third = world.submit(pure_job()).value();
    CHECK_FALSE(world.task(third).reused);
    world.replay();
}

TEST_CASE("a result is forgotten with its files, and kept by those whom it answered") {
    Flows world;
    const JobId first = world.submit(pure_job()).value();
    world.finish(world.live().at(0), {{"model", "weights"}});
    world.advance(limits::blob_retention - 1h);
    const JobId second = world.submit(pure_job()).value();
    CHECK(world.task(second).reused.has_value());
    world.advance(limits::blob_retention);
    CHECK(world.market.state().blobs.contains(sha256("weights")));
    world.advance(limits::sweep_delay + 1h);
    CHECK(world.market.state().blobs.empty());
    CHECK_FALSE(world.market.state().attempts.at(world.task(first).attempts.at(0)).identity);
    CHECK(world.store("weights").ok());  // the same bytes, but nobody knows what they were
    const JobId third = world.submit(pure_job()).value();
    CHECK_FALSE(world.task(third).reused);
    world.replay();
}

TEST_CASE("of a matrix only what was done before is answered, the rest is worked") {
    Flows world;
    CHECK(world.submit(pure_job(2)).ok());
    for (const LeaseId lease : world.live()) world.finish(lease, {{"model", "weights"}});
    const JobId second = world.submit(pure_job(3)).value();
    CHECK(world.task(second, 0).reused.has_value());
    CHECK(world.task(second, 1).reused.has_value());
    CHECK(world.task(second, 2).state == TaskState::leased);
    world.finish(world.live().at(0), {{"model", "third"}});
    CHECK(world.job(second).state == JobState::finished);
    world.replay();
}

TEST_CASE("a step is answered once its inputs are known, and so are those after it") {
    Flows world;
    protocol::WorkflowSpec spec = three_steps();
    for (auto& [name, step] : spec.steps) {
        step.determinism = protocol::Determinism::bits;
        step.cache = protocol::Cache::own_unverified;
        step.command = {"./" + name};
    }
    const WorkflowId first = world.submit_flow(spec).value();
    for (const char* name : {"prepare", "train", "judge"}) {
        world.finish(first, name, {{"model", name}});
    }
    const WorkflowId second = world.submit_flow(spec).value();
    CHECK(world.state(second) == JobState::finished);
    CHECK(world.step(second, "train").spec.inputs.at(0).blob == sha256("prepare"));
    CHECK(world.live().empty());
    world.replay();
}

}  // namespace
}  // namespace shoal::market
