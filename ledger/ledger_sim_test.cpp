#include <cstdlib>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "core/random.h"
#include "ledger/ledger.h"

namespace shoal::ledger {

using protocol::AccountKind;
using protocol::LedgerAccount;
using protocol::TransferPosted;
using protocol::TransferPurpose;

namespace {

/// Random requests, many of them wrong, against plain numbers in a map.
class Simulation {
public:
    explicit Simulation(std::uint64_t seed) : random_(seed) {}

    void run(int steps) {
        for (int i = 0; i < steps; ++i) step();
    }

    /// The journal gives an equal ledger again, and so does the snapshot.
    void replay() const {
        Ledger again;
        for (const std::string& line : journal_) {
            const auto value = json::parse(line, 10'000).value();
            again.apply(json::read<TransferPosted>(value, json::Reader::tolerant).value());
        }
        REQUIRE(again == ledger_);
        REQUIRE(Ledger::restore(ledger_.state()).value() == ledger_);
    }

    std::size_t posted() const { return journal_.size(); }

private:
    using Routes = std::map<TransferPurpose, std::pair<AccountKind, AccountKind>>;

    /// What each purpose's name says, told once more.
    static const Routes& routes() {
        using enum AccountKind;
        static const Routes all{{TransferPurpose::credit_issued, {issuer, available}},
                                {TransferPurpose::credit_withdrawn, {available, issuer}},
                                {TransferPurpose::credit_transferred, {available, available}},
                                {TransferPurpose::hold_placed, {available, held}},
                                {TransferPurpose::hold_released, {held, available}},
                                {TransferPurpose::charge_provider, {held, available}},
                                {TransferPurpose::charge_fee, {held, fees}},
                                {TransferPurpose::fees_withdrawn, {fees, available}}};
        return all;
    }

    LedgerAccount account(AccountKind kind, JobId job) {
        const bool named = kind == AccountKind::available || kind == AccountKind::held;
        if (random_.percent(5)) return {kind, random_.below(4)};
        if (kind == AccountKind::held) return LedgerAccount::held(job);
        return {kind, named ? 1 + random_.below(3) : 0};
    }

    TransferRequest request() {
        auto route = routes().begin();
        std::advance(route, random_.below(routes().size()));
        TransferRequest asked;
        asked.key = "key " + std::to_string(random_.below(5'000));
        asked.purpose = route->first;
        asked.job = JobId{1 + random_.below(3)};
        asked.from = account(route->second.first, asked.job);
        asked.to = account(route->second.second, asked.job);
        if (random_.percent(5)) std::swap(asked.from, asked.to);
        asked.amount = Lamports{static_cast<std::int64_t>(random_.below(50)) - 2};
        return asked;
    }

    void step() {
        std::vector<TransferRequest> asked(1 + random_.below(2));
        for (auto& one : asked) one = request();
        const auto posted = ledger_.transfer_all(asked, Time{});
        if (!posted.ok()) {
            REQUIRE((asked.size() > 1 || !model_accepts(asked.front()) || !fits(asked.front())));
            return;
        }
        REQUIRE(posted.value().size() == asked.size());
        for (const TransferPosted& event : posted.value()) record(event);
        ledger_.check_invariants();
        compare();
    }

    /// The only way state changes: the event is written, then applied.
    void record(const TransferPosted& event) {
        REQUIRE(event.amount > Lamports{});
        REQUIRE(keys_.insert(event.key).second);  // each key exactly once
        journal_.push_back(json::print(event));
        ledger_.apply(event);
        model_[event.from] -= event.amount.value;
        model_[event.to] += event.amount.value;
        REQUIRE((event.from.kind == AccountKind::issuer || model_.at(event.from) >= 0));
    }

    bool model_accepts(const TransferRequest& asked) {
        const bool funds =
            asked.from.kind == AccountKind::issuer || model_[asked.from] >= asked.amount.value;
        return funds && asked.amount > Lamports{} && !keys_.contains(asked.key);
    }

    static bool fits(const TransferRequest& asked) {
        using enum AccountKind;
        const auto named = [&](const LedgerAccount& it) {
            if (it.kind == held) return it.owner != 0 && it.owner == asked.job.value;
            return (it.kind == available) == (it.owner != 0);
        };
        return routes().at(asked.purpose) == std::pair(asked.from.kind, asked.to.kind) &&
               asked.from != asked.to && named(asked.from) && named(asked.to);
    }

    void compare() const {
        std::int64_t total = 0;
        for (const auto& [owner, amount] : model_) {
            REQUIRE(ledger_.balance(owner) == Lamports{amount});
            total += amount;
        }
        REQUIRE(total == 0);
        REQUIRE(ledger_.sum() == Lamports{});
    }

    Random random_;
    Ledger ledger_;
    std::map<LedgerAccount, std::int64_t> model_;
    std::set<std::string> keys_;
    std::vector<std::string> journal_;
};

TEST_CASE("random transfers leave what plain sums say, and a replay leaves the same") {
    const char* chosen = std::getenv("SEED");
    const std::uint64_t first = chosen ? std::strtoull(chosen, nullptr, 10) : 1;
    const std::uint64_t count = chosen ? 1 : 20;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        CAPTURE(seed);
        Simulation simulation(seed);
        simulation.run(3'000);
        simulation.replay();
        CHECK(simulation.posted() > 500);
    }
}

}  // namespace
}  // namespace shoal::ledger
