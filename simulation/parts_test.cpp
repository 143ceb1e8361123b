// The parts of the simulation: what they must see, each alone.

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "simulation/coverage.h"
#include "simulation/facts.h"
#include "simulation/queue.h"
#include "simulation/shrink.h"

namespace shoal::simulation {
namespace {

using protocol::LedgerAccount;
using protocol::TransferPurpose;

constexpr Time noon{Duration{43'200'000}};

TEST_CASE("what is due at one time is done in the order in which it was put there") {
    Queue queue;
    std::string done;
    queue.put(noon, [&] { done += 'b'; });
    queue.put(noon, [&] { done += 'c'; });
    queue.put(noon - Duration{1}, [&] { done += 'a'; });
    while (!queue.empty()) queue.take()();
    CHECK(done == "abc");
}

/// An account with credit, a job of one task that holds 100 of it, and a provider.
Facts made_facts() {
    Facts facts;
    facts.on(protocol::AccountCreated{AccountId{1}, noon});
    facts.on(protocol::AccountCreated{AccountId{2}, noon});
    facts.on(protocol::TransferPosted{
        TransferId{1}, "credit:1", TransferPurpose::credit_issued, LedgerAccount::issuer(),
        LedgerAccount::available(AccountId{1}), Lamports{500}, JobId{}, LeaseId{}, noon});
    facts.on(protocol::ProviderRegistered{ProviderId{1}, AccountId{2}, PublicKey{}, noon});
    protocol::OfferPublished offer{ProviderId{1}, {}, noon};
    offer.offer.capacity = {2, 2_GiB, 2_GiB};
    offer.offer.attempts_max = 1;
    facts.on(offer);
    protocol::JobSubmitted job;
    job.job = JobId{1};
    job.account = AccountId{1};
    job.tasks = {{TaskId{1}, {}}, {TaskId{2}, {}}};
    job.hold = Lamports{100};
    job.at = noon;
    facts.on(job);
    facts.on(protocol::TransferPosted{TransferId{2}, "hold:1", TransferPurpose::hold_placed,
                                      LedgerAccount::available(AccountId{1}),
                                      LedgerAccount::held(JobId{1}), Lamports{100}, JobId{1},
                                      LeaseId{}, noon});
    return facts;
}

protocol::LeaseGranted grant(std::uint64_t lease, std::uint64_t task) {
    protocol::LeaseGranted granted;
    granted.lease = LeaseId{lease};
    granted.job = JobId{1};
    granted.task = TaskId{task};
    granted.provider = ProviderId{1};
    granted.reserve = Lamports{50};
    granted.time_max = Duration{60'000};
    granted.deadline = noon + Duration{60'000};
    granted.at = noon;
    return granted;
}

protocol::AttemptEnded end(std::uint64_t lease, std::int64_t charge) {
    protocol::AttemptEnded ended;
    ended.lease = LeaseId{lease};
    ended.charge = Lamports{charge};
    ended.at = noon;
    return ended;
}

TEST_CASE("events that keep every promise break none") {
    Facts facts = made_facts();
    facts.on(grant(1, 1));
    facts.on(protocol::AttemptStarted{LeaseId{1}, noon});
    facts.on(end(1, 50));
    CHECK(facts.broken() == "");
    CHECK(facts.is_over(LeaseId{1}));
    CHECK_FALSE(facts.is_settled());
}

TEST_CASE("a task has one live lease, and a provider is not filled beyond its offer") {
    Facts twice = made_facts();
    twice.on(grant(1, 1));
    twice.on(grant(2, 1));
    CHECK(twice.broken() == "a task has one live lease: task_1");

    Facts full = made_facts();
    full.on(grant(1, 1));
    full.on(grant(2, 2));
    CHECK(full.broken().starts_with("a provider is not filled beyond its offer"));
}

TEST_CASE("nobody pays too much, for what did not run, or twice") {
    Facts dear = made_facts();
    dear.on(grant(1, 1));
    dear.on(protocol::AttemptStarted{LeaseId{1}, noon});
    dear.on(end(1, 51));
    CHECK(dear.broken() == "a charge keeps within its reserve: lease_1");

    Facts idle = made_facts();
    idle.on(grant(1, 1));
    idle.on(end(1, 50));
    CHECK(idle.broken() == "nobody pays for what is not the buyer's: lease_1");

    Facts twice = made_facts();
    twice.on(grant(1, 1));
    twice.on(protocol::AttemptStarted{LeaseId{1}, noon});
    twice.on(end(1, 50));
    for (std::uint64_t id = 3; id < 5; ++id) {
        twice.on(protocol::TransferPosted{
            TransferId{id}, "charge", TransferPurpose::charge_provider,
            LedgerAccount::held(JobId{1}), LedgerAccount::available(AccountId{2}), Lamports{50},
            JobId{1}, LeaseId{1}, noon});
    }
    CHECK(twice.broken() == "an attempt is paid once: lease_1");
}

TEST_CASE("no balance is below zero") {
    Facts facts = made_facts();
    facts.on(protocol::TransferPosted{TransferId{3}, "w", TransferPurpose::credit_withdrawn,
                                      LedgerAccount::available(AccountId{1}),
                                      LedgerAccount::issuer(), Lamports{401}, JobId{}, LeaseId{},
                                      noon});
    CHECK(facts.broken() == "no balance is below zero: available:acc_1");
}

TEST_CASE("what was never reached is named") {
    const std::vector<std::string> missing = gaps(Coverage{});
    for (const char* name :
         {"event blob_dropped", "refusal corrupt", "end budget_spent", "fault write_torn"}) {
        CHECK(std::ranges::find(missing, name) != missing.end());
    }
    CHECK(std::ranges::find(missing, "end dispute_lost") == missing.end());
    Coverage impossible;
    impossible.ends["dispute_lost"] = 1;
    const std::vector<std::string> found = gaps(impossible);
    CHECK(std::ranges::find(found, "end dispute_lost, which nothing gives") != found.end());
}

TEST_CASE("a failing plan is made small: the fewest steps, and only the faults it needs") {
    Plan plan;
    plan.providers = 4;
    const auto needs_loss = [](const Plan& tried) -> std::optional<Failure> {
        if (tried.without.contains(Fault::loss) || tried.providers < 2) return std::nullopt;
        if (tried.steps_max < 10) return std::nullopt;
        return Failure{"lost", 10, 100};
    };
    const Shrunk small = shrink(plan, *needs_loss(plan), needs_loss);
    CHECK(small.plan.steps_max == 10);
    CHECK(small.plan.providers == 2);
    CHECK(small.plan.without.size() == fault_count - 1);
    CHECK_FALSE(small.plan.without.contains(Fault::loss));
}

TEST_CASE("of what fails only when the world has healed, the time before is halved and halved") {
    const auto after = [](const Plan& tried) -> std::optional<Failure> {
        const std::uint64_t under = std::min<std::uint64_t>(tried.steps_max, 100);
        if (under < 37) return std::nullopt;
        return Failure{"never ends", 5'000, under};
    };
    const Shrunk small = shrink(Plan{}, *after(Plan{}), after);
    CHECK(small.plan.steps_max == 37);
}

TEST_CASE("an account tells of the world and of what failed") {
    const std::vector<std::string> lines{"the market begins", "  task_1 is leased",
                                         "  task_2 is leased", "  fault: loss"};
    const std::vector<std::string> kept =
        relevant(lines, {"a task is paid once: task_2", 1, 1}, 10);
    CHECK(kept == std::vector<std::string>{"the market begins", "  task_2 is leased"});
    CHECK(relevant(lines, {"all", 1, 1}, 2).size() == 2);
}

}  // namespace
}  // namespace shoal::simulation
