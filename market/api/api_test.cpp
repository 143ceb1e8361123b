#include "market/api/api.h"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

#include "market/api/served_for_test.h"

namespace shoal::market {
namespace {

std::string body_for(std::string_view pattern) {
    if (pattern.ends_with("/limits")) return "{}";
    if (pattern.ends_with("/transfers")) return R"({"to":"acc_1","amount":"1"})";
    return R"({"role":"buyer"})";
}

// --- every route -------------------------------------------------------------------------------

TEST_CASE("every route but the open ones refuses to answer without a key") {
    Served world;
    for (const Route& route : routes()) {
        if (route.access == Access::anyone) continue;
        CAPTURE(route.pattern);
        for (const std::string& secret : {std::string(), std::string("shoal_wrong")}) {
            const ApiAnswer answer = world.ask(
                world.request(std::string(route.method), world.filled(route.pattern), secret));
            CHECK(answer.status == 401);
            CHECK(problem(answer).code == "denied");
            CHECK(answer.headers.at("www-authenticate") == "Bearer");
        }
    }
}

TEST_CASE("every route refuses keys of another role") {
    Served world;
    for (const Route& route : routes()) {
        CAPTURE(route.pattern);
        const std::string* wrong = route.access == Access::buyer       ? &world.seller_key
                                   : route.access == Access::provider  ? &world.buyer_key
                                   : route.access == Access::operators ? &world.buyer_key
                                                                       : nullptr;
        if (!wrong) continue;
        const ApiAnswer answer = world.ask(
            world.request(std::string(route.method), world.filled(route.pattern), *wrong));
        CHECK(answer.status == 403);
        CHECK(problem(answer).code == "denied");
    }
}

TEST_CASE("what is another account's is answered like what does not exist") {
    Served world;
    world.begin_flow();
    for (const Route& route : routes()) {
        if (route.pattern.find('{') == std::string_view::npos || !route.handler) continue;
        const bool is_open = route.pattern == "/v1/providers/{provider}";
        const bool is_own = route.pattern == "/v1/secrets/{name}";  // always of whoever asks
        if (route.access == Access::operators || is_open || is_own) continue;
        CAPTURE(route.pattern);
        const std::string theirs = world.filled(route.pattern);
        std::string nobodys = theirs;
        const auto last = nobodys.find('_');
        if (last != std::string::npos) {
            const auto rest = nobodys.find('/', last);
            nobodys = nobodys.substr(0, last + 1) + "zzz" +
                      (rest == std::string::npos ? "" : nobodys.substr(rest));
        }
        ApiRequest first = world.request(std::string(route.method), theirs, world.other_key);
        ApiRequest second = world.request(std::string(route.method), nobodys, world.other_key);
        if (route.request) first.body = second.body = body_for(route.pattern);
        const ApiAnswer given = world.ask(first);
        CHECK(given.status == 404);
        CHECK(given.body == world.ask(second).body);
    }
}

TEST_CASE("every route that answers answers its owner, in the form that it documents") {
    Served world;
    world.begin_flow();
    for (const Route& route : routes()) {
        if (route.method != "GET" || !route.handler) continue;
        if (route.pattern == "/readyz" || route.pattern == "/v1/blobs/{hash}") continue;
        if (route.pattern == "/v1/attempts/{lease}/log") continue;
        CAPTURE(route.pattern);
        const ApiAnswer answer = world.get(world.filled(route.pattern), world.operator_key);
        CHECK(answer.status == route.status);
        CHECK(answer.headers.at("content-type") == route.content_type);
        CHECK(answer.headers.at("cache-control") == "no-store");
        const bool is_json = json::parse(answer.body, 16 << 20).ok();
        CHECK(is_json == (route.response != nullptr));
    }
}

TEST_CASE("routes are distinct, and each pattern fits itself") {
    std::set<std::pair<std::string_view, std::string_view>> seen;
    for (const Route& route : routes()) {
        CHECK(seen.emplace(route.method, route.pattern).second);
        CHECK(find_route(route.method, route.pattern) == &route);
        CHECK_FALSE(route.summary.empty());
    }
}

// --- refusals ----------------------------------------------------------------------------------

TEST_CASE("a path that does not exist names the nearest one") {
    Served world;
    const ApiAnswer answer = world.get("/v1/jbos", world.buyer_key);
    CHECK(answer.status == 404);
    CHECK(problem(answer).hint == "did you mean /v1/jobs?");
    CHECK(problem(world.get("/v1/jobs/job_1/taks", world.buyer_key)).hint ==
          "did you mean /v1/jobs/job_1/tasks?");
    CHECK(problem(world.get("/", "")).hint.empty());
}

TEST_CASE("a method that a path does not have is refused with those that it has") {
    Served world;
    const ApiAnswer answer = world.ask(world.request("DELETE", "/v1/jobs", world.buyer_key));
    CHECK(answer.status == 405);
    CHECK(answer.headers.at("allow") == "POST, GET, HEAD");
    CHECK(problem(answer).code == "unsupported");
}

TEST_CASE("an unknown key of a body is refused with the nearest known one") {
    Served world;
    const ApiAnswer answer =
        world.post("/v1/jobs", world.buyer_key, R"({"name":"x","comand":["a"]})");
    CHECK(answer.status == 400);
    CHECK(problem(answer).code == "invalid");
    CHECK(problem(answer).path == "comand");
    CHECK(problem(answer).hint == "did you mean command?");
}

TEST_CASE("a bad value of a body is refused with its place") {
    Served world;
    const auto refused = problem(world.post(
        "/v1/jobs", world.buyer_key, R"({"name":"x","command":["a"],"resources":{"memory":-1}})"));
    CHECK(refused.path == "resources.memory");
    CHECK(refused.message == R"(resources.memory: expected a size like "4GiB", got -1)");
    CHECK(problem(world.post("/v1/jobs", world.buyer_key, "{")).code == "invalid");
    CHECK(problem(world.post("/v1/jobs", world.buyer_key, "")).code == "invalid");
}

TEST_CASE("a body of another type, or one that is too long, is refused") {
    Served world;
    ApiRequest asked = world.request("POST", "/v1/jobs", world.buyer_key);
    asked.body = job_text();
    asked.headers["content-type"] = "application/x-www-form-urlencoded";
    CHECK(world.ask(asked).status == 415);
    asked.headers["content-type"] = "application/json; charset=utf-8";
    CHECK(world.ask(asked).status == 201);
    CHECK(world.post("/v1/jobs", world.buyer_key, std::string((1 << 20) + 1, ' ')).status == 413);
    CHECK(world.post("/v1/accounts", world.operator_key, R"({"x":1})").status == 400);
}

TEST_CASE("an unknown query parameter is refused with the nearest known one") {
    Served world;
    const ApiAnswer answer = world.get("/v1/jobs", world.buyer_key, {{"stat", "open"}});
    CHECK(answer.status == 400);
    CHECK(problem(answer).hint == "did you mean state?");
    CHECK(world.get("/v1/jobs", world.buyer_key, {{"state", "lost"}}).status == 400);
}

TEST_CASE("too little credit is 402, and has changed nothing") {
    Served world;
    const std::size_t jobs = world.market.state().jobs.size();
    const ApiAnswer answer = world.post("/v1/jobs", world.other_key, job_text());
    CHECK(answer.status == 402);
    CHECK(problem(answer).code == "exhausted");
    CHECK(problem(answer).message == "the job sets 0.001 credit aside, and 0 credit is available");
    CHECK(world.market.state().jobs.size() == jobs);
}

// --- idempotency -------------------------------------------------------------------------------

TEST_CASE("a POST that comes again with its Idempotency-Key gets the first answer") {
    Served world;
    const ApiAnswer first = world.post("/v1/jobs", world.buyer_key, job_text(), "k1");
    CHECK(first.status == 201);
    CHECK_FALSE(first.headers.contains("idempotent-replay"));
    const Lamports left = world.balance(world.buyer);
    const std::size_t jobs = world.market.state().jobs.size();
    const ApiAnswer again = world.post("/v1/jobs", world.buyer_key, job_text(), "k1");
    CHECK(again.status == 201);
    CHECK(again.body == first.body);
    CHECK(again.headers.at("idempotent-replay") == "true");
    CHECK(world.market.state().jobs.size() == jobs);
    CHECK(world.balance(world.buyer) == left);
    world.replay();
}

TEST_CASE("an Idempotency-Key of another request is a conflict, for another account it is free") {
    Served world;
    CHECK(world.post("/v1/jobs", world.buyer_key, job_text("a"), "k1").status == 201);
    const ApiAnswer other = world.post("/v1/jobs", world.buyer_key, job_text("b"), "k1");
    CHECK(other.status == 409);
    CHECK(problem(other).code == "conflict");
    CHECK(world.post("/v1/quotes", world.buyer_key, job_text("b"), "k1").status == 200);
    CHECK(world.post("/v1/quotes", world.other_key, job_text("b"), "k1").status == 200);
    const std::string cancel = "/cancel";
    CHECK(
        world.post("/v1/jobs/" + to_string(world.done) + cancel, world.buyer_key, "", "c").status ==
        200);
    CHECK(world.post("/v1/jobs/" + to_string(world.waiting) + cancel, world.buyer_key, "", "c")
              .status == 409);
}

TEST_CASE("an Idempotency-Key is forgotten after a day") {
    Served world;
    CHECK(world.post("/v1/jobs", world.buyer_key, job_text("a"), "k1").status == 201);
    world.advance(limits::idempotency_life);
    CHECK(world.post("/v1/jobs", world.buyer_key, job_text("b"), "k1").status == 201);
}

TEST_CASE("a refusal is not remembered, a bad key is refused") {
    Served world;
    CHECK(world.post("/v1/jobs", world.other_key, job_text(), "k1").status == 402);
    CHECK(
        world.market
            .issue_credit(world.other_buyer, Lamports{5'000'000}, "x", world.moment(), world.batch)
            .ok());
    CHECK(world.post("/v1/jobs", world.other_key, job_text(), "k1").status == 201);
    CHECK(world.post("/v1/jobs", world.buyer_key, job_text(), std::string(201, 'k')).status == 400);
}

TEST_CASE("credit is issued once for one Idempotency-Key") {
    Served world;
    const std::string path = "/v1/accounts/" + to_string(world.other_buyer) + "/credit";
    for (int i = 0; i < 2; ++i) {
        const auto account = view<protocol::AccountView>(
            world.post(path, world.operator_key, R"({"amount":"0.002SOL"})", "k"));
        CHECK(account.available == Lamports{2'000'000});
    }
    CHECK(world.post(path, world.operator_key, R"({"amount":"0"})").status == 400);
    CHECK(view<protocol::AccountView>(world.post(path, world.operator_key, R"({"amount":"1"})"))
              .available == Lamports{2'000'001});
    CHECK(view<protocol::Books>(world.get("/v1/books", world.operator_key)).sum == Lamports{});
}

TEST_CASE("the secret of a new key is shown once and kept nowhere") {
    Served world;
    const std::string path = "/v1/accounts/" + to_string(world.buyer) + "/keys";
    const ApiAnswer first = world.post(path, world.buyer_key, R"({"role":"buyer"})", "k");
    const auto made = view<protocol::KeyView>(first);
    REQUIRE(made.secret);
    const auto again =
        view<protocol::KeyView>(world.post(path, world.buyer_key, R"({"role":"buyer"})", "k"));
    CHECK(again.key == made.key);
    CHECK_FALSE(again.secret);
    for (const auto& [name, body] : world.journal)
        CHECK(body.find(*made.secret) == std::string::npos);
    CHECK(world.get("/v1/accounts/me", *made.secret).status == 200);
    CHECK(world.ask(world.request("DELETE", "/v1/keys/" + to_string(made.key), world.other_key))
              .status == 404);
    CHECK(world.ask(world.request("DELETE", "/v1/keys/" + to_string(made.key), *made.secret))
              .status == 200);
    CHECK(world.get("/v1/accounts/me", *made.secret).status == 401);
}

TEST_CASE("a key makes no key that may do more than itself") {
    Served world;
    const std::string path = "/v1/accounts/" + to_string(world.buyer) + "/keys";
    const std::string wanted = json::print(protocol::KeyRequest{Role::operator_});
    CHECK(world.post(path, world.buyer_key, wanted).status == 403);
    CHECK(world.post(path, world.operator_key, wanted).status == 201);
}

// --- pages -------------------------------------------------------------------------------------

TEST_CASE("a list is walked page by page, everything comes once") {
    Served world;
    protocol::JobSpec spec = simple_job(23);
    const JobId many = world.submit(spec).value();
    const std::string path = "/v1/jobs/" + to_string(many) + "/tasks";
    std::set<TaskId> seen;
    std::optional<std::string> cursor;
    int pages = 0;
    do {
        std::map<std::string, std::string> query{{"limit", "5"}};
        if (cursor) query["cursor"] = *cursor;
        const auto page = view<protocol::TaskPage>(world.get(path, world.buyer_key, query));
        for (const auto& task : page.items) CHECK(seen.insert(task.task).second);
        cursor = page.next;
        ++pages;
    } while (cursor);
    CHECK(seen.size() == 23);
    CHECK(pages == 5);
}

TEST_CASE("jobs come newest first, the states and the accounts apart") {
    Served world;
    for (int i = 0; i < 4; ++i) CHECK(world.submit(simple_job()).ok());
    const auto first =
        view<protocol::JobPage>(world.get("/v1/jobs", world.buyer_key, {{"limit", "4"}}));
    CHECK(first.items.size() == 4);
    CHECK(first.items.front().job > first.items.back().job);
    CHECK_FALSE(first.items.front().spec);
    const auto rest = view<protocol::JobPage>(
        world.get("/v1/jobs", world.buyer_key, {{"limit", "4"}, {"cursor", *first.next}}));
    CHECK(rest.items.size() == 2);
    CHECK(rest.items.back().job == world.done);
    CHECK_FALSE(rest.next);
    const auto finished =
        view<protocol::JobPage>(world.get("/v1/jobs", world.buyer_key, {{"state", "finished"}}));
    CHECK(finished.items.size() == 1);
    CHECK(view<protocol::JobPage>(world.get("/v1/jobs", world.other_key)).items.empty());
    CHECK(view<protocol::JobPage>(world.get("/v1/jobs", world.operator_key)).items.size() == 6);
}

TEST_CASE("a cursor that is made up, or of another list, is refused") {
    Served world;
    const auto page =
        view<protocol::JobPage>(world.get("/v1/jobs", world.buyer_key, {{"limit", "1"}}));
    CHECK(world.get("/v1/providers", world.buyer_key, {{"cursor", *page.next}}).status == 400);
    std::string changed = *page.next;
    changed.back() = changed.back() == '2' ? '3' : '2';
    CHECK(problem(world.get("/v1/jobs", world.buyer_key, {{"cursor", changed}})).path == "cursor");
    for (const std::string text : {"", "x", "000000000000", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"}) {
        CHECK(world.get("/v1/jobs", world.buyer_key, {{"cursor", text}}).status == 400);
    }
    for (const std::string text : {"", "0", "-1", "501", "5x", "99999999999999999999999"}) {
        CHECK(world.get("/v1/jobs", world.buyer_key, {{"limit", text}}).status == 400);
    }
}

TEST_CASE("a statement is walked like any list, its last line is the balance") {
    Served world;
    const std::string path = "/v1/accounts/" + to_string(world.buyer) + "/statement";
    std::vector<protocol::StatementLine> lines;
    std::map<std::string, std::string> query{{"limit", "1"}};
    for (bool more = true; more;) {
        const auto page = view<protocol::StatementPage>(world.get(path, world.buyer_key, query));
        lines.insert(lines.end(), page.items.begin(), page.items.end());
        more = page.next.has_value();
        if (more) query["cursor"] = *page.next;
    }
    CHECK(lines.size() == 6);  // credit, hold, two charges of it, its rest, hold
    CHECK(lines.back().balance == world.balance(world.buyer));
}

}  // namespace
}  // namespace shoal::market
