#include "market/blob_holds.h"

#include <doctest/doctest.h>

#include "market/world_for_test.h"

namespace shoal::market {
namespace {

using namespace std::chrono_literals;
using protocol::Reason;
namespace session = protocol::session;

constexpr Duration upload_time = limits::upload_life + limits::sweep_delay;
constexpr Duration files_time = limits::blob_retention + limits::sweep_delay;
constexpr Duration log_time = limits::log_retention + limits::sweep_delay;
constexpr std::int64_t an_hour = 3'600;

struct Shop : World {
    bool has(std::string_view bytes) const {
        const auto found = market.state().blobs.find(sha256(bytes));
        return found != market.state().blobs.end() && found->second.uploaded.contains(buyer);
    }
    std::uint64_t blob_bytes() const { return market.state().accounts.at(buyer).blob_bytes; }

    std::size_t events(std::string_view name) const {
        return static_cast<std::size_t>(
            std::ranges::count(journal, name, &std::pair<std::string, std::string>::first));
    }

    /// Time passes in which a provider keeps its lease.
    void work_on(LeaseId lease, Duration time) {
        const ProviderId provider = market.state().attempts.at(lease).provider;
        for (Duration passed{}; passed < time; passed += 30s) {
            advance(30s);
            CHECK(hear(provider, session::Alive{{lease}, false}).ok());
        }
    }

    void exit(LeaseId lease) {
        const ProviderId provider = market.state().attempts.at(lease).provider;
        CHECK(hear(provider, session::Started{lease}).ok());
        protocol::AttemptOutcome outcome;
        outcome.reason = Reason::completed;
        outcome.started = true;
        CHECK(hear(provider, session::Exited{lease, outcome}).ok());
    }

