#pragma once

// A small market for tests: accounts, providers, a clock that the test moves, and every batch
// written to a journal of JSON lines and replayed at the end.

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "core/json.h"
#include "market/market.h"

namespace shoal::market {

class World {
public:
    static constexpr std::int64_t wealth = 1'000'000'000;

    explicit World(Settings settings = {}) : market(settings, SecretKey(seed(1))) {
        buyer = account();
        CHECK(market.issue_credit(buyer, Lamports{wealth}, "start", moment(), batch).ok());
        flush();
    }

    AccountId account() { return market.create_account(moment(), batch); }

    Moment moment() {
        Moment now{clock, {}};
        for (std::size_t i = 0; i < 8; ++i) {
            now.entropy[i] = static_cast<std::uint8_t>(counter_ >> (8 * i));
        }
        ++counter_;
        return now;
    }

    /// A provider with its own account; joins at once.
    ProviderId provider(std::uint32_t cores, protocol::Price price,
                        std::uint32_t attempts_max = 8) {
        protocol::Offer offer;
        offer.name = "machine";
        offer.capacity = {cores, 8_GiB, 8_GiB, {}};
        offer.attempts_max = attempts_max;
        offer.price = price;
        offer.tier = protocol::Tier::b;
        return this->provider(offer);
    }

    ProviderId provider(const protocol::Offer& offer) {
        const SecretKey key(seed(static_cast<std::uint8_t>(10 + keys_++)));
        const AccountId owner = account();
        const ProviderId id = market.join(owner, key.public_key(), offer, moment(), batch).value();
        flush();
        return id;
    }

    void rejoin(ProviderId id) {
        const Provider provider = market.state().providers.at(id);
        CHECK(market.join(provider.account, provider.key, provider.offer, moment(), batch).ok());
        flush();
    }

    Result<JobId> submit(protocol::JobSpec spec) {
        auto job = market.submit(buyer, std::move(spec), moment(), batch);
        flush();
        return job;
    }

    template <class Message>
    Status hear(ProviderId provider, const Message& message) {
        const Status status = market.hear(provider, message, moment(), batch);
        flush();
        return status;
    }

    /// The buyer has these bytes; with a lease, as an output of that attempt.
    Status store(std::string_view bytes, std::optional<LeaseId> lease = {}) {
        const Status stored =
            market.store_blob({buyer, sha256(bytes), bytes.size(), lease}, moment(), batch);
        flush();
        return stored;
    }

    void advance(Duration time) {
        clock += time;
        market.tick(moment(), batch);
        flush();
    }

    /// A provider that does an attempt well: it runs for `ran`, and delivers.
    void work(LeaseId lease, Duration ran, std::map<std::string, double> metrics = {}) {
        const ProviderId provider = market.state().attempts.at(lease).provider;
        CHECK(hear(provider, protocol::session::Started{lease}).ok());
        clock += ran;
        protocol::AttemptOutcome outcome;
        outcome.reason = protocol::Reason::completed;
        outcome.started = true;
        outcome.ran_ms = ran.count();
        CHECK(hear(provider, protocol::session::Exited{lease, outcome}).ok());
        protocol::session::Finished finished;
        finished.lease = lease;
        finished.metrics = std::move(metrics);
        CHECK(hear(provider, finished).ok());
    }

    std::vector<LeaseId> live() const {
        std::vector<LeaseId> leases;
        for (const auto& [deadline, lease] : market.index().deadlines()) leases.push_back(lease);
        return leases;
    }

    const Job& job(JobId id) const { return market.state().jobs.at(id); }
    Lamports balance(AccountId id) const {
        return market.ledger().balance(protocol::LedgerAccount::available(id));
    }

    /// What would be durable: checks, writes, forgets the batch.
    void flush() {
        market.check_invariants();
        for (const protocol::Event& event : batch.events) {
            journal.emplace_back(protocol::event_name(event), protocol::print_event(event));
        }
        for (ToProvider& message : batch.messages) sent.push_back(std::move(message));
        batch = {};
    }

    /// The journal applied to a fresh market gives the same state, and so does a snapshot.
    void replay() const {
        Market again(market.settings(), SecretKey(seed(1)));
        for (const auto& [name, body] : journal) {
            again.apply(protocol::read_event(name, json::parse(body, body.size()).value()).value());
        }
        again.check_invariants();
        CHECK(again.snapshot() == market.snapshot());
        const State state = read_state(write_state(market.snapshot())).value();
        const Market restored(market.settings(), SecretKey(seed(1)), state);
        CHECK(state_hash(restored.snapshot()) == state_hash(market.snapshot()));
    }

    static std::array<std::uint8_t, 32> seed(std::uint8_t number) {
        std::array<std::uint8_t, 32> bytes{};
        bytes[0] = number;
        return bytes;
    }

    Time clock{Duration{1'000'000}};
    Market market;
    Batch batch;
    AccountId buyer;
    std::vector<ToProvider> sent;
    std::vector<std::pair<std::string, std::string>> journal;

private:
    std::uint64_t counter_ = 1;
    int keys_ = 0;
};

/// A job of `tasks` tasks that costs at most `most` lamports.
inline protocol::JobSpec simple_job(std::int64_t tasks = 1, std::int64_t most = 1'000'000) {
    protocol::JobSpec spec;
    spec.name = "job";
    spec.command = {"./work", "${n}"};
    for (std::int64_t n = 0; n < tasks; ++n) spec.tasks.matrix["n"].push_back(Scalar{n});
    spec.price.max_total = Lamports{most};
    return spec;
}

/// An hour of one core costs so many lamports.
inline protocol::Price core_price(std::int64_t lamports) {
    protocol::Price price;
    price.core_hour = Lamports{lamports};
    return price;
}

}  // namespace shoal::market
