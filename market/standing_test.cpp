#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include "core/limits.h"
#include "market/why.h"
#include "market/world_for_test.h"

namespace shoal::market {
namespace {

using protocol::LimitedBy;
using protocol::Role;

void freeze(World& world, AccountId account, const std::optional<std::string>& reason) {
    CHECK(world.market.freeze_account(account, reason, world.moment(), world.batch).ok());
    world.flush();
}

/// What a command that is refused says; it has changed nothing.
template <class Command>
Error refusal(World& world, Command command) {
    world.flush();
    const State before = world.market.snapshot();
    const Status status = command();
    REQUIRE_FALSE(status.ok());
    CHECK(world.market.snapshot() == before);
    CHECK(world.batch.events.empty());
    return status.error();
}

KeyId key(World& world, AccountId account, Role role) {
    const KeyId made =
        world.market.create_key(account, role, world.moment(), world.batch).value().key;
    world.flush();
    return made;
}

// --- freezing ----------------------------------------------------------------------------------

TEST_CASE("a frozen account begins nothing, and what runs is finished and paid") {
    World world;
    const ProviderId machine = world.provider(1, core_price(3'600'000), 1);
    const JobId job = world.submit(simple_job(3)).value();
    const LeaseId running = world.live().at(0);
    freeze(world, world.buyer, "unpaid bill");
    const auto submitted = world.submit(simple_job());
    REQUIRE_FALSE(submitted.ok());
    CHECK(submitted.error().code == Code::denied);
    CHECK(submitted.error().what == "the account is frozen: unpaid bill");
    world.work(running, Duration{5'000});
    CHECK(world.job(job).charged == Lamports{5'000});
    CHECK(world.live().empty());
    world.advance(Duration{120'000});
    CHECK(world.live().empty());
    const protocol::JobWhy answer = why(world.market, job, world.clock);
    CHECK(answer.sentence == "its account is frozen, so it begins nothing: unpaid bill");
    CHECK(answer.fit == 0U);
    CHECK(why(world.market, world.job(job).tasks.at(1), world.clock).sentence == answer.sentence);
    freeze(world, world.buyer, std::nullopt);
    CHECK(world.live().size() == 1);
    CHECK(world.market.state().attempts.at(world.live().at(0)).provider == machine);
    world.replay();
}

TEST_CASE("a frozen provider gets no work until it goes on, and others do") {
    World world;
    const ProviderId cheap = world.provider(1, core_price(1'000));
    const ProviderId dear = world.provider(1, core_price(2'000));
    const AccountId owner = world.market.state().providers.at(cheap).account;
    freeze(world, owner, "under review");
    CHECK(why(world.market, cheap).sentence ==
          "its account is frozen, so it gets no work: under review");
    const JobId first = world.submit(simple_job()).value();
    CHECK(world.market.state().attempts.at(world.live().at(0)).provider == dear);
    CHECK(world.submit(simple_job()).ok());
    CHECK(world.live().size() == 1);
    // A new session changes nothing of that.
    world.market.leave(cheap);
    world.rejoin(cheap);
    world.advance(Duration{10'000});
    CHECK(world.live().size() == 1);
    freeze(world, owner, std::nullopt);
    CHECK(world.live().size() == 2);
    CHECK(world.job(first).tasks_open == 1);
    world.replay();
}

TEST_CASE("a gang and a starving job of a frozen account wait, and room is not kept for them") {
    World world;
    world.provider(2, core_price(1'000));
    protocol::JobSpec gang = simple_job(2);
    gang.tasks.gang = 2;
    freeze(world, world.buyer, "first");
    CHECK_FALSE(world.submit(gang).ok());
    freeze(world, world.buyer, std::nullopt);
    protocol::JobSpec big = simple_job(1);
    big.resources.cores = 2;
    CHECK(world.submit(big).ok());
    const JobId waiting = world.submit(gang).value();
    freeze(world, world.buyer, "then");
    world.work(world.live().at(0), Duration{1'000});
    world.advance(Duration{200'000});
    CHECK(world.live().empty());
    CHECK_FALSE(world.market.reservations().has(waiting));
    freeze(world, world.buyer, std::nullopt);
    CHECK(world.live().size() == 2);
    world.replay();
}

TEST_CASE("a frozen account stores nothing itself, and its attempts' outputs are kept") {
    World world;
    world.provider(1, core_price(1'000));
    CHECK(world.submit(simple_job()).ok());
    freeze(world, world.buyer, "x");
    CHECK(world.store("own").error().code == Code::denied);
    CHECK(world.store("output", world.live().at(0)).ok());
    world.replay();
}

TEST_CASE("why an account is frozen is a short text") {
    World world;
    for (const std::string& reason :
         {std::string(), std::string("a\nb"), std::string(limits::freeze_reason_bytes + 1, 'x')}) {
        CHECK(refusal(world, [&] {
                  return world.market.freeze_account(world.buyer, reason, world.moment(),
                                                     world.batch);
              }).code == Code::invalid);
    }
    CHECK(refusal(world, [&] {
              return world.market.freeze_account(AccountId{99}, "x", world.moment(), world.batch);
          }).code == Code::not_found);
    freeze(world, world.buyer, std::nullopt);
    CHECK(world.journal.back().first != "account_frozen");
}

// --- credit for others -------------------------------------------------------------------------

TEST_CASE("credit goes from one account to another, and the books show it") {
    World world;
    const AccountId friendly = world.account();
    CHECK(world.market
              .transfer_credit({world.buyer, friendly, Lamports{250}, "a"}, world.moment(),
                               world.batch)
              .ok());
    world.flush();
    CHECK(world.balance(friendly) == Lamports{250});
    CHECK(world.balance(world.buyer) == Lamports{World::wealth - 250});
    const auto lines =
        world.market.ledger().statement(protocol::LedgerAccount::available(friendly), {}, 10);
    REQUIRE(lines.size() == 1);
    CHECK(lines.at(0).transfer.purpose == protocol::TransferPurpose::credit_transferred);
    world.replay();
}

TEST_CASE("credit goes nowhere from who is frozen, to oneself, to nobody, or without being there") {
    World world;
    const AccountId friendly = world.account();
    const auto transfer = [&](AccountId from, AccountId to, std::int64_t amount) {
        return refusal(world, [&] {
            return world.market.transfer_credit({from, to, Lamports{amount}, "b"}, world.moment(),
                                                world.batch);
        });
    };
    CHECK(transfer(world.buyer, world.buyer, 1).code == Code::invalid);
    CHECK(transfer(world.buyer, AccountId{99}, 1).code == Code::not_found);
    CHECK(transfer(world.buyer, friendly, 0).code == Code::invalid);
    CHECK(transfer(world.buyer, friendly, -5).code == Code::invalid);
    const Error less = transfer(world.buyer, friendly, World::wealth + 1);
    CHECK(less.code == Code::exhausted);
    CHECK(less.what == "amount: 1.000000001 credit was asked for, and 1 credit is available");
    freeze(world, world.buyer, "x");
    CHECK(transfer(world.buyer, friendly, 1).code == Code::denied);
    // Whoever is frozen may be given something.
    CHECK(world.market.issue_credit(friendly, Lamports{5}, "k", world.moment(), world.batch).ok());
    CHECK(
        world.market
            .transfer_credit({friendly, world.buyer, Lamports{5}, "c"}, world.moment(), world.batch)
            .ok());
    world.flush();
    world.replay();
}

// --- the end of an account ---------------------------------------------------------------------

struct Leaving : World {
    Leaving() {
        key(*this, account(), Role::operator_);
        own = key(*this, buyer, Role::buyer);
        machine = provider(2, core_price(3'600'000));
        protocol::JobSpec spec = simple_job(2);
        spec.name = "Ada's thesis";
        spec.environment["HOME_OF"] = "Ada";
        CHECK(store("private bytes").ok());
        protocol::JobInput input;
        input.as = "diary";
        input.blob = sha256(std::string_view("private bytes"));
        spec.inputs.push_back(input);
        thesis = submit(spec).value();
    }

    Status erase(bool gives_up = true, bool by_operator = false) {
        return market.erase_account({buyer, gives_up, by_operator}, moment(), batch);
    }

    void finish() {
        while (!live().empty()) work(live().front(), Duration{1'000}, {{"loss of Ada", 0.5}});
    }

    KeyId own;
    ProviderId machine;
    JobId thesis;
};

TEST_CASE("an account is not erased while something is open, or credit is left unsaid") {
    Leaving world;
    const auto refused = [&](bool gives_up, bool by_operator) {
        return refusal(world, [&] { return world.erase(gives_up, by_operator); });
    };
    CHECK(refused(true, true).what == "1 jobs are open: cancel them, or wait for their end");
    world.finish();
    CHECK(refused(false, true).code == Code::conflict);
    CHECK(refused(false, true).what ==
          "0.999998 credit is left: transfer it, or say that you give it up");
    freeze(world, world.buyer, "x");
    CHECK(refused(true, false).code == Code::denied);
    CHECK(world.erase(true, true).ok());
    world.flush();
    CHECK(refused(true, true).what == "the account was erased");
    world.replay();
}

TEST_CASE("whose machines work is not erased, nor is the last operator") {
    Leaving world;
    const AccountId seller = world.market.state().providers.at(world.machine).account;
    const Error works = refusal(world, [&] {
        return world.market.erase_account({seller, true, false}, world.moment(), world.batch);
    });
    CHECK(works.code == Code::conflict);
    CHECK(works.what.starts_with(to_string(world.machine) + " works"));
    World alone;
    key(alone, alone.buyer, Role::operator_);
    const Error last = refusal(alone, [&] {
        return alone.market.erase_account({alone.buyer, true, true}, alone.moment(), alone.batch);
    });
    CHECK(last.code == Code::conflict);
    CHECK(last.what.starts_with("the market's last operator cannot leave"));
}

TEST_CASE("who is erased is forgotten in word, and stays in the books") {
    Leaving world;
    world.finish();
    const Hash spec = world.job(world.thesis).spec_hash;
    CHECK(world.erase().ok());
    world.flush();
    const std::string state = write_state(world.market.snapshot());
    for (const std::string_view word : {"Ada", "diary", "./work"}) {
        CHECK(state.find(word) == std::string::npos);
    }
    CHECK(world.balance(world.buyer) == Lamports{});
    CHECK(world.market.ledger().sum() == Lamports{});
    CHECK(world.job(world.thesis).spec_hash == spec);
    CHECK(world.job(world.thesis).charged == Lamports{2'000});
    CHECK(world.market.state().keys.at(world.own).revoked);
    CHECK(world.market.receipt(world.thesis).error().code == Code::not_found);
    CHECK(world.market.receipt(world.thesis).error().what.starts_with("the receipt is gone"));
    CHECK_FALSE(world.market.may_read(world.buyer, sha256(std::string_view("private bytes"))));
    CHECK(world.market.state().blobs.empty());
    CHECK(world.submit(simple_job()).error().code == Code::conflict);
    CHECK(world.store("again").error().code == Code::denied);
    CHECK(world.market.issue_credit(world.buyer, Lamports{1}, "late", world.moment(), world.batch)
              .error()
              .code == Code::conflict);
    world.replay();
}

TEST_CASE("a seller who is erased has no machine left that gets work") {
    Leaving world;
    world.finish();
    const AccountId seller = world.market.state().providers.at(world.machine).account;
    CHECK(world.market.erase_account({seller, true, false}, world.moment(), world.batch).ok());
    world.flush();
    CHECK(world.market.state().providers.at(world.machine).offer.name.empty());
    CHECK(world.market.state().providers.at(world.machine).earned > Lamports{});
    CHECK(world.submit(simple_job()).ok());
    CHECK(world.live().empty());
    CHECK(world.market.receipt(world.thesis).ok());
    world.replay();
}

TEST_CASE("many blobs of who is erased are dropped some at a time, and at once") {
    Leaving world;
    world.finish();
    for (int i = 0; i < 2'500; ++i) {
        const Hash hash = sha256("blob " + std::to_string(i));
        CHECK(
            world.market.store_blob({world.buyer, hash, 1, {}}, world.moment(), world.batch).ok());
    }
    world.flush();
    CHECK(world.erase().ok());
    world.flush();
    const std::size_t left = world.market.state().blobs.size();
    CHECK(left == 1'501);
    CHECK(world.market.next_deadline() == world.clock);
    const State state = read_state(write_state(world.market.snapshot())).value();
    const Market restored(world.market.settings(), SecretKey(World::seed(1)), state);
    restored.check_invariants();
    CHECK(restored.next_deadline() == world.clock);
    world.advance(Duration{});
    CHECK(world.market.state().blobs.size() == 501);
    world.advance(Duration{});
    CHECK(world.market.state().blobs.empty());
    world.replay();
}

TEST_CASE("what operators did is kept for so long, and no longer") {
    World world;
    const KeyId operators = key(world, world.account(), Role::operator_);
    protocol::OperatorActed action;
    action.key = operators;
    action.route = "PUT /v1/accounts/{account}/weight";
    action.at = world.clock;
    world.market.note_action(action, world.batch);
    world.flush();
    world.clock += limits::audit_kept - Duration{1};
    action.at = world.clock;
    world.market.note_action(action, world.batch);
    world.flush();
    CHECK(world.market.state().audit.size() == 2);
    world.clock += Duration{1};
    action.at = world.clock;
    world.market.note_action(action, world.batch);
    world.flush();
    CHECK(world.market.state().audit.size() == 2);
    CHECK(world.market.state().audit.begin()->first == ActionId{2});
    world.replay();
}

TEST_CASE("a key's rate is set within what is possible") {
    World world;
    const KeyId own = key(world, world.buyer, Role::buyer);
    const auto set = [&](KeyId id, std::optional<protocol::RequestRate> rate) {
        return world.market.limit_key(id, rate, world.moment(), world.batch);
    };
    CHECK(set(own, protocol::RequestRate{5, 10}).ok());
    CHECK(world.market.state().keys.at(own).rate == protocol::RequestRate{5, 10});
    world.flush();
    CHECK(refusal(world, [&] { return set(own, protocol::RequestRate{0, 10}); }).code ==
          Code::invalid);
    CHECK(refusal(world, [&] {
              return set(own, protocol::RequestRate{1, limits::requests_most + 1});
          }).code == Code::invalid);
    CHECK(refusal(world, [&] { return set(KeyId{77}, std::nullopt); }).code == Code::not_found);
    CHECK(set(own, std::nullopt).ok());
    CHECK_FALSE(world.market.state().keys.at(own).rate);
    world.flush();
    world.replay();
}

}  // namespace
}  // namespace shoal::market