    void finish(LeaseId lease, std::vector<protocol::Artifact> artifacts,
                std::optional<protocol::Artifact> log = {}) {
        session::Finished finished;
        finished.lease = lease;
        finished.artifacts = std::move(artifacts);
        finished.log = std::move(log);
        CHECK(hear(market.state().attempts.at(lease).provider, finished).ok());
    }
};

protocol::Artifact artifact(std::string_view bytes) {
    return {"file", sha256(bytes), bytes.size()};
}

protocol::JobSpec job_with_input(std::string_view bytes) {
    protocol::JobSpec spec = simple_job();
    protocol::JobInput input;
    input.as = "data";
    input.blob = sha256(bytes);
    spec.inputs.push_back(input);
    return spec;
}

TEST_CASE("an upload that no job names is dropped when its time is over") {
    Shop shop;
    REQUIRE(shop.store("data").ok());
    CHECK(shop.blob_bytes() == 4);
    CHECK(shop.market.next_deadline() == shop.clock + upload_time);
    shop.advance(upload_time - 1ms);
    CHECK(shop.has("data"));
    shop.advance(1ms);
    CHECK_FALSE(shop.has("data"));
    CHECK(shop.blob_bytes() == 0);
    CHECK(shop.market.dropped(shop.buyer, sha256("data")) == shop.clock);
    CHECK_FALSE(shop.market.next_deadline().has_value());
    shop.replay();
}

TEST_CASE("an upload that is asked for again is kept longer, without an event each time") {
    Shop shop;
    REQUIRE(shop.store("data").ok());
    shop.advance(limits::upload_life / 2);
    REQUIRE(shop.store("data").ok());
    CHECK(shop.events("blob_stored") == 1);
    shop.advance(1ms);
    REQUIRE(shop.store("data").ok());
    CHECK(shop.events("blob_stored") == 2);
    CHECK(shop.blob_bytes() == 4);
    shop.advance(upload_time - 1ms);
    CHECK(shop.has("data"));
    shop.advance(1ms);
    CHECK_FALSE(shop.has("data"));
    shop.replay();
}

TEST_CASE("a job holds its inputs while it is open, and for a while afterwards") {
    Shop shop;
    REQUIRE(shop.store("data").ok());
    const JobId job = shop.submit(job_with_input("data")).value();
    shop.advance(10 * files_time);
    CHECK(shop.has("data"));
    CHECK(shop.market.cancel(job, shop.moment(), shop.batch).ok());
    shop.flush();
    shop.advance(files_time - 1ms);
    CHECK(shop.has("data"));
    shop.advance(1ms);
    CHECK_FALSE(shop.has("data"));
    CHECK(shop.submit(job_with_input("data")).error().code == Code::not_found);
    shop.replay();
}

TEST_CASE("two jobs with one input hold it until the later end") {
    Shop shop;
    REQUIRE(shop.store("data").ok());
    const JobId first = shop.submit(job_with_input("data")).value();
    const JobId second = shop.submit(job_with_input("data")).value();
    CHECK(shop.market.cancel(first, shop.moment(), shop.batch).ok());
    shop.advance(2 * files_time);
    CHECK(shop.has("data"));
    CHECK(shop.market.cancel(second, shop.moment(), shop.batch).ok());
    shop.advance(files_time);
    CHECK_FALSE(shop.has("data"));
    shop.replay();
}

TEST_CASE("a live attempt holds what it uploads, however long it takes") {
    Shop shop;
    shop.provider(1, core_price(an_hour));
    protocol::JobSpec spec = simple_job();
    spec.retries = 0;
    spec.limits.output = limits::blob;  // so much may take so long
    const JobId job = shop.submit(spec).value();
    const LeaseId lease = shop.live().front();
    shop.exit(lease);
    REQUIRE(shop.store("model", lease).ok());
    REQUIRE(shop.store("model", lease).ok());
    REQUIRE(shop.store("not named", lease).ok());
    CHECK(shop.events("blob_stored") == 2);
    shop.work_on(lease, upload_time + 1h);
    CHECK(shop.has("model"));
    shop.finish(lease, {artifact("model")});
    REQUIRE(shop.job(job).state == protocol::JobState::finished);
    shop.advance(1ms);
    CHECK(shop.has("model"));
    CHECK_FALSE(shop.has("not named"));
    shop.advance(files_time - 2ms);
    CHECK(shop.has("model"));
    shop.advance(1ms);
    CHECK_FALSE(shop.has("model"));
    shop.replay();
}

TEST_CASE("logs go before other files, but not if they are the same bytes") {
    Shop shop;
    shop.provider(1, core_price(an_hour));
    for (const char* bytes : {"model", "log"}) {
        const JobId job = shop.submit(simple_job()).value();
        const LeaseId lease = shop.live().front();
        shop.exit(lease);
        REQUIRE(shop.store("model", lease).ok());
        REQUIRE(shop.store(bytes, lease).ok());
        shop.finish(lease, {artifact("model")}, artifact(bytes));
        REQUIRE(shop.job(job).state == protocol::JobState::finished);
    }
    shop.advance(log_time - 1ms);
    CHECK(shop.has("log"));
    shop.advance(1ms);
    CHECK_FALSE(shop.has("log"));
    CHECK(shop.has("model"));
    shop.advance(files_time);
    CHECK_FALSE(shop.has("model"));
    shop.replay();
}

TEST_CASE("what an attempt left is held while another task of its job is open") {
    Shop shop;
    shop.provider(1, core_price(1), 1);
    protocol::JobSpec spec = simple_job(2);
    spec.limits.time = Span{48h};
    const JobId job = shop.submit(spec).value();
    const LeaseId first = shop.live().front();
    shop.exit(first);
    REQUIRE(shop.store("model", first).ok());
    shop.finish(first, {artifact("model")});
    const LeaseId second = shop.live().front();
    REQUIRE(second != first);
    CHECK(
        shop.hear(shop.market.state().attempts.at(second).provider, session::Started{second}).ok());
    shop.work_on(second, upload_time + 1h);
    CHECK(shop.job(job).state == protocol::JobState::open);
    CHECK(shop.has("model"));
    shop.replay();
}

TEST_CASE("an account loses a blob without another account losing it") {
    Shop shop;
    const AccountId other = shop.account();
    const Hash hash = sha256("data");
    REQUIRE(shop.store("data").ok());
    shop.advance(1h);
    REQUIRE(shop.market.store_blob({other, hash, 4, {}}, shop.moment(), shop.batch).ok());
    shop.flush();
    shop.advance(upload_time - 1h);
    CHECK_FALSE(shop.has("data"));
    CHECK(shop.market.may_read(other, hash));
    CHECK_FALSE(shop.market.may_read(shop.buyer, hash));
    CHECK_FALSE(shop.market.dropped(other, hash).has_value());
    shop.advance(1h);
    CHECK(shop.market.state().blobs.empty());
    shop.replay();
}

TEST_CASE("a drop is remembered until the bytes come again or it is too long ago") {
    Shop shop;
    REQUIRE(shop.store("one").ok());
    REQUIRE(shop.store("two").ok());
    shop.advance(upload_time);
    CHECK(shop.market.dropped(shop.buyer, sha256("one")).has_value());
    REQUIRE(shop.store("one").ok());
    CHECK(shop.has("one"));
    CHECK_FALSE(shop.market.dropped(shop.buyer, sha256("one")).has_value());
    CHECK(shop.market.dropped(shop.buyer, sha256("two")).has_value());
    shop.advance(limits::dropped_remembered);
    CHECK(shop.market.dropped(shop.buyer, sha256("one")).has_value());
    CHECK_FALSE(shop.market.dropped(shop.buyer, sha256("two")).has_value());
    shop.replay();
}

TEST_CASE("of very many blobs some are dropped at a time, the others right afterwards") {
    Shop shop;
    for (std::size_t i = 0; i <= limits::drops_at_once; ++i) {
        const std::string bytes = std::to_string(i);
        REQUIRE(shop.market
                    .store_blob({shop.buyer, sha256(bytes), bytes.size(), {}}, shop.moment(),
                                shop.batch)
                    .ok());
    }
    shop.advance(upload_time);
    CHECK(shop.market.state().blobs.size() == 1);
    CHECK(shop.market.next_deadline().value() <= shop.clock);
    shop.advance(0ms);
    CHECK(shop.market.state().blobs.empty());
}

TEST_CASE("an attempt stores only while it lives, for its buyer, and not without end") {
    Shop shop;
    shop.provider(1, core_price(an_hour));
    REQUIRE(shop.submit(simple_job()).ok());
    const LeaseId lease = shop.live().front();
    const AccountId other = shop.account();
    const auto store = [&](AccountId account, std::string_view bytes) {
        return shop.market.store_blob({account, sha256(bytes), bytes.size(), lease}, shop.moment(),
                                      shop.batch);
    };
    CHECK(store(other, "data").error().code == Code::stale);
    for (std::size_t i = 0; i <= limits::artifacts_per_attempt; ++i) {
        REQUIRE(store(shop.buyer, std::to_string(i)).ok());
    }
    CHECK(store(shop.buyer, "one more").error().code == Code::exhausted);
    CHECK(store(shop.buyer, "0").ok());
    shop.flush();
    shop.exit(lease);
    shop.finish(lease, {});
    CHECK(store(shop.buyer, "late").error().code == Code::stale);
    CHECK(shop.market.state().attempts.at(lease).uploads.empty());
    shop.replay();
}

TEST_CASE("in a snapshot that does not say when a blob was stored, its time begins then") {
    Shop shop;
    REQUIRE(shop.store("data").ok());
    json::Value value = json::write(shop.market.snapshot());
    value.at("blobs").at(to_string(sha256("data"))).get_object().erase("uploaded");
    const State state = read_state(json::print(value)).value();
    CHECK(state == shop.market.snapshot());
    const Market restored(shop.market.settings(), SecretKey(World::seed(1)), state);
    restored.check_invariants();
    CHECK(restored.next_deadline() == shop.clock + upload_time);
}

TEST_CASE("a journal of a release that dropped nothing is still a valid one") {
    Shop shop;
    Market again(shop.market.settings(), SecretKey(World::seed(1)));
    for (const auto& [name, body] : shop.journal) {
        again.apply(protocol::read_event(name, json::parse(body, body.size()).value()).value());
    }
    const std::string old = R"({"blob":")" + to_string(sha256("data")) +
                            R"(","size_bytes":4,"account":"acc_1","at":1000000})";
    again.apply(protocol::read_event("blob_stored", json::parse(old, old.size()).value()).value());
    again.check_invariants();
    // What has been due for long is dropped at the first tick, not before.
    Batch batch;
    again.tick({Time{1000h}, {}}, batch);
    REQUIRE(batch.events.size() == 1);
    CHECK(std::holds_alternative<protocol::BlobDropped>(batch.events.front()));
    again.check_invariants();
}

}  // namespace
}  // namespace shoal::market
