#include "ledger/ledger.h"

#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace shoal::ledger {

using protocol::LedgerAccount;
using protocol::LedgerState;
using protocol::parse_ledger_account;
using protocol::TransferPurpose;

namespace {

constexpr Time noon{Duration{43'200'000}};
const LedgerAccount issuer = LedgerAccount::issuer();
const LedgerAccount fees = LedgerAccount::fees();
const LedgerAccount buyer = LedgerAccount::available(AccountId{1});
const LedgerAccount seller = LedgerAccount::available(AccountId{2});
const LedgerAccount hold = LedgerAccount::held(JobId{9});

using enum TransferPurpose;

TransferRequest request(std::string key, TransferPurpose purpose, LedgerAccount from,
                        LedgerAccount to, std::int64_t amount) {
    const JobId job = from == hold || to == hold ? JobId{9} : JobId{};
    return {std::move(key), purpose, from, to, Lamports{amount}, job, LeaseId{}};
}

/// Decides and records; "done", or the refusal.
std::string post(Ledger& ledger, const TransferRequest& asked) {
    const Ledger before = ledger;
    const auto posted = ledger.transfer(asked, noon);
    CHECK(ledger == before);
    if (!posted.ok()) return posted.error().what;
    ledger.apply(posted.value());
    ledger.check_invariants();
    return "done";
}

/// The buyer has 100 of which 30 are held for the job.
Ledger with_a_hold() {
    Ledger ledger;
    CHECK(post(ledger, request("issue", credit_issued, issuer, buyer, 100)) == "done");
    CHECK(post(ledger, request("hold", hold_placed, buyer, hold, 30)) == "done");
    return ledger;
}

TEST_CASE("money moves from one account to the other and the sum stays zero") {
    Ledger ledger = with_a_hold();
    CHECK(post(ledger, request("pay", charge_provider, hold, seller, 18)) == "done");
    CHECK(post(ledger, request("fee", charge_fee, hold, fees, 2)) == "done");
    CHECK(post(ledger, request("rest", hold_released, hold, buyer, 10)) == "done");
    CHECK(ledger.balance(issuer) == Lamports{-100});
    CHECK(ledger.balance(buyer) == Lamports{80});
    CHECK(ledger.balance(hold) == Lamports{0});
    CHECK(ledger.balance(seller) == Lamports{18});
    CHECK(ledger.balance(fees) == Lamports{2});
    CHECK(ledger.sum() == Lamports{0});
    CHECK_FALSE(ledger.state().balances.contains(hold));
}

TEST_CASE("every purpose leads from one kind of account to one other") {
    const LedgerAccount accounts[] = {issuer, buyer, seller, hold, fees};
    struct Row {
        TransferPurpose purpose;
        const char* routes;
    };
    const Row rows[] = {
        {credit_issued, "issuer>available:acc_1 issuer>available:acc_2 "},
        {credit_withdrawn, "available:acc_1>issuer available:acc_2>issuer "},
        {credit_transferred, "available:acc_1>available:acc_2 available:acc_2>available:acc_1 "},
        {hold_placed, "available:acc_1>held:job_9 available:acc_2>held:job_9 "},
        {hold_released, "held:job_9>available:acc_1 held:job_9>available:acc_2 "},
        {charge_provider, "held:job_9>available:acc_1 held:job_9>available:acc_2 "},
        {charge_fee, "held:job_9>fees "},
        {fees_withdrawn, "fees>available:acc_1 fees>available:acc_2 "},
    };
    Ledger ledger = with_a_hold();
    ledger.apply(ledger.transfer(request("a", charge_fee, hold, fees, 1), noon).value());
    ledger.apply(ledger.transfer(request("b", charge_provider, hold, seller, 1), noon).value());
    for (const Row& row : rows) {
        std::string routes;
        for (const auto& from : accounts) {
            for (const auto& to : accounts) {
                const auto posted = ledger.transfer(request("c", row.purpose, from, to, 1), noon);
                if (posted.ok()) routes += to_string(from) + ">" + to_string(to) + " ";
            }
        }
        CHECK(routes == row.routes);
    }
}

TEST_CASE("nobody but the issuer pays what they do not have") {
    Ledger ledger = with_a_hold();
    CHECK(post(ledger, request("k", credit_transferred, buyer, seller, 71)) ==
          "expected at least 71 lamports in available:acc_1, got 70");
    CHECK(post(ledger, request("k", charge_provider, hold, seller, 31)) ==
          "expected at least 31 lamports in held:job_9, got 30");
    CHECK(ledger.transfer(request("k", fees_withdrawn, fees, seller, 1), noon).error().code ==
          Code::exhausted);
    CHECK(post(ledger, request("k", credit_transferred, buyer, seller, 70)) == "done");
}

TEST_CASE("an amount is above zero and its sum fits 64 bits") {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    Ledger ledger = with_a_hold();
    for (const std::int64_t amount : {std::int64_t{0}, std::int64_t{-1}, -most - 1}) {
        const auto refused = ledger.transfer(request("k", hold_placed, buyer, hold, amount), noon);
        CHECK(refused.error().code == Code::invalid);
    }
    const auto refused = ledger.transfer(request("k", credit_issued, issuer, buyer, most), noon);
    CHECK(refused.error().code == Code::exhausted);
}

TEST_CASE("a key is 1 to 200 bytes and the job is that of the hold") {
    const Ledger ledger = with_a_hold();
    TransferRequest asked = request("", hold_placed, buyer, hold, 1);
    CHECK(ledger.transfer(asked, noon).error().code == Code::invalid);
    asked.key = std::string(201, 'k');
    CHECK(ledger.transfer(asked, noon).error().code == Code::invalid);
    asked.key = "k";
    asked.job = JobId{8};
    CHECK(ledger.transfer(asked, noon).error().code == Code::invalid);
    asked.job = JobId{9};
    CHECK(ledger.transfer(asked, noon).ok());
}

TEST_CASE("what is asked twice under one key is posted once") {
    Ledger ledger = with_a_hold();
    const TransferRequest asked = request("hold", hold_placed, buyer, hold, 30);
    CHECK(ledger.transfer(asked, noon).error().code == Code::conflict);
    const protocol::TransferPosted* first = ledger.earlier(asked).value();
    REQUIRE(first != nullptr);
    CHECK(first->id == TransferId{2});
    CHECK(ledger.find("hold") == first);
    CHECK(ledger.find("other") == nullptr);
    CHECK(ledger.earlier(request("new", hold_placed, buyer, hold, 30)).value() == nullptr);

    TransferRequest other = asked;
    other.amount = Lamports{29};
    CHECK(ledger.earlier(other).error().code == Code::conflict);
    other = asked;
    other.lease = LeaseId{1};
    CHECK(ledger.earlier(other).error().code == Code::conflict);
}

TEST_CASE("several transfers are posted all or none") {
    Ledger ledger = with_a_hold();
    const std::vector settle{request("pay", charge_provider, hold, seller, 27),
                             request("fee", charge_fee, hold, fees, 3)};
    const auto posted = ledger.transfer_all(settle, noon);
    REQUIRE(posted.ok());
    for (const auto& event : posted.value()) ledger.apply(event);
    CHECK(ledger.balance(hold) == Lamports{0});

    const Ledger fresh = with_a_hold();
    const std::vector too_much{request("pay", charge_provider, hold, seller, 27),
                               request("fee", charge_fee, hold, fees, 4)};
    CHECK(fresh.transfer_all(too_much, noon).error().code == Code::exhausted);
    const std::vector twice{request("pay", charge_provider, hold, seller, 1),
                            request("pay", charge_provider, hold, seller, 1)};
    CHECK(fresh.transfer_all(twice, noon).error().code == Code::conflict);
    const std::vector passed_on{request("give", credit_transferred, buyer, seller, 70),
                                request("back", credit_transferred, seller, buyer, 70)};
    CHECK(fresh.transfer_all(passed_on, noon).ok());
    CHECK(fresh.transfer_all({}, noon).value().empty());
}

TEST_CASE("a statement shows both sides of each transfer with a running balance") {
    const Ledger ledger = with_a_hold();
    const auto lines = [&](const LedgerAccount& account, TransferId after, std::size_t limit) {
        std::string text;
        for (const protocol::StatementLine& line : ledger.statement(account, after, limit)) {
            text += line.transfer.key + " " + to_string(line.change) + " " +
                    to_string(line.balance) + "; ";
        }
        return text;
    };
    CHECK(lines(buyer, {}, 10) == "issue 100 100; hold -30 70; ");
    CHECK(lines(buyer, {}, 1) == "issue 100 100; ");
    CHECK(lines(buyer, TransferId{1}, 10) == "hold -30 70; ");
    CHECK(lines(buyer, TransferId{2}, 10) == "");
    CHECK(lines(hold, {}, 10) == "hold 30 30; ");
    CHECK(lines(issuer, {}, 10) == "issue -100 -100; ");
    CHECK(lines(seller, {}, 10) == "");
}

TEST_CASE("the buyer's statement has what its holds were charged, which changes no balance") {
    Ledger ledger = with_a_hold();
    REQUIRE(post(ledger, request("pay", charge_provider, hold, seller, 9)) == "done");
    REQUIRE(post(ledger, request("fee", charge_fee, hold, fees, 1)) == "done");
    REQUIRE(post(ledger, request("back", hold_released, hold, buyer, 20)) == "done");
    const auto lines = [&](const LedgerAccount& account, TransferId after, std::size_t limit) {
        std::string text;
        for (const protocol::StatementLine& line : ledger.statement(account, after, limit)) {
            text += line.transfer.key + " " + to_string(line.change) + " " +
                    to_string(line.balance) + "; ";
        }
        return text;
    };
    CHECK(lines(buyer, {}, 10) == "issue 100 100; hold -30 70; pay 0 70; fee 0 70; back 20 90; ");
    CHECK(lines(buyer, TransferId{3}, 1) == "fee 0 70; ");
    CHECK(lines(seller, {}, 10) == "pay 9 9; ");
    CHECK(Ledger::restore(ledger.state()).value() == ledger);

    Ledger own = with_a_hold();  // who sells to himself has one line of it
    REQUIRE(post(own, request("pay", charge_provider, hold, buyer, 9)) == "done");
    CHECK(own.statement(buyer, TransferId{2}, 10).size() == 1);
    CHECK(own.statement(buyer, TransferId{2}, 10).front().change == Lamports{9});
}

TEST_CASE("a snapshot gives the same ledger again, and a changed one is found corrupt") {
    const Ledger ledger = with_a_hold();
    const auto written = json::write(ledger.state());
    const auto read = json::read<LedgerState>(written, json::Reader::tolerant);
    CHECK(Ledger::restore(read.value()).value() == ledger);
    CHECK(Ledger::restore({}).value() == Ledger{});

    const auto refused = [&](auto change) {
        LedgerState state = ledger.state();
        change(state);
        const auto restored = Ledger::restore(state);
        return !restored.ok() && restored.error().code == Code::corrupt;
    };
    CHECK(refused([](LedgerState& it) { it.balances.at(buyer) = Lamports{71}; }));
    CHECK(refused([](LedgerState& it) { it.balances[seller] = Lamports{0}; }));
    CHECK(refused([](LedgerState& it) { it.next = TransferId{2}; }));
    CHECK(refused([](LedgerState& it) { it.entries.erase(TransferId{2}); }));
    CHECK(refused([](LedgerState& it) { it.entries.at(TransferId{2}).transfer.key = "issue"; }));
    CHECK(refused([](LedgerState& it) { it.entries.at(TransferId{2}).to_balance = {}; }));
    CHECK(
        refused([](LedgerState& it) { it.entries.at(TransferId{2}).transfer.id = TransferId{7}; }));
    CHECK(refused(
        [](LedgerState& it) { it.entries.at(TransferId{2}).transfer.amount = Lamports{101}; }));
}

TEST_CASE("an account's name reads back, and nothing else is an account") {
    for (const auto& account : {issuer, fees, buyer, hold}) {
        CHECK(parse_ledger_account(to_string(account)).value() == account);
    }
    for (const char* wrong : {"", "issuer ", "held:", "held:acc_1", "available:acc_0",
                              "available:job_9", "available", "fees:acc_1", "Issuer"}) {
        CHECK(parse_ledger_account(wrong).error().code == Code::invalid);
    }
}

TEST_CASE("a posted transfer looks so on the wire") {
    const Ledger ledger = with_a_hold();
    CHECK(json::print(*ledger.find("hold")) ==
          R"({"id":"tr_2","key":"hold","purpose":"hold_placed","from":"available:acc_1",)"
          R"("to":"held:job_9","amount":"30","job":"job_9","lease":"","at":43200000})");
}

}  // namespace
}  // namespace shoal::ledger
