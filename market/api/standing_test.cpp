#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include "market/api/served_for_test.h"

namespace shoal::market {
namespace {

using protocol::AccountView;
using protocol::AuditPage;
using protocol::LimitsView;
using protocol::StatementPage;

struct Office : Served {
    ApiAnswer put(std::string path, const std::string& secret, std::string body) {
        ApiRequest asked = request("PUT", std::move(path), secret);
        asked.body = std::move(body);
        return ask(asked);
    }

    ApiAnswer erase(AccountId account, const std::string& secret, bool gives_up) {
        ApiRequest asked = request("DELETE", path(account), secret);
        if (gives_up) asked.query["gives_up_balance"] = "true";
        return ask(asked);
    }

    static std::string path(AccountId account, std::string_view part = "") {
        return "/v1/accounts/" + to_string(account) + std::string(part);
    }
};

TEST_CASE("the operator sets an account's limits, the account its own, and jobs keep to them") {
    Office world;
    const std::string limits = Office::path(world.buyer, "/limits");
    const auto set = view<LimitsView>(
        world.put(limits, world.operator_key, R"({"budget_total":"5000000","jobs_open":2})"));
    CHECK(set.market.budget_total == Lamports{5'000'000});
    CHECK(set.most.blobs == limits::account_blobs);
    CHECK(set.used.spent == Lamports{2});
    CHECK(set.used.held == Lamports{1'000'000});
    CHECK(set.used.jobs_open == 1);
    const auto own = view<LimitsView>(world.put(limits, world.buyer_key, R"({"jobs_open":1})"));
    CHECK(own.market.jobs_open == 2U);
    CHECK(own.own.jobs_open == 1U);
    CHECK(own.most.jobs_open == 1U);
    const ApiAnswer refused = world.post("/v1/jobs", world.buyer_key, job_text());
    CHECK(refused.status == 402);
    CHECK(problem(refused).code == "exhausted");
    CHECK(problem(refused).path == "jobs_open");
    const ApiAnswer above = world.put(limits, world.buyer_key, R"({"jobs_open":3})");
    CHECK(above.status == 403);
    CHECK(problem(above).path == "jobs_open");
    CHECK(world.put(limits, world.other_key, "{}").status == 404);
    CHECK(world.put(limits, world.operator_key, R"({"jobs_open":-1})").status == 400);
    CHECK(view<LimitsView>(world.get(limits, world.buyer_key)).own.jobs_open == 1U);
    world.replay();
}

TEST_CASE("a key that asks too often is told when to ask again, and others are not held up") {
    Office world;
    const KeyId own = world.market.authenticate(world.buyer_key)->key;
    const std::string rate = "/v1/keys/" + to_string(own) + "/rate";
    CHECK(view<protocol::KeyView>(
              world.put(rate, world.operator_key, R"({"rate":{"per_second":2,"burst":3}})"))
              .rate == protocol::RequestRate{2, 3});
    for (int i = 0; i < 3; ++i) {
        CHECK(world.get("/v1/accounts/me", world.buyer_key).status == 200);
    }
    const ApiAnswer answer = world.get("/v1/accounts/me", world.buyer_key);
    CHECK(answer.status == 429);
    CHECK(problem(answer).code == "exhausted");
    CHECK(answer.headers.at("retry-after") == "1");
    const ApiRequest put = world.request(
        "PUT", "/v1/blobs/" + to_string(sha256(std::string_view("x"))), world.buyer_key);
    CHECK(std::get<ApiAnswer>(world.api.may_upload(put, 1, world.clock)).status == 429);
    CHECK(std::get<ApiAnswer>(
              world.api.enter(world.request("GET", "/v1/events", world.buyer_key), world.clock))
              .status == 429);
    CHECK(world.get("/v1/accounts/me", world.other_key).status == 200);
    CHECK(world.get("/v1/market", world.buyer_key).status == 200);
    world.clock += Duration{500};
    CHECK(world.get("/v1/accounts/me", world.buyer_key).status == 200);
    CHECK(world.get("/v1/accounts/me", world.buyer_key).status == 429);
    CHECK(world.put(rate, world.operator_key, R"({"rate":{"per_second":0,"burst":1}})").status ==
          400);
    CHECK(world.put(rate, world.operator_key, "{}").status == 200);
    CHECK(world.get("/v1/accounts/me", world.buyer_key).status == 200);
    world.replay();
}

TEST_CASE("requests without a valid key are limited too, by the address they come from") {
    Office world;
    ApiRequest stranger = world.request("GET", "/v1/jobs", "shoal_wrong");
    stranger.peer = "192.0.2.1";
    for (std::uint32_t i = 0; i < limits::strangers_burst; ++i) {
        REQUIRE(std::get<ApiAnswer>(world.api.enter(stranger, world.clock)).status == 401);
    }
    const ApiAnswer answer = std::get<ApiAnswer>(world.api.enter(stranger, world.clock));
    CHECK(answer.status == 429);
    CHECK(answer.headers.contains("retry-after"));
    ApiRequest neighbour = stranger;
    neighbour.peer = "192.0.2.2";
    CHECK(std::get<ApiAnswer>(world.api.enter(neighbour, world.clock)).status == 401);
    ApiRequest known = stranger;
    known.headers["authorization"] = "Bearer " + world.buyer_key;
    CHECK(world.ask(known).status == 200);
}

TEST_CASE("a frozen account may look, and begin nothing") {
    Office world;
    const std::string frozen = Office::path(world.buyer, "/frozen");
    const auto told = view<AccountView>(
        world.put(frozen, world.operator_key, R"({"frozen":true,"reason":"unpaid"})"));
    CHECK(told.frozen == "unpaid");
    CHECK(view<AccountView>(world.get("/v1/accounts/me", world.buyer_key)).frozen == "unpaid");
    CHECK(world.get("/v1/jobs", world.buyer_key).status == 200);
    CHECK(world.post("/v1/jobs", world.buyer_key, job_text()).status == 403);
    const std::string transfer = R"({"to":")" + to_string(world.other_buyer) + R"(","amount":"5"})";
    CHECK(world.post(Office::path(world.buyer, "/transfers"), world.buyer_key, transfer).status ==
          403);
    const ApiRequest put = world.request(
        "PUT", "/v1/blobs/" + to_string(sha256(std::string_view("x"))), world.buyer_key);
    CHECK(std::get<ApiAnswer>(world.api.may_upload(put, 1, world.clock)).status == 403);
    CHECK(world.put(frozen, world.operator_key, R"({"frozen":true})").status == 400);
    CHECK_FALSE(
        view<AccountView>(world.put(frozen, world.operator_key, R"({"frozen":false})")).frozen);
    CHECK(world.post("/v1/jobs", world.buyer_key, job_text()).status == 201);
    world.replay();
}

TEST_CASE("credit is given once, however often the same request comes") {
    Office world;
    const std::string transfers = Office::path(world.buyer, "/transfers");
    const std::string order = R"({"to":")" + to_string(world.other_buyer) + R"(","amount":"2500"})";
    const Lamports before = world.balance(world.buyer);
    const ApiAnswer first = world.post(transfers, world.buyer_key, order, "once");
    CHECK(first.status == 200);
    CHECK(world.post(transfers, world.buyer_key, order, "once").body == first.body);
    CHECK(world.balance(world.other_buyer) == Lamports{2'500});
    CHECK(before - world.balance(world.buyer) == Lamports{2'500});
    CHECK(world
              .post(transfers, world.buyer_key,
                    R"({"to":")" + to_string(world.buyer) + R"(","amount":"1"})")
              .status == 400);
    const ApiAnswer unknown =
        world.post(transfers, world.buyer_key, R"({"to":"acc_zz","amount":"1"})");
    CHECK(unknown.status == 404);
    CHECK(problem(unknown).path == "to");
    const ApiAnswer much =
        world.post(transfers, world.buyer_key,
                   R"({"to":")" + to_string(world.other_buyer) + R"(","amount":"9000000000000"})");
    CHECK(much.status == 402);
    CHECK(world.post(transfers, world.other_key, order).status == 404);
    CHECK(world.post(transfers, world.seller_key, order).status == 403);
    world.replay();
}

TEST_CASE("who wants to be forgotten is told what is in the way, and then is") {
    Office world;
    CHECK(world.erase(world.buyer, world.other_key, true).status == 404);
    const ApiAnswer open = world.erase(world.buyer, world.buyer_key, true);
    CHECK(open.status == 409);
    CHECK(problem(open).message.starts_with("1 jobs are open"));
    CHECK(world
              .post("/v1/jobs/" + to_string(world.waiting) + "/cancel", world.operator_key, "",
                    "by the operator")
              .status == 200);
    CHECK(world.erase(world.buyer, world.buyer_key, false).status == 409);
    const ApiAnswer done = world.erase(world.buyer, world.buyer_key, true);
    CHECK(done.status == 200);
    CHECK(view<AccountView>(done).erased);
    CHECK(world.get("/v1/accounts/me", world.buyer_key).status == 401);
    CHECK(world.get(Office::path(world.buyer), world.operator_key).status == 200);
    CHECK(world.get("/v1/jobs/" + to_string(world.done), world.operator_key).status == 200);
    const ApiAnswer receipt =
        world.get("/v1/jobs/" + to_string(world.done) + "/receipt", world.operator_key);
    CHECK(receipt.status == 404);
    CHECK(problem(receipt).message.starts_with("the receipt is gone"));
    for (const auto& [name, answered] : world.market.state().answered) {
        CHECK(answered.answer.find(to_string(world.buyer)) == std::string::npos);
    }
    world.replay();
}

TEST_CASE("what an operator changed is noted, with no secret, and what others did is not") {
    Office world;
    const auto audit = [&](std::map<std::string, std::string> query = {}) {
        return view<AuditPage>(world.get("/v1/audit", world.operator_key, std::move(query)));
    };
    CHECK(audit().items.empty());
    CHECK(world.post("/v1/accounts", world.operator_key, "").status == 201);
    const AccountId made = audit().items.at(0).subject.empty()
                               ? AccountId{}
                               : parse_id<AccountTag>(audit().items.at(0).subject).value();
    CHECK(audit().items.at(0).route == "POST /v1/accounts");
    CHECK(world.market.state().accounts.contains(made));
    const ApiAnswer key =
        world.post(Office::path(made, "/keys"), world.operator_key, R"({"role":"buyer"})");
    const auto shown = view<protocol::KeyView>(key);
    world.put(Office::path(made, "/weight"), world.operator_key, R"( {"weight": 7} )");
    // What changes nothing, is refused, or is another's is no operator's action.
    world.put(Office::path(made, "/weight"), world.operator_key, R"({"weight":7})");
    world.put(Office::path(made, "/weight"), world.operator_key, R"({"weight":0})");
    world.get("/v1/accounts", world.operator_key);
    world.post("/v1/jobs", world.buyer_key, job_text());
    const AuditPage page = audit();
    REQUIRE(page.items.size() == 3);
    CHECK(page.items.at(0).route == "PUT /v1/accounts/{account}/weight");
    CHECK(page.items.at(0).subject == to_string(made));
    CHECK(page.items.at(0).detail == R"({"weight":7})");
    CHECK(page.items.at(0).key == world.market.authenticate(world.operator_key)->key);
    CHECK(page.items.at(0).at == world.clock);
    CHECK(page.items.at(1).subject == to_string(made) + " " + to_string(shown.key));
    CHECK(write_state(world.market.snapshot()).find(*shown.secret) == std::string::npos);
    CHECK(audit({{"subject", to_string(shown.key)}}).items.size() == 1);
    CHECK(audit({{"subject", to_string(world.buyer)}}).items.empty());
    // In pages, newest first.
    const AuditPage first = audit({{"limit", "2"}});
    CHECK(first.items.size() == 2);
    REQUIRE(first.next);
    const AuditPage rest = audit({{"limit", "2"}, {"cursor", *first.next}});
    REQUIRE(rest.items.size() == 1);
    CHECK(rest.items.at(0).action == page.items.at(2).action);
    CHECK_FALSE(rest.next);
    CHECK(world.get("/v1/audit", world.buyer_key).status == 403);
    world.replay();
}

TEST_CASE("a statement of a part of the time has its lines, and their balances") {
    Office world;
    const std::string path = Office::path(world.buyer, "/statement");
    const auto all = view<StatementPage>(world.get(path, world.buyer_key)).items;
    REQUIRE(all.size() > 4);
    const auto ms = [](Time time) { return std::to_string(time.time_since_epoch().count()); };
    const Time middle = all.at(all.size() / 2).transfer.at;
    const auto before =
        view<StatementPage>(world.get(path, world.buyer_key, {{"until", ms(middle)}})).items;
    std::vector<protocol::StatementLine> after;
    std::map<std::string, std::string> query{{"since", ms(middle)}, {"limit", "1"}};
    for (;;) {
        const auto page = view<StatementPage>(world.get(path, world.buyer_key, query));
        after.insert(after.end(), page.items.begin(), page.items.end());
        if (!page.next) break;
        query["cursor"] = *page.next;
    }
    std::vector<protocol::StatementLine> whole = before;
    whole.insert(whole.end(), after.begin(), after.end());
    CHECK(whole == all);
    CHECK_FALSE(before.empty());
    Lamports sum;
    for (const auto& line : whole) sum = sum + line.change;
    CHECK(sum == world.balance(world.buyer));
    CHECK(whole.back().balance == sum);
    CHECK(world.get(path, world.buyer_key, {{"since", "soon"}}).status == 400);
    CHECK(view<StatementPage>(world.get(path, world.buyer_key, {{"since", ms(Time::max())}}))
              .items.empty());
}

}  // namespace
}  // namespace shoal::market
