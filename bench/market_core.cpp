// The market's decisions alone: no socket, no disk, one thread. A crowd of providers, all of them
// busy, and a queue of tasks, no two of them alike; then lifecycles one after another: a provider
// starts, exits and finishes its attempt, is given the next task, and a buyer submits another one.
//
//     market_core PROVIDERS TASKS LIFECYCLES
//
// Prints one line of JSON: bytes a provider and a queued task take, inputs and lifecycles a second,
// the time of a submission that is placed at once, and whether the books balance.

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "bench/clock.h"
#include "core/check.h"
#include "core/limits.h"
#include "core/random.h"
#include "market/market.h"

namespace shoal::market {
namespace {

namespace session = protocol::session;
using bench::Clock;
using bench::seconds_since;

/// Resident, of this process.
std::uint64_t resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    std::uint64_t size = 0;
    std::uint64_t resident = 0;
    statm >> size >> resident;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

class Crowd {
public:
    Crowd() : market_({}, SecretKey({})) {
        for (int i = 0; i < buyers; ++i) {
            buyers_.push_back(market_.create_account(moment(), batch_));
            constexpr Lamports wealth{1'000'000'000'000'000};
            check(market_.issue_credit(buyers_.back(), wealth, std::to_string(i), moment(), batch_)
                      .ok());
        }
    }

    /// Each has its own price, size and name.
    void add_provider() {
        protocol::Offer offer;
        offer.name = "machine " + std::to_string(providers_);
        offer.capacity = {static_cast<std::uint32_t>(random_.between(1, 64)),
                          Size{random_.between(2'000, 64'000) << 20U},
                          500_GiB,
                          {}};
        offer.attempts_max = 1;
        offer.tier = protocol::Tier::b;
        offer.region = "region " + std::to_string(random_.below(20));
        offer.cpu_features = {"avx2", "fma"};
        offer.price.core_hour = Lamports{static_cast<std::int64_t>(random_.between(1'000, 9'000))};
        offer.price.gib_hour = Lamports{static_cast<std::int64_t>(random_.between(100, 900))};
        PublicKey key;
        for (std::size_t i = 0; i < sizeof providers_; ++i) {
            key.bytes[i] = static_cast<std::uint8_t>(providers_ >> (8 * i));
        }
        if (providers_ % limits::providers_per_account == 0) {
            seller_ = market_.create_account(moment(), batch_);
        }
        ++providers_;
        check(market_.join(seller_, key, offer, moment(), batch_).ok());
        leave();
    }

    /// No two ask for the same: a core and, all of them different, one to two thousand MiB.
    void submit(std::int64_t tasks) {
        protocol::JobSpec spec;
        spec.name = "job " + std::to_string(jobs_);
        spec.command = {"./work", "${n}"};
        for (std::int64_t n = 0; n < tasks; ++n) spec.tasks.matrix["n"].push_back(Scalar{n});
        constexpr std::uint64_t step = 7'919;  // a prime, so that all sizes come by turns
        constexpr std::uint64_t span = 1'000'000'000;
        spec.resources = {1, Size{(1'000 << 20U) + jobs_ * step * step % span}, 1_GiB, {}};
        spec.price.max_total = Lamports{100'000 * tasks};
        ++jobs_;
        check(market_.submit(buyers_[jobs_ % buyers], spec, moment(), batch_).ok());
        ++inputs_;
        leave();
    }

    /// The attempt that has lived longest ends well.
    void live_one() {
        const auto [provider, lease] = granted_.front();
        granted_.pop_front();
        say(provider, session::Started{lease});
        protocol::AttemptOutcome outcome;
        outcome.reason = protocol::Reason::completed;
        outcome.started = true;
        say(provider, session::Alive{{lease}, false});
        say(provider, session::Exited{lease, outcome});
        session::Finished finished;
        finished.lease = lease;
        say(provider, finished);
    }

    void report(std::uint64_t lifecycles, double seconds, double placed_us,
                std::uint64_t provider_bytes, std::uint64_t task_bytes) const {
        const Tally& tally = market_.index().tally();
        const auto found = tally.ends.find(protocol::Reason::completed);
        const bool good = market_.ledger().sum() == Lamports{} && found != tally.ends.end() &&
                          found->second == lifecycles;
        std::printf(
            "{\"providers\":%llu,\"queued\":%zu,\"lifecycles\":%llu,\"inputs_per_s\":%.0f,"
            "\"lifecycles_per_s\":%.0f,\"placed_us\":%.2f,\"provider_bytes\":%llu,"
            "\"task_bytes\":%llu,\"resident_bytes\":%llu,\"good\":%s}\n",
            static_cast<unsigned long long>(providers_), queued(),
            static_cast<unsigned long long>(lifecycles), static_cast<double>(inputs_) / seconds,
            static_cast<double>(lifecycles) / seconds, placed_us,
            static_cast<unsigned long long>(provider_bytes),
            static_cast<unsigned long long>(task_bytes),
            static_cast<unsigned long long>(resident_bytes()), good ? "true" : "false");
    }

    std::size_t queued() const {
        const auto& tasks = market_.index().tally().tasks;
        const auto found = tasks.find(protocol::TaskState::queued);
        return found == tasks.end() ? 0 : found->second;
    }
    std::size_t live() const { return granted_.size(); }
    void forget_inputs() { inputs_ = 0; }

private:
    static constexpr int buyers = 1'000;

    Moment moment() {
        constexpr std::uint64_t a_millisecond = 100;  // moments: leases must not expire meanwhile
        if (++moments_ % a_millisecond == 0) clock_ += Duration{1};
        return {clock_, {}};
    }

    template <class Message>
    void say(ProviderId provider, Message message) {
        const Moment now = moment();
        market_.tick(now, batch_);
        check(market_.hear(provider, std::move(message), now, batch_).ok());
        ++inputs_;
        leave();
    }

    /// What a shell would send and write.
    void leave() {
        for (const ToProvider& message : batch_.messages) {
            const auto* granted = std::get_if<session::Granted>(&message.message);
            if (granted) granted_.emplace_back(message.provider, granted->order.lease);
        }
        batch_ = {};
    }

    Market market_;
    Batch batch_;
    Random random_{1};
    Time clock_{Duration{1'790'000'000'000}};
    std::vector<AccountId> buyers_;
    AccountId seller_;
    std::uint64_t providers_ = 0;
    std::uint64_t jobs_ = 0;
    std::uint64_t inputs_ = 0;
    std::uint64_t moments_ = 0;
    std::deque<std::pair<ProviderId, LeaseId>> granted_;
};

int run(std::uint64_t providers, std::uint64_t tasks, std::uint64_t lifecycles) {
    constexpr std::int64_t tasks_a_job = 10;
    Crowd crowd;
    std::uint64_t before = resident_bytes();
    for (std::uint64_t i = 0; i < providers; ++i) crowd.add_provider();
    const std::uint64_t provider_bytes = (resident_bytes() - before) / providers;
    const auto filling = Clock::now();
    for (std::uint64_t i = 0; i < providers; ++i) crowd.submit(1);
    const double placed_us = 1e6 * seconds_since(filling) / static_cast<double>(providers);
    check(crowd.live() == providers && crowd.queued() == 0);
    before = resident_bytes();
    while (crowd.queued() < tasks) crowd.submit(tasks_a_job);
    const std::uint64_t task_bytes = tasks == 0 ? 0 : (resident_bytes() - before) / tasks;
    crowd.forget_inputs();
    const auto start = Clock::now();
    for (std::uint64_t i = 0; i < lifecycles; ++i) {
        crowd.live_one();
        if (i % tasks_a_job == 0) crowd.submit(tasks_a_job);
    }
    crowd.report(lifecycles, seconds_since(start), placed_us, provider_bytes, task_bytes);
    return 0;
}

}  // namespace
}  // namespace shoal::market

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fputs("usage: market_core PROVIDERS TASKS LIFECYCLES\n", stderr);
        return 2;
    }
    const auto number = [&](int i) { return std::strtoull(argv[i], nullptr, 10); };
    return shoal::market::run(number(1), number(2), number(3));
}
