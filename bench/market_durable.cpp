// The market's core and its journal without sockets: what a durable lifecycle costs before any
// byte is sent. Buyers each submit a job, wait until it is settled and durable, and submit the
// next; a provider made by hand says of each lease, once it may know of it, that its job has
// started, exited and finished. Every input goes through the core loop's group commit, into SQLite
// with full synchronisation.
//
//     market_durable FOLDER BUYERS SECONDS
//
// Prints one line of JSON, after the books have been checked.

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "apps/core_loop.h"
#include "bench/clock.h"
#include "core/check.h"
#include "io/journal_sqlite.h"
#include "io/loop.h"

namespace shoal {
namespace {

namespace session = protocol::session;
using bench::Clock;
using bench::cpu_seconds;
using bench::seconds_since;

constexpr Lamports start_price{1'000};  // so that every job costs the same, however long it took
constexpr Lamports wealth{1'000'000'000'000'000};

class Run {
public:
    Run(const std::filesystem::path& folder, std::size_t buyers, double seconds)
        : journal_(io::SqliteJournal::open(folder, {.release = "bench"}).value()),
          core_(loop_, *journal_, market_, 0, {}),
          buyers_(buyers),
          seconds_(seconds) {
        core_.set_outlets({[this](const market::ToProvider& to) {
                               std::visit([this](const auto& it) { this->hear(it); }, to.message);
                           },
                           {}});
    }

    void go() {
        loop_.post([this] { begin(); });
        loop_.run();
        report();
    }

private:
    void begin() {
        core_.start([this](const market::Moment& moment, market::Batch& batch) {
            market_.start("bench", moment, batch);
            buyer_ = market_.create_account(moment, batch);
            seller_ = market_.create_account(moment, batch);
            check(market_.issue_credit(buyer_, wealth, "all", moment, batch).ok());
            protocol::Offer offer;
            offer.name = "bench";
            offer.capacity = {1'000, Size{1'000 * (1_GiB).bytes}, Size{1'000 * (1_GiB).bytes}, {}};
            offer.attempts_max = 1'000;
            offer.price.start = start_price;
            offer.tier = protocol::Tier::b;
            provider_ = market_.join(seller_, PublicKey{}, offer, moment, batch).value();
            return [this] {
                begun_ = Clock::now();
                cpu_ = cpu_seconds();
                for (std::size_t i = 0; i < buyers_; ++i) submit();
            };
        });
    }

    void submit() {
        core_.submit([this](const market::Moment& moment, market::Batch& batch) {
            protocol::JobSpec spec;
            spec.name = "nothing";
            spec.command = {"true"};
            spec.resources = {1, 64_MiB, 64_MiB};
            spec.limits.time = Span{Duration{60'000}};
            check(market_.submit(buyer_, std::move(spec), moment, batch).ok());
            return apps::CoreLoop::Release();
        });
    }

    void say(session::FromProvider message) {
        core_.submit([this, message = std::move(message)](const market::Moment& moment,
                                                          market::Batch& batch) {
            check(market_.hear(provider_, message, moment, batch).ok());
            return apps::CoreLoop::Release();
        });
    }

    void hear(const session::Granted& granted) {
        const LeaseId lease = granted.order.lease;
        protocol::AttemptOutcome outcome;
        outcome.reason = protocol::Reason::completed;
        outcome.started = true;
        say(session::Started{lease});
        say(session::Exited{lease, outcome});
        say(session::Finished{lease, protocol::Reason::completed, {}, {}, {}, {}});
    }
    void hear(const session::Ended& ended) {
        check(ended.reason == protocol::Reason::completed);
        ++done_;
        if (seconds_since(begun_) < seconds_) return submit();
        if (--buyers_ > 0) return;
        took_ = seconds_since(begun_);
        cpu_ = cpu_seconds() - cpu_;
        core_.when_idle([this] { loop_.stop(); });
    }
    template <class Other>
    void hear(const Other&) {}

    void report() {
        market_.check_invariants();
        const auto balance = [&](const protocol::LedgerAccount& account) {
            return market_.ledger().balance(account).value;
        };
        const std::int64_t paid =
            wealth.value - balance(protocol::LedgerAccount::available(buyer_));
        check(paid == start_price.value * static_cast<std::int64_t>(done_));
        check(paid == balance(protocol::LedgerAccount::available(seller_)) +
                          balance(protocol::LedgerAccount::fees()));
        check(journal_->last_sequence().value() == core_.last_sequence());
        const auto count = static_cast<double>(done_);
        std::printf(
            "{\"lifecycles\": %zu, \"seconds\": %.3f, \"per_second\": %.0f, "
            "\"cpu_us\": %.2f, \"events\": %.2f}\n",
            done_, took_, count / took_, cpu_ * 1e6 / count,
            static_cast<double>(core_.last_sequence()) / count);
    }

    market::Market market_{market::Settings{},
                           SecretKey(std::array<std::uint8_t, SecretKey::seed_size>{})};
    std::unique_ptr<io::SqliteJournal> journal_;
    io::Loop loop_;
    apps::CoreLoop core_;
    AccountId buyer_{};
    AccountId seller_{};
    ProviderId provider_{};
    std::size_t buyers_;
    double seconds_;
    double took_ = 0;
    double cpu_ = 0;
    std::size_t done_ = 0;
    Clock::time_point begun_{};
};

}  // namespace
}  // namespace shoal

int main(int argc, char** argv) {
    if (argc != 4 || std::atoi(argv[2]) <= 0 || std::atof(argv[3]) <= 0) {
        std::fputs("usage: market_durable FOLDER BUYERS SECONDS\n", stderr);
        return 2;
    }
    shoal::Run(argv[1], static_cast<std::size_t>(std::atoi(argv[2])), std::atof(argv[3])).go();
    return 0;
}
