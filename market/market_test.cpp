#include "market/market.h"

#include <chrono>

#include <doctest/doctest.h>

#include "market/world_for_test.h"

namespace shoal::market {
namespace {

using namespace std::chrono_literals;
using protocol::JobState;
using protocol::Reason;
namespace session = protocol::session;

constexpr std::int64_t an_hour = 3'600'000;  // lamports an hour: one a millisecond

session::Finished finished(LeaseId lease, Reason reason) {
    session::Finished message;
    message.lease = lease;
    message.reason = reason;
    return message;
}

session::Exited exited(LeaseId lease, Reason reason, Duration ran) {
    session::Exited message;
    message.lease = lease;
    message.outcome.reason = reason;
    message.outcome.started = true;
    message.outcome.ran_ms = ran.count();
    return message;
}

TEST_CASE("a job goes from submit to receipt, and every lamport is accounted for") {
    World world;
    world.provider(4, core_price(an_hour));
    const JobId id = world.submit(simple_job(1, 5'000'000)).value();
    CHECK(world.balance(world.buyer) == Lamports{World::wealth - 5'000'000});
    REQUIRE(world.live().size() == 1);
    CHECK(std::holds_alternative<session::Granted>(world.sent.back().message));

    world.work(world.live().front(), 1'001ms, {{"accuracy", 0.5}});
    const Job& job = world.job(id);
    CHECK(job.state == JobState::finished);
    CHECK(job.charged == Lamports{1'001});
    CHECK(world.balance(world.buyer) == Lamports{World::wealth - 1'001});
    const AccountId seller = world.market.state().providers.begin()->second.account;
    CHECK(world.balance(seller) == Lamports{901});  // the remainder of 10 % is the provider's
    CHECK(world.market.ledger().balance(protocol::LedgerAccount::fees()) == Lamports{100});
    const protocol::Receipt receipt = world.market.receipt(id).value();
    CHECK(protocol::verify_receipt(receipt).ok());
    CHECK(receipt.lines.size() == 1);
    world.replay();
}

TEST_CASE("a receipt that was changed does not verify") {
    World world;
    world.provider(4, core_price(an_hour));
    const JobId id = world.submit(simple_job(2)).value();
    for (const LeaseId lease : world.live()) world.work(lease, 10ms);
    const protocol::Receipt receipt = world.market.receipt(id).value();
    protocol::Receipt cheaper = receipt;
    cheaper.charged = cheaper.charged - Lamports{1};
    CHECK_FALSE(protocol::verify_receipt(cheaper).ok());
    protocol::Receipt other = receipt;
    other.lines.front().reason = Reason::exit_code;
    CHECK_FALSE(protocol::verify_receipt(other).ok());
    protocol::Receipt moved = receipt;  // the sums still hold, the signature does not
    moved.lines[0].charge = moved.lines[0].charge + Lamports{1};
    moved.lines[1].charge = moved.lines[1].charge - Lamports{1};
    CHECK_FALSE(protocol::verify_receipt(moved).ok());
}

TEST_CASE("what is refused changes nothing") {
    World world;
    world.provider(4, core_price(an_hour));
    const State before = world.market.snapshot();
    const auto code = [&](const protocol::JobSpec& spec) {
        const auto refused = world.submit(spec);
        REQUIRE_FALSE(refused.ok());
        CHECK(world.market.snapshot() == before);
        return refused.error().code;
    };
    protocol::JobSpec spec = simple_job(1, World::wealth + 1);
    CHECK(code(spec) == Code::exhausted);  // not enough credit
    spec = simple_job();
    spec.price.max_hour = Lamports{an_hour - 1};
    CHECK(code(spec) == Code::denied);  // a cap below every offer
    spec = simple_job(1, 100);
    CHECK(code(spec) == Code::denied);  // it buys no minute
    spec = simple_job();
    spec.command = {};
    CHECK(code(spec) == Code::invalid);
    spec = simple_job();
    spec.inputs.push_back({"data", {}, {}, sha256("nobody has it"), 0, false, {}});
    CHECK(code(spec) == Code::not_found);
    spec = simple_job();
    spec.resources.cores = 64;  // nobody fits, and there is no price to quote
    spec.price.max_total.reset();
    CHECK(code(spec) == Code::denied);
}

TEST_CASE("a job waits until a provider that fits comes") {
    World world;
    const JobId id = world.submit(simple_job()).value();
    CHECK(world.live().empty());
    world.provider(1, core_price(an_hour));
    REQUIRE(world.live().size() == 1);
    world.work(world.live().front(), 1s);
    CHECK(world.job(id).state == JobState::finished);
    world.replay();
}

TEST_CASE("a provider is never given more than it offers") {
    World world;
    world.provider(2, core_price(an_hour));
    world.submit(simple_job(5)).value();
    CHECK(world.live().size() == 2);
    world.work(world.live().front(), 1s);
    CHECK(world.live().size() == 2);
}

TEST_CASE("the cheapest provider that has room is taken, equal ones share") {
    World world;
    const ProviderId dear = world.provider(8, core_price(an_hour));
    const ProviderId cheap = world.provider(1, core_price(an_hour / 2));
    world.submit(simple_job(2)).value();
    CHECK(world.market.index().live(cheap).size() == 1);
    CHECK(world.market.index().live(dear).size() == 1);
    const ProviderId equal = world.provider(8, core_price(an_hour));
    world.submit(simple_job(4)).value();
    CHECK(world.market.index().live(dear).size() == 3);
    CHECK(world.market.index().live(equal).size() == 2);
}

TEST_CASE("cancelling works in every state, and the refund is exact") {
    World world;
    const auto cancel = [&](JobId id) {
        CHECK(world.market.cancel(id, world.moment(), world.batch).ok());
        world.flush();
        CHECK(world.job(id).state == JobState::cancelled);
        CHECK(world.job(id).reason == Reason::cancelled_by_buyer);
    };
    const JobId queued = world.submit(simple_job()).value();
    cancel(queued);
    CHECK(world.balance(world.buyer) == Lamports{World::wealth});

    const ProviderId provider = world.provider(1, core_price(an_hour));
    const JobId fetching = world.submit(simple_job()).value();
    cancel(fetching);
    CHECK(world.balance(world.buyer) == Lamports{World::wealth});
    CHECK(std::holds_alternative<session::Ended>(world.sent.back().message));

    const JobId running = world.submit(simple_job()).value();
    LeaseId lease = world.live().front();
    CHECK(world.hear(provider, session::Started{lease}).ok());
    world.clock += 250ms;
    cancel(running);
    CHECK(world.balance(world.buyer) == Lamports{World::wealth - 250});

    const JobId uploading = world.submit(simple_job()).value();
    lease = world.live().front();
    CHECK(world.hear(provider, session::Started{lease}).ok());
    world.clock += 100ms;
    CHECK(world.hear(provider, exited(lease, Reason::completed, 100ms)).ok());
    world.clock += 900ms;  // not billed
    cancel(uploading);
    CHECK(world.balance(world.buyer) == Lamports{World::wealth - 350});

    CHECK(world.market.cancel(uploading, world.moment(), world.batch).ok());
    CHECK(world.batch.events.empty());
    world.replay();
}

TEST_CASE("a lease that is not renewed expires, and its task is tried again unpaid") {
    World world;
    const ProviderId provider = world.provider(1, core_price(an_hour));
    const JobId id = world.submit(simple_job()).value();
    const LeaseId first = world.live().front();
    CHECK(world.hear(provider, session::Started{first}).ok());
    world.advance(60s);
    CHECK(world.market.state().attempts.at(first).reason == Reason::lease_expired);
    CHECK(world.job(id).charged == Lamports{});
    CHECK(world.live().empty());  // the retry waits a little
    world.advance(1s);
    REQUIRE(world.live().size() == 1);
    CHECK(world.live().front() != first);
    CHECK(world.hear(provider, exited(first, Reason::completed, 1s)).error().code == Code::stale);
    world.work(world.live().front(), 1s);
    CHECK(world.job(id).state == JobState::finished);
    world.replay();
}

TEST_CASE("a lease that is renewed lives on") {
    World world;
    const ProviderId provider = world.provider(1, core_price(an_hour));
    world.submit(simple_job(1, 10'000'000)).value();
    const LeaseId lease = world.live().front();
    CHECK(world.hear(provider, session::Started{lease}).ok());
    for (int i = 0; i < 20; ++i) {
        world.advance(10s);
        CHECK(world.hear(provider, session::Alive{{lease}, false}).ok());
    }
    CHECK(world.live() == std::vector{lease});
    std::size_t renewals = 0;
    for (const auto& [name, body] : world.journal) renewals += name == "lease_renewed" ? 1 : 0;
    CHECK(renewals == 6);  // once in half a term, not with every word
}

TEST_CASE("retries end, and the job fails with the last reason") {
    World world;
    const ProviderId provider = world.provider(1, core_price(an_hour));
    const JobId id = world.submit(simple_job()).value();
    for (int attempt = 0; attempt < 3; ++attempt) {
        REQUIRE(world.live().size() == 1);
        CHECK(world.hear(provider, finished(world.live().front(), Reason::runner_lost)).ok());
        world.advance(60s);
    }
    CHECK(world.job(id).state == JobState::failed);
    CHECK(world.job(id).reason == Reason::runner_lost);
    CHECK(world.balance(world.buyer) == Lamports{World::wealth});
    world.replay();
}

TEST_CASE("a program that fails is paid for and not tried again") {
    World world;
    const ProviderId provider = world.provider(1, core_price(an_hour));
    const JobId id = world.submit(simple_job()).value();
    const LeaseId lease = world.live().front();
    CHECK(world.hear(provider, session::Started{lease}).ok());
    world.clock += 2s;
    CHECK(world.hear(provider, exited(lease, Reason::exit_code, 2s)).ok());
    CHECK(world.hear(provider, finished(lease, Reason::exit_code)).ok());
    CHECK(world.job(id).state == JobState::failed);
    CHECK(world.job(id).charged == Lamports{2'000});
}

TEST_CASE("a provider cannot bill more time than the market saw, and not more than was held") {
    World world;
    const ProviderId provider = world.provider(1, core_price(an_hour));
    const JobId id = world.submit(simple_job(1, 100'000)).value();
    const LeaseId lease = world.live().front();
    CHECK(world.market.state().attempts.at(lease).time_max == 100s);
    CHECK(world.hear(provider, session::Started{lease}).ok());
    world.clock += 5s;
    CHECK(world.hear(provider, exited(lease, Reason::completed, 1h)).ok());
    CHECK(world.hear(provider, finished(lease, Reason::completed)).ok());
    CHECK(world.job(id).charged == Lamports{5'000});
}

TEST_CASE("when the money is used up before the time limit, the reason says so") {
    World world;
    const ProviderId provider = world.provider(1, core_price(an_hour));
    const JobId id = world.submit(simple_job(1, 100'000)).value();
    const LeaseId lease = world.live().front();
    CHECK(world.hear(provider, session::Started{lease}).ok());
    world.clock += 50s;
    CHECK(world.hear(provider, session::Alive{{lease}, false}).ok());
    world.clock += 51s;
    CHECK(world.hear(provider, exited(lease, Reason::time_limit, 101s)).ok());
    CHECK(world.hear(provider, finished(lease, Reason::time_limit)).ok());
    CHECK(world.job(id).reason == Reason::budget_spent);
    CHECK(world.job(id).charged == Lamports{100'000});
}

TEST_CASE("a provider that lies about leases gets nowhere") {
    World world;
    const ProviderId honest = world.provider(1, core_price(an_hour));
    world.submit(simple_job()).value();
    const ProviderId liar = world.provider(1, core_price(an_hour));
    const LeaseId lease = world.live().front();
    const State before = world.market.snapshot();
    CHECK(world.hear(liar, session::Started{lease}).error().code == Code::denied);
    CHECK(world.hear(liar, exited(lease, Reason::completed, 1s)).error().code == Code::denied);
    CHECK(world.hear(liar, finished(lease, Reason::completed)).error().code == Code::denied);
    CHECK(world.hear(liar, session::Started{LeaseId{99}}).error().code == Code::stale);
    CHECK(world.hear(liar, session::Said{lease, 0, "x", {}, {}}).error().code == Code::denied);
    CHECK(world.hear(liar, session::Alive{{lease, LeaseId{99}}, false}).ok());
    CHECK(world.market.snapshot() == before);

    world.work(lease, 1s);
    const State after = world.market.snapshot();  // an old message again changes nothing
    CHECK(world.hear(honest, session::Started{lease}).error().code == Code::stale);
    CHECK(world.hear(honest, finished(lease, Reason::completed)).error().code == Code::stale);
    CHECK(world.market.snapshot() == after);
}

TEST_CASE("completed needs a process that ended well, and outputs that were uploaded") {
    World world;
    const ProviderId provider = world.provider(1, core_price(an_hour));
    protocol::JobSpec spec = simple_job();
    spec.outputs.push_back({"model.bin", false});
    spec.retries = 0;
    SUBCASE("no process") {
        const JobId id = world.submit(spec).value();
        CHECK(world.hear(provider, finished(world.live().front(), Reason::completed)).ok());
        CHECK(world.job(id).reason == Reason::provider_lost);
        CHECK(world.job(id).charged == Lamports{});
    }
    SUBCASE("an end that is not possible") {
        const JobId id = world.submit(spec).value();
        session::Finished message = finished(world.live().front(), Reason::completed);
        message.artifacts.push_back({"../model.bin", sha256("weights"), 7});
        CHECK(world.hear(provider, message).ok());
        CHECK(world.job(id).reason == Reason::provider_lost);
        CHECK(world.job(id).charged == Lamports{});
    }
    SUBCASE("a length of time that is not possible") {
        const JobId id = world.submit(spec).value();
        const LeaseId lease = world.live().front();
        CHECK(world.hear(provider, session::Started{lease}).ok());
        CHECK(world.hear(provider, exited(lease, Reason::completed, -1ms)).ok());
        CHECK(world.job(id).reason == Reason::provider_lost);
        CHECK(world.live().empty());
    }
    SUBCASE("an output is missing") {
        const JobId id = world.submit(spec).value();
        world.work(world.live().front(), 1s);
        CHECK(world.job(id).reason == Reason::output_missing);
        CHECK(world.job(id).charged == Lamports{1'000});
    }
    SUBCASE("an output was not uploaded") {
        const JobId id = world.submit(spec).value();
        const LeaseId lease = world.live().front();
        CHECK(world.hear(provider, session::Started{lease}).ok());
        CHECK(world.hear(provider, exited(lease, Reason::completed, 0ms)).ok());
        session::Finished message = finished(lease, Reason::completed);
        message.artifacts.push_back({"model.bin", sha256("weights"), 7});
        CHECK(world.hear(provider, message).ok());
        CHECK(world.job(id).reason == Reason::upload_failed);
    }
    SUBCASE("all is well") {
        const JobId id = world.submit(spec).value();
        const LeaseId lease = world.live().front();
        CHECK(world.store("weights", lease).ok());
        CHECK(world.hear(provider, session::Started{lease}).ok());
        CHECK(world.hear(provider, exited(lease, Reason::completed, 0ms)).ok());
        session::Finished message = finished(lease, Reason::completed);
        message.artifacts.push_back({"model.bin", sha256("weights"), 7});
        CHECK(world.hear(provider, message).ok());
        CHECK(world.job(id).state == JobState::finished);
    }
    world.replay();
}

TEST_CASE("a second live session of one identity is refused, another account's identity too") {
    World world;
    const ProviderId id = world.provider(1, core_price(an_hour));
    const Provider provider = world.market.state().providers.at(id);
    const auto again = world.market.join(provider.account, provider.key, provider.offer,
                                         world.moment(), world.batch);
    CHECK(again.error().code == Code::conflict);
    world.market.leave(id);
    const auto thief =
        world.market.join(world.buyer, provider.key, provider.offer, world.moment(), world.batch);
    CHECK(thief.error().code == Code::denied);
}

TEST_CASE("a restart extends every live lease, and welcome tells a provider all it holds") {
    World world;
    const ProviderId provider = world.provider(2, core_price(an_hour));
    world.submit(simple_job(2, 10'000'000)).value();
    const std::vector<LeaseId> leases = world.live();
    world.market.leave(provider);
    world.clock += 10min;  // nobody called tick: the market was down
    world.market.start("next", world.moment(), world.batch);
    world.advance(59s);
    CHECK(world.live() == leases);
    world.rejoin(provider);
    const auto& welcome = std::get<session::Welcome>(world.sent.back().message);
    REQUIRE(welcome.leases.size() == 2);
    CHECK(welcome.leases[0].command == std::vector<std::string>{"./work", "0"});
    world.replay();
}

TEST_CASE("a provider that drains gets no new work and keeps what it has") {
    World world;
    const ProviderId provider = world.provider(2, core_price(an_hour));
    world.submit(simple_job()).value();
    const LeaseId lease = world.live().front();
    CHECK(world.hear(provider, session::Alive{{lease}, true}).ok());
    world.submit(simple_job()).value();
    CHECK(world.live() == std::vector{lease});
}

TEST_CASE("a key works until it is revoked, and its secret is in no event") {
    World world;
    const NewKey key =
        world.market.create_key(world.buyer, protocol::Role::buyer, world.moment(), world.batch)
            .value();
    world.flush();
    CHECK(world.market.authenticate(key.secret)->account == world.buyer);
    CHECK_FALSE(world.market.authenticate(key.secret + "0"));
    for (const auto& [name, body] : world.journal)
        CHECK(body.find(key.secret) == std::string::npos);
    CHECK(world.market.revoke_key(key.key, world.moment(), world.batch).ok());
    CHECK_FALSE(world.market.authenticate(key.secret));
}

TEST_CASE("credit is issued once for one key") {
    World world;
    for (int i = 0; i < 2; ++i) {
        CHECK(world.market.issue_credit(world.buyer, Lamports{5}, "k", world.moment(), world.batch)
                  .ok());
    }
    CHECK(world.balance(world.buyer) == Lamports{World::wealth + 5});
    const auto other =
        world.market.issue_credit(world.buyer, Lamports{6}, "k", world.moment(), world.batch);
    CHECK(other.error().code == Code::conflict);
}

TEST_CASE("a snapshot that was cut short is corrupt") {
    const World world;
    const std::string whole = write_state(world.market.snapshot());
    REQUIRE(read_state(whole).ok());
    for (const std::size_t size : {std::size_t{0}, whole.size() / 2, whole.size() - 1}) {
        const auto state = read_state(std::string_view(whole).substr(0, size));
        REQUIRE_FALSE(state.ok());
        CHECK(state.error().code == Code::corrupt);
    }
}

}  // namespace
}  // namespace shoal::market
