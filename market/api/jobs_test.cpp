// What the API tells of jobs, providers, blobs and itself.

#include <algorithm>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <doctest/doctest.h>

#include "market/api/served_for_test.h"

namespace shoal::market {
namespace {

TEST_CASE("a finished job tells its money, its best task and its receipt") {
    Served world;
    const std::string path = "/v1/jobs/" + to_string(world.done);
    const auto job = view<protocol::JobView>(world.get(path, world.buyer_key));
    CHECK(job.state == protocol::JobState::finished);
    CHECK(job.tasks.accepted == 2);
    CHECK(job.progress == 1);
    CHECK(job.hold == job.charged + job.released);
    CHECK(job.charged == Lamports{2});  // a core second costs one
    REQUIRE(job.best);
    CHECK(job.best->value == 0.25);
    CHECK(job.spec->name == "job");
    const auto receipt = view<protocol::Receipt>(world.get(path + "/receipt", world.buyer_key));
    CHECK(protocol::verify_receipt(receipt).ok());
    CHECK(receipt.charged == job.charged);
    const auto ranked =
        view<protocol::TaskPage>(world.get(path + "/tasks", world.buyer_key, {{"sort", "rank"}}));
    CHECK(ranked.items.at(0).task == job.best->task);
    CHECK(ranked.items.at(0).rank == 1);
    CHECK(ranked.items.at(1).rank == 2);
    const auto tries = view<protocol::AttemptPage>(world.get(path + "/attempts", world.buyer_key));
    CHECK(tries.items.size() == 2);
    CHECK(tries.items.at(0).ran == Duration{1'000});
    const auto reason = view<protocol::JobWhy>(world.get(path + "/why", world.buyer_key));
    CHECK(reason.reason == protocol::Reason::completed);
    CHECK(reason.sentence == "the work is done");
}

TEST_CASE("a job that waits says for what, a provider why it gets no work") {
    Served world;
    const auto job = view<protocol::JobWhy>(
        world.get("/v1/jobs/" + to_string(world.waiting) + "/why", world.buyer_key));
    CHECK(job.position == 1);
    CHECK(job.fit == 0);
    CHECK(job.sentence.find("cores") != std::string::npos);
    CHECK(job.help.at(0) == "ask for fewer cores");
    const auto lacks = [](const auto& list, std::string_view name) {
        return std::ranges::find(list, name, &protocol::Requirement::name)->pass;
    };
    CHECK(lacks(job.requirements, "online") == 1);
    CHECK(lacks(job.requirements, "cores") == 0);
    CHECK(lacks(job.requirements, "memory") == 1);
    const std::string path = "/v1/providers/" + to_string(world.machine) + "/why";
    const auto provider = view<protocol::ProviderWhy>(world.get(path, world.seller_key));
    CHECK(provider.tasks_waiting == 1);
    CHECK(provider.tasks_fit == 0);
    CHECK(lacks(provider.requirements, "cores") == 0);
    CHECK(provider.help.at(0) == "offer more cores");
    world.market.leave(world.machine);
    CHECK(view<protocol::JobWhy>(
              world.get("/v1/jobs/" + to_string(world.waiting) + "/why", world.buyer_key))
              .sentence == "no provider is online");
}

TEST_CASE("a receipt is there once the job has ended, a cancelled job stays cancelled") {
    Served world;
    const std::string path = "/v1/jobs/" + to_string(world.waiting);
    CHECK(world.get(path + "/receipt", world.buyer_key).status == 404);
    const auto job = view<protocol::JobView>(world.post(path + "/cancel", world.buyer_key, ""));
    CHECK(job.state == protocol::JobState::cancelled);
    CHECK(job.released == job.hold);
    CHECK(world.post(path + "/cancel", world.buyer_key, "").status == 200);
    CHECK(world.get(path + "/receipt", world.buyer_key).status == 200);
}

TEST_CASE("a quote names the cheapest and the dearest, rounded up once at the total") {
    Served world;
    world.provider(8, core_price(7'201));
    protocol::JobSpec spec = simple_job(3);
    spec.limits.time.length = Duration{1'000};
    const auto quote =
        view<protocol::Quote>(world.post("/v1/quotes", world.buyer_key, json::print(spec)));
    CHECK(quote.tasks == 3);
    CHECK(quote.providers_online == 2);
    CHECK(quote.providers_fit == 2);
    CHECK(quote.cheapest_task == Lamports{1});
    CHECK(quote.cheapest_total == Lamports{3});
    CHECK(quote.dearest_task == Lamports{3});   // 2.0003
    CHECK(quote.dearest_total == Lamports{7});  // 6.0008
    CHECK(quote.verify == "none: the result is not checked");
    spec.resources.cores = 100;
    const auto none =
        view<protocol::Quote>(world.post("/v1/quotes", world.buyer_key, json::print(spec)));
    CHECK(none.providers_fit == 0);
    CHECK_FALSE(none.cheapest_task);
}

TEST_CASE("what an attempt says while it runs is shown: log, metrics, progress") {
    Served world;
    const JobId id = world.submit(simple_job()).value();
    const LeaseId lease = world.live().at(0);
    CHECK(world.hear(world.machine, protocol::session::Started{lease}).ok());
    world.lively.hear({lease, 0, "hello\n", {{1, {{"loss", 0.5}}}}, 0.5});
    const std::string log = "/v1/attempts/" + to_string(lease) + "/log";
    const ApiAnswer first = world.get(log, world.buyer_key);
    CHECK(first.body == "hello\n");
    CHECK(first.headers.at("shoal-log-live") == "true");
    CHECK(world.get(log, world.buyer_key, {{"from", first.headers.at("shoal-log-next")}})
              .body.empty());
    CHECK(world.get(log, world.buyer_key, {{"from", "x"}}).status == 400);
    const std::string path = "/v1/jobs/" + to_string(id);
    const auto metrics = view<protocol::MetricsView>(world.get(path + "/metrics", world.buyer_key));
    CHECK(metrics.series.at(0).name == "loss");
    CHECK(metrics.series.at(0).values == std::vector<double>{0.5});
    CHECK(view<protocol::JobView>(world.get(path, world.buyer_key)).progress == 0.5);
    const auto task =
        view<protocol::TaskPage>(world.get(path + "/tasks", world.buyer_key)).items.at(0);
    CHECK(task.phase == "running");
    CHECK(task.metrics.at("loss") == 0.5);
    CHECK(world.get(path + "/metrics", world.buyer_key, {{"task", "task_zzz"}}).status == 404);
}

// --- providers, blobs, service -----------------------------------------------------------------

TEST_CASE("a provider is shown to all, what it earned to its owner alone") {
    Served world;
    const std::string path = "/v1/providers/" + to_string(world.machine);
    const auto shown = view<protocol::ProviderView>(world.get(path, world.buyer_key));
    CHECK(shown.online);
    CHECK(shown.free.cores == 4);
    CHECK(shown.attempts_accepted == 2);
    CHECK_FALSE(shown.earned);
    CHECK_FALSE(shown.account);
    CHECK(view<protocol::ProviderView>(world.get(path, world.seller_key)).earned == Lamports{2});
}

TEST_CASE("a blob is uploaded by its account and read by nobody else") {
    Served world;
    const Hash hash = sha256(std::string_view("bytes"));
    const std::string path = "/v1/blobs/" + to_string(hash);
    CHECK(world.api.kind("PUT", path) == RouteKind::upload);
    const ApiRequest put = world.request("PUT", path, world.buyer_key);
    const auto granted = world.api.may_upload(put, 5, world.clock);
    REQUIRE(std::holds_alternative<UploadGrant>(granted));
    const auto& grant = std::get<UploadGrant>(granted);
    CHECK_FALSE(grant.is_known);
    CHECK(world.get(path, world.buyer_key).status == 404);
    CHECK(world.api.uploaded(put, grant, world.moment(), world.batch).status == 201);
    const ApiAnswer read = world.get(path, world.buyer_key);
    REQUIRE(read.blob);
    CHECK(read.blob->size_bytes == 5);
    CHECK(world.get(path, world.other_key).status == 404);
    CHECK(std::get<UploadGrant>(world.api.may_upload(put, 5, world.clock)).is_known);
    const auto size = limits::blob.bytes + 1;
    CHECK(std::get<ApiAnswer>(world.api.may_upload(put, size, world.clock)).status == 413);
}

TEST_CASE("a provider uploads its live attempt's outputs for the buyer, within the job's limits") {
    Served world;
    protocol::JobSpec spec = simple_job();
    spec.limits.output = {100};
    spec.limits.log = {10};
    CHECK(world.submit(spec).ok());
    const LeaseId lease = world.live().at(0);
    const auto put = [&](std::string_view bytes, LeaseId of, std::uint64_t size) {
        ApiRequest asked =
            world.request("PUT", "/v1/blobs/" + to_string(sha256(bytes)), world.seller_key);
        asked.headers["shoal-lease"] = to_string(of);
        return world.api.may_upload(asked, size, world.clock);
    };
    CHECK(std::get<UploadGrant>(put("a", lease, 60)).account == world.buyer);
    CHECK(std::get<UploadGrant>(put("a", lease, 60)).account == world.buyer);
    CHECK(std::get<ApiAnswer>(put("b", lease, 51)).status == 507);
    CHECK(std::holds_alternative<UploadGrant>(put("b", lease, 50)));
    CHECK(std::get<ApiAnswer>(put("c", world.finished_lease, 1)).status == 409);
    CHECK(std::get<ApiAnswer>(put("c", LeaseId{999}, 1)).status == 404);
    ApiRequest stranger = world.request(
        "PUT", "/v1/blobs/" + to_string(sha256(std::string_view("a"))), world.other_key);
    stranger.headers["shoal-lease"] = to_string(lease);
    CHECK(std::get<ApiAnswer>(world.api.may_upload(stranger, 1, world.clock)).status == 404);
}

TEST_CASE("a WebSocket's path lets in by key and role, and answers no plain request") {
    Served world;
    CHECK(world.api.kind("GET", "/v1/events") == RouteKind::socket);
    const auto entered =
        world.api.enter(world.request("GET", "/v1/session", world.seller_key), world.clock);
    CHECK(std::get<Principal>(entered).account == world.seller);
    CHECK(std::get<ApiAnswer>(
              world.api.enter(world.request("GET", "/v1/session", world.buyer_key), world.clock))
              .status == 403);
    CHECK(std::get<ApiAnswer>(world.api.enter(world.request("GET", "/v1/events"), world.clock))
              .status == 401);
    CHECK(world.get("/v1/events", world.buyer_key).status == 426);
}

TEST_CASE("the market is ready when it is told so, and open about its numbers to those trusted") {
    Served world;
    CHECK(world.get("/healthz", "").status == 200);
    CHECK(world.get("/readyz", "").status == 503);
    world.api.set_missing("");
    CHECK(world.get("/readyz", "").status == 200);
    ApiRequest asked = world.request("GET", "/metrics");
    CHECK(world.ask(asked).status == 401);
    asked.is_trusted = true;
    const ApiAnswer answer = world.ask(asked);
    CHECK(answer.status == 200);
    CHECK(answer.body.find("shoal_jobs{state=\"finished\"} 1\n") != std::string::npos);
    CHECK(answer.body.find("shoal_attempts_ended_total{reason=\"completed\"} 2\n") !=
          std::string::npos);
    CHECK(answer.body.ends_with("# EOF\n"));
    CHECK(view<protocol::MarketView>(world.get("/v1/market", "")).key == world.market.key());
}

}  // namespace
}  // namespace shoal::market
