// Tasks and steps that earlier results answer.

#include <doctest/doctest.h>

#include "market/flows_for_test.h"
#include "market/why.h"

namespace shoal::market {
namespace {

using namespace std::chrono_literals;
using protocol::JobState;
using protocol::Reason;
using protocol::TaskState;
namespace session = protocol::session;

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

/// A workflow whose steps may be answered by earlier results, and have been done once.
protocol::WorkflowSpec done_before(Flows& world) {
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
    return spec;
}

TEST_CASE("a step is answered once its inputs are known, and so are those after it") {
    Flows world;
    const WorkflowId second = world.submit_flow(done_before(world)).value();
    CHECK(world.state(second) == JobState::finished);
    CHECK(world.step(second, "train").spec.inputs.at(0).blob == sha256("prepare"));
    CHECK(world.live().empty());
    world.replay();
}

TEST_CASE("a step of an account that was frozen meanwhile is not answered, and so costs nothing") {
    Flows world;
    protocol::WorkflowSpec spec = done_before(world);
    spec.steps.at("prepare").command.emplace_back("--again");
    const WorkflowId second = world.submit_flow(spec).value();
    const auto freeze = [&](const std::optional<std::string>& why) {
        CHECK(world.market.freeze_account(world.buyer, why, world.moment(), world.batch).ok());
        world.flush();
    };
    freeze("unpaid bill");
    world.finish(second, "prepare", {{"model", "prepare"}});
    CHECK(world.step(second, "train").spec.inputs.at(0).blob == sha256("prepare"));
    CHECK(world.step(second, "train").state == JobState::open);
    CHECK(world.live().empty());
    freeze(std::nullopt);
    world.finish(second, "train", {{"model", "train"}});
    CHECK(world.state(second) == JobState::finished);  // the last is answered again
    world.replay();
}

}  // namespace
}  // namespace shoal::market
