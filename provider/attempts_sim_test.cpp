#include <cstdlib>
#include <deque>
#include <map>
#include <set>

#include <doctest/doctest.h>

#include "core/random.h"
#include "provider/provider.h"
#include "provider/testing.h"

// A provider under a made-up market, wire, shim and clock, with faults: connections break and lose
// what was under way, the provider's process is killed and takes up what its shims hold, the market
// forgets to renew. While it is so, the machine is never overbooked; when the world heals, every
// lease ends, told by the provider once for each life of the market's belief in it.

namespace shoal::provider {

using protocol::Reason;
using protocol::session::Ack;
using protocol::session::Alive;
using protocol::session::Challenge;
using protocol::session::Ended;
using protocol::session::Exited;
using protocol::session::Finished;
using protocol::session::FromMarket;
using protocol::session::Granted;
using protocol::session::Hello;
using protocol::session::Order;
using protocol::session::Proof;
using protocol::session::ProviderFrame;
using protocol::session::Renewed;
using protocol::session::Said;
using protocol::session::Started;
using protocol::session::Welcome;

namespace {

constexpr std::uint32_t cores = 4;
constexpr std::array<std::uint8_t, 32> seed_key{9};

protocol::Offer make_offer() {
    protocol::Offer offer;
    offer.capacity = {cores, 256_MiB, 4_GiB};
    offer.attempts_max = 3;
    return offer;
}

/// What the machine holds whatever becomes of the provider's process.
struct Shim {
    Order order;
    std::uint32_t slot = 0;
    bool started = false;
    std::optional<protocol::AttemptOutcome> outcome;
    std::optional<Reason> told_to_stop;
};

class World {
public:
    explicit World(std::uint64_t seed) : random_(seed) { begin_process(); }

