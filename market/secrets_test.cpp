#include <algorithm>

#include <doctest/doctest.h>

#include "core/limits.h"
#include "market/api/served_for_test.h"
#include "protocol/api_secrets.h"

namespace shoal::market {

namespace {

using protocol::Reason;
namespace session = protocol::session;

constexpr std::string_view value = "correct horse battery staple";

Settings sealed_by(std::uint8_t key) {
    Settings settings;
    settings.seal_key = SealKey({key});
    return settings;
}

protocol::JobSpec job_with(std::vector<std::string> secrets) {
    protocol::JobSpec spec = simple_job();
    spec.secrets = std::move(secrets);
    return spec;
}

Status set(World& world, const std::string& name, std::string_view text = value) {
    const Status done = world.market.set_secret(world.buyer, {name, std::string(text)},
                                                world.moment(), world.batch);
    world.flush();
    return done;
}

Status remove(World& world, const std::string& name) {
    const Status done = world.market.remove_secret(world.buyer, name, world.moment(), world.batch);
    world.flush();
    return done;
}

const session::Order& last_order(const World& world) {
    for (auto it = world.sent.rbegin(); it != world.sent.rend(); ++it) {
        if (const auto* granted = std::get_if<session::Granted>(&it->message))
            return granted->order;
    }
    FAIL("no order");
    throw 0;
}

TEST_CASE("an attempt's order has the job's secrets, and nothing that is kept has") {
    World world(sealed_by(1));
    CHECK(set(world, "WANDB_KEY").ok());
    CHECK(set(world, "OTHER_KEY").ok());
    world.provider(4, core_price(1));
    REQUIRE(world.submit(job_with({"WANDB_KEY"})).ok());
    CHECK(last_order(world).secrets ==
          std::map<std::string, std::string>{{"WANDB_KEY", std::string(value)}});
    const std::string hex = to_hex(as_bytes(value));
    for (const auto& [name, body] : world.journal) {
        CHECK(body.find(value) == std::string::npos);
        CHECK(body.find(hex) == std::string::npos);
    }
    const std::string snapshot = write_state(world.market.snapshot());
    CHECK(snapshot.find(value) == std::string::npos);
    CHECK(snapshot.find(hex) == std::string::npos);
    world.replay();
}

TEST_CASE("a provider that comes back is given secrets only of attempts that have not begun") {
    World world(sealed_by(1));
    CHECK(set(world, "WANDB_KEY").ok());
    const ProviderId machine = world.provider(4, core_price(1));
    REQUIRE(world.submit(job_with({"WANDB_KEY"})).ok());
    const auto welcomed = [&] {
        world.market.leave(machine);
        world.rejoin(machine);
        return std::get<session::Welcome>(world.sent.back().message).leases.at(0).secrets.size();
    };
    CHECK(welcomed() == 1);
    CHECK(world.hear(machine, session::Started{world.live().at(0)}).ok());
    CHECK(welcomed() == 0);
}

TEST_CASE("a job that names a secret which the account does not have is refused with its name") {
    World world(sealed_by(1));
    const auto job = world.submit(job_with({"WANDB_KEY"}));
    REQUIRE_FALSE(job.ok());
    CHECK(job.error().code == Code::not_found);
    CHECK(job.error().what.find("WANDB_KEY") != std::string::npos);
    CHECK(set(world, "WANDB_KEY").ok());
    CHECK(world.submit(job_with({"WANDB_KEY"})).ok());
}

TEST_CASE("a secret stays while an open job names it, and may be given another value") {
    World world(sealed_by(1));
    CHECK(set(world, "WANDB_KEY").ok());
    const JobId job = world.submit(job_with({"WANDB_KEY"})).value();
    CHECK(remove(world, "WANDB_KEY").error().code == Code::conflict);
    CHECK(set(world, "WANDB_KEY", "another value than before").ok());
    world.provider(4, core_price(1));
    CHECK(last_order(world).secrets.at("WANDB_KEY") == "another value than before");
    CHECK(world.market.cancel(job, world.moment(), world.batch).ok());
    world.flush();
    CHECK(remove(world, "WANDB_KEY").ok());
    CHECK(remove(world, "WANDB_KEY").error().code == Code::not_found);
    CHECK(world.market.state().secrets.empty());
    world.replay();
}

TEST_CASE("names, values and their number are bounded, and a refusal repeats no value") {
    World world(sealed_by(1));
    const std::string low(limits::secret_bytes_min - 1, 'x');
    const std::string high(limits::secret_bytes_max + 1, 'x');
    for (const auto& [name, text] :
         std::map<std::string, std::string>{{"", std::string(value)},
                                            {"1KEY", std::string(value)},
                                            {"A-B", std::string(value)},
                                            {"SHOAL_KEY", std::string(value)},
                                            {"SHORT", low},
                                            {"LONG", high},
                                            {"ZERO", std::string(9, '\0')},
                                            {std::string(200, 'N'), std::string(value)}}) {
        CAPTURE(name);
        const Status refused = set(world, name, text);
        REQUIRE_FALSE(refused.ok());
        CHECK(refused.error().code == Code::invalid);
        CHECK(refused.error().what.find(text) == std::string::npos);
    }
    for (std::size_t i = 0; i < limits::secrets_per_account; ++i) {
        CHECK(set(world, "KEY_" + std::to_string(i)).ok());
    }
    CHECK(set(world, "ONE_MORE").error().code == Code::exhausted);
    CHECK(set(world, "KEY_0").ok());
}

TEST_CASE("a market without a key keeps no secrets") {
    World world;
    CHECK(set(world, "WANDB_KEY").error().code == Code::unavailable);
}

TEST_CASE("with another key the secrets are gone, and the jobs that named them end unpaid") {
    World world(sealed_by(1));
    CHECK(set(world, "WANDB_KEY").ok());
    CHECK(set(world, "UNUSED_KEY").ok());
    world.provider(1, core_price(1'000'000));
    const JobId running = world.submit(job_with({"WANDB_KEY"})).value();
    CHECK(world
              .hear(world.market.state().attempts.begin()->second.provider,
                    session::Started{world.live().at(0)})
              .ok());
    const JobId waiting = world.submit(job_with({"WANDB_KEY"})).value();
    const JobId other = world.submit(simple_job()).value();
    Market again(sealed_by(2), SecretKey(World::seed(1)), world.market.snapshot());
    CHECK(again.lost_secrets().size() == 2);
    Batch batch;
    world.clock += Duration{5'000};
    again.start("test", world.moment(), batch);
    again.check_invariants();
    CHECK(again.lost_secrets().size() == 0);
    CHECK(again.state().secrets.empty());
    for (const JobId job : {running, waiting}) {
        CHECK(again.state().jobs.at(job).state == protocol::JobState::failed);
        CHECK(again.state().jobs.at(job).reason == Reason::secret_lost);
        CHECK(again.state().jobs.at(job).charged == Lamports{});
    }
    CHECK(again.state().jobs.at(other).state == protocol::JobState::open);
}

TEST_CASE("a secret is sealed for its account and its name") {
    World world(sealed_by(1));
    CHECK(set(world, "WANDB_KEY").ok());
    State state = world.market.snapshot();
    auto& own = state.secrets.at(world.buyer);
    own["MOVED_KEY"] = own.at("WANDB_KEY");
    CHECK(Market(sealed_by(1), SecretKey(World::seed(1)), state).lost_secrets().size() == 1);
}

TEST_CASE("over the API a secret's value goes in and never comes out") {
    Served world(sealed_by(1));
    const auto put = [&](const std::string& name, const std::string& body) {
        ApiRequest asked = world.request("PUT", "/v1/secrets/" + name, world.buyer_key);
        asked.body = body;
        return world.ask(asked);
    };
    const std::string body = R"({"value":"correct horse battery staple"})";
    const ApiAnswer answer = put("WANDB_KEY", body);
    CHECK(answer.status == 200);
    CHECK(view<protocol::SecretView>(answer).name == "WANDB_KEY");
    CHECK(answer.body.find(value) == std::string::npos);
    CHECK(put("lower-case", body).status == 400);
    CHECK(put("WANDB_KEY", R"({"value":"short"})").status == 400);
    const ApiAnswer list = world.get("/v1/secrets", world.buyer_key);
    CHECK(view<protocol::SecretPage>(list).items.size() == 1);
    CHECK(list.body.find(value) == std::string::npos);
    CHECK(view<protocol::SecretPage>(world.get("/v1/secrets", world.other_key)).items.empty());
    const auto drop = [&](const std::string& key) {
        return world.ask(world.request("DELETE", "/v1/secrets/WANDB_KEY", key)).status;
    };
    CHECK(drop(world.other_key) == 404);
    CHECK(drop(world.buyer_key) == 200);
    CHECK(drop(world.buyer_key) == 404);
}

}  // namespace

}  // namespace shoal::market
