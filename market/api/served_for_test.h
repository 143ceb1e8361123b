#pragma once

// A market behind its API, for tests: keys of every role, a job that is done and one that waits.

#include <map>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "core/json.h"
#include "market/api/api.h"
#include "market/world_for_test.h"
#include "protocol/api.h"
#include "protocol/api_market.h"

namespace shoal::market {

using protocol::Role;

/// A market with two buyers, a provider and an operator, one job that is done and one that waits.
class Served : public World {
public:
    explicit Served(Settings settings = {}) : World(settings) {
        other_buyer = account();
        machine = provider(4, core_price(3'600));
        seller = market.state().providers.at(machine).account;
        buyer_key = key(buyer, Role::buyer);
        other_key = key(other_buyer, Role::buyer);
        seller_key = key(seller, Role::provider);
        operator_key = key(account(), Role::operator_);
        protocol::JobSpec spec = simple_job(2);
        spec.result = protocol::ResultRule{"loss", protocol::Best::min};
        done = submit(spec).value();
        const auto leases = live();
        work(leases.at(0), Duration{1'000}, {{"loss", 0.5}});
        work(leases.at(1), Duration{1'000}, {{"loss", 0.25}});
        protocol::JobSpec big = simple_job();
        big.resources.cores = 64;
        waiting = submit(big).value();
        finished_lease = leases.at(0);
    }

    std::string key(AccountId id, Role role) {
        const std::string secret = market.create_key(id, role, moment(), batch).value().secret;
        flush();
        return secret;
    }

    ApiRequest request(std::string method, std::string path, const std::string& secret = "") const {
        ApiRequest asked;
        asked.method = std::move(method);
        asked.path = std::move(path);
        asked.request_id = "req-1";
        if (!secret.empty()) asked.headers["authorization"] = "Bearer " + secret;
        return asked;
    }

    ApiAnswer ask(const ApiRequest& asked) {
        ApiAnswer answer = api.handle(asked, moment(), batch);
        flush();
        return answer;
    }

    ApiAnswer get(std::string path, const std::string& secret,
                  std::map<std::string, std::string> query = {}) {
        ApiRequest asked = request("GET", std::move(path), secret);
        asked.query = std::move(query);
        return ask(asked);
    }

    ApiAnswer post(std::string path, const std::string& secret, std::string body,
                   const std::string& idempotency_key = "") {
        ApiRequest asked = request("POST", std::move(path), secret);
        asked.body = std::move(body);
        asked.headers["content-type"] = "application/json";
        if (!idempotency_key.empty()) asked.headers["idempotency-key"] = idempotency_key;
        return ask(asked);
    }

    /// Two steps of the first buyer, of which one waits for the other.
    void begin_flow() {
        protocol::WorkflowSpec spec;
        spec.name = "flow";
        spec.steps["first"] = simple_job();
        spec.steps["second"] = simple_job();
        spec.steps["second"].needs["first"] = {};
        flow = market.submit_workflow(buyer, std::move(spec), moment(), batch).value();
        flush();
    }

    /// A path of the route that names things of the first buyer and its provider.
    std::string filled(std::string_view pattern) const {
        std::string path(pattern);
        const auto fill = [&](std::string_view name, const std::string& text) {
            const auto at = path.find(name);
            if (at != std::string::npos) path.replace(at, name.size(), text);
        };
        fill("{account}", to_string(buyer));
        fill("{key}", to_string(market.state().keys.begin()->first));
        fill("{job}", to_string(done));
        fill("{task}", to_string(market.state().jobs.at(done).tasks.front()));
        fill("{lease}", to_string(finished_lease));
        fill("{workflow}", to_string(flow));
        fill("{provider}", to_string(machine));
        fill("{name}", "WANDB_KEY");
        fill("{hash}", to_string(sha256(std::string_view("nothing"))));
        return path;
    }

    Live lively;
    Api api{market, lively};
    AccountId other_buyer;
    AccountId seller;
    ProviderId machine;
    JobId done;
    JobId waiting;
    LeaseId finished_lease;
    WorkflowId flow;
    std::string buyer_key;
    std::string other_key;
    std::string seller_key;
    std::string operator_key;
};

inline protocol::Problem problem(const ApiAnswer& answer) {
    CHECK(answer.headers.at("content-type") == "application/json");
    const auto value = json::parse(answer.body, answer.body.size());
    const auto read = json::read<protocol::Problem>(value.value(), json::Reader::strict);
    REQUIRE(read.ok());
    CHECK(read.value().request_id == "req-1");
    CHECK_FALSE(read.value().message.empty());
    return read.value();
}

template <class View>
View view(const ApiAnswer& answer) {
    const auto value = json::parse(answer.body, 16 << 20);
    auto read = json::read<View>(value.value(), json::Reader::strict);
    REQUIRE(read.ok());
    return std::move(read).value();
}

inline std::string job_text(std::string_view name = "job") {
    protocol::JobSpec spec = simple_job();
    spec.name = name;
    return json::print(spec);
}

}  // namespace shoal::market