    void play() {
        constexpr int steps = 1'500;
        for (int i = 0; i < steps; ++i) step(true);
        for (int i = 0; i < 6'000 && !at_rest(); ++i) step(false);
        REQUIRE(leases_.empty());
        REQUIRE(shims_.empty());
        REQUIRE(provider_->attempts().size() == 0);
    }

private:
    bool at_rest() const {
        return leases_.empty() && shims_.empty() && provider_->attempts().size() == 0;
    }

    // --- the provider and its shell ---

    Moment moment() { return {now_, random_.below(1'000'000'007)}; }

    void begin_process() {
        provider_.emplace(Link::Identity{SecretKey(seed_key), "1"}, make_offer());
        work_.clear();
        connected_ = false;
        std::vector<Found> found;
        found.reserve(shims_.size());
        for (const auto& [lease, shim] : shims_) found.push_back({shim.order, shim.slot});
        perform(provider_->start(found, moment()));
        for (const auto& [lease, shim] : shims_) {
            if (shim.started) work_.emplace_back(JobStarted{lease});
            if (shim.outcome) work_.emplace_back(JobEnded{lease, *shim.outcome});
        }
    }

    void tell(const Input& input) {
        perform(provider_->step(input, moment()));
        provider_->check_invariants();
    }

    void perform(const Effects& effects) {
        for (const Effect& effect : effects) {
            std::visit([this](const auto& it) { perform(it); }, effect);
        }
    }
    void perform(const Connect&) { connecting_ = true; }
    void perform(const Disconnect&) { break_connection(); }
    void perform(const Send& send) {
        if (connected_) to_market_.push_back(send.frame);
    }
    void perform(const FetchInputs& fetch) {
        const bool fails = random_.percent(20);
        const Hope hope = random_.percent(80) ? Hope::again : Hope::none;
        const InputsFailed failed{fetch.order.lease, Reason::fetch_failed, "", hope};
        work_.push_back(fails ? Input{failed} : Input{InputsFetched{fetch.order.lease}});
    }
    void perform(const StartShim& start) {
        REQUIRE(
            shims_.emplace(start.order.lease, Shim{start.order, start.slot, {}, {}, {}}).second);
        check_capacity();
    }
    void perform(const StopShim& stop) {
        const auto shim = shims_.find(stop.lease);
        REQUIRE(shim != shims_.end());
        shim->second.told_to_stop = stop.reason;
    }
    void perform(const MoveDeadline& move) { REQUIRE(shims_.contains(move.lease)); }
    void perform(const Collect& collect) {
        Collected found{collect.order.lease, {}, {}, {}};
        if (collect.wanted == Wanted::outputs_and_log) found.artifacts = {{"model", {}, 1}};
        work_.emplace_back(found);
    }
    void perform(const Upload& upload) {
        const bool fails = random_.percent(20);
        const auto taken = static_cast<std::size_t>(random_.below(upload.artifacts.size() + 1));
        const UploadFailed failed{upload.lease, "", Hope::again, {}, taken};
        work_.push_back(fails ? Input{failed} : Input{Uploaded{upload.lease}});
    }
    void perform(const Forget& forget) {
        const auto shim = shims_.find(forget.lease);
        if (shim == shims_.end()) return;
        REQUIRE(shim->second.outcome);  // never while it runs
        shims_.erase(shim);
    }
    void perform(const Leave& leave) { FAIL(leave.detail); }
    void perform(const Remark&) {}

    void check_capacity() {
        std::uint32_t used = 0;
        std::uint64_t memory = 0;
        std::set<std::uint32_t> slots;
        for (const auto& [lease, shim] : shims_) {
            if (shim.outcome) continue;
            used += shim.order.resources.cores;
            memory += shim.order.resources.memory.bytes;
            REQUIRE(slots.insert(shim.slot).second);
        }
        REQUIRE(used <= cores);
        REQUIRE(memory <= (256_MiB).bytes);
        REQUIRE(slots.size() <= 3);
    }

    // --- the wire and the market ---

    void break_connection() {
        to_market_.clear();
        to_provider_.clear();
        connected_ = false;
        connecting_ = false;
        expected_ = 1;
        tell(Disconnected{{Code::unavailable, "broken"}});
    }

    void say(FromMarket message) { to_provider_.push_back(std::move(message)); }

    void hear(const ProviderFrame& frame) {
        if (frame.sequence != 0) REQUIRE(frame.sequence == expected_++);
        std::visit([this](const auto& it) { hear_message(it); }, frame.message);
        if (frame.sequence != 0) say(Ack{frame.sequence});
    }
    void hear_message(const Hello&) { say(Challenge{std::string(64, 'a'), "market"}); }
    void hear_message(const Proof&) {
        Welcome welcome{1, "", ProviderId{1}, Duration{60'000}, {}};
        for (auto& [lease, order] : leases_) welcome.leases.push_back(order);
        say(welcome);
        open_ = true;
    }
    void hear_message(const Alive& alive) {
        for (const LeaseId lease : alive.leases) {
            if (leases_.contains(lease)) say(Renewed{lease, Duration{60'000}});
        }
    }
    void hear_message(const Said&) {}
    void hear_message(const Started& started) {
        if (leases_.contains(started.lease)) started_.insert(started.lease);
    }
    void hear_message(const Exited& exited) {
        if (leases_.contains(exited.lease)) REQUIRE(started_.contains(exited.lease));
    }
    void hear_message(const Finished& finished) {
        if (leases_.erase(finished.lease) == 0) return;  // said again, or told off before
        REQUIRE(finished_.insert(finished.lease).second);
        REQUIRE((finished.reason != Reason::completed || started_.contains(finished.lease)));
    }

    void grant() {
        Order order = testing::make_order(++last_lease_,
                                          1 + static_cast<std::uint32_t>(random_.below(cores)));
        if (random_.percent(40)) order.inputs = {testing::make_input("data")};
        leases_.emplace(order.lease, order);
        if (connected_ && open_) say(Granted{order});
    }
    void revoke() {
        const LeaseId lease = leases_.begin()->first;
        leases_.erase(leases_.begin());
        if (connected_ && open_) say(Ended{lease, Reason::cancelled_by_buyer});
    }

    // --- time ---

    void faults() {
        if (random_.percent(10) && leases_.size() < 12) grant();
        if (random_.percent(2) && !leases_.empty()) revoke();
        if (random_.percent(2) && connected_) break_connection();
        if (random_.percent(1)) begin_process_again();
        if (random_.percent(1)) pass(Duration{61'000});
    }
    void begin_process_again() {
        to_market_.clear();
        to_provider_.clear();
        expected_ = 1;
        connecting_ = false;
        begin_process();
    }

    void pass(Duration time) {
        now_ += time;
        const auto due = provider_->next_deadline();
        if (due && *due <= now_) tell(Tick{});
    }

    void run_shims() {
        for (auto& [lease, shim] : shims_) {
            if (shim.outcome) continue;
            if (!shim.started) {
                shim.started = true;
                work_.emplace_back(JobStarted{lease});
            } else if (shim.told_to_stop || random_.percent(10)) {
                const bool good = !shim.told_to_stop && random_.percent(70);
                shim.outcome = testing::make_outcome(
                    good ? Reason::completed : shim.told_to_stop.value_or(Reason::exit_code));
                work_.emplace_back(JobEnded{lease, *shim.outcome});
            }
        }
    }

    void step(bool with_faults) {
        if (with_faults) faults();
        if (connecting_ && random_.percent(50)) {
            connecting_ = false;
            connected_ = true;
            open_ = false;
            expected_ = 1;
            tell(Connected{});
        }
        if (connected_ && !to_market_.empty()) {
            const ProviderFrame frame = to_market_.front();
            to_market_.pop_front();
            hear(frame);
        }
        if (connected_ && !to_provider_.empty()) {
            const FromMarket message = to_provider_.front();
            to_provider_.pop_front();
            tell(MarketSaid{message});
        }
        if (random_.percent(30)) run_shims();
        if (!work_.empty() && random_.percent(70)) {
            const Input done = work_.front();
            work_.pop_front();
            tell(done);
        }
        pass(Duration{static_cast<std::int64_t>(random_.below(400))});
    }

    Random random_;
    Time now_{Duration{1'000'000}};
    std::optional<Provider> provider_;
    std::map<LeaseId, Shim> shims_;
    std::deque<Input> work_;
    bool connecting_ = false;
    bool connected_ = false;
    bool open_ = false;
    std::deque<ProviderFrame> to_market_;
    std::deque<FromMarket> to_provider_;
    std::uint64_t expected_ = 1;
    std::uint64_t last_lease_ = 0;
    std::map<LeaseId, Order> leases_;
    std::set<LeaseId> started_;
    std::set<LeaseId> finished_;
};

TEST_CASE("whatever breaks, the machine is never overbooked and every lease comes to an end") {
    const char* one = std::getenv("SEED");
    if (one != nullptr) return World(std::strtoull(one, nullptr, 10)).play();
    constexpr std::uint64_t seeds = 60;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        INFO("SEED=" << seed);
        World(seed).play();
    }
}

}  // namespace

}  // namespace shoal::provider
