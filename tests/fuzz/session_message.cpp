// Any bytes: read as a frame of either side of a provider's session. What is read is printed and
// read again; what a provider says is told to a market, whose invariants must hold.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "core/check.h"
#include "core/limits.h"
#include "core/text.h"
#include "market/live.h"
#include "market/market.h"
#include "protocol/session.h"

namespace shoal {
namespace {

namespace session = protocol::session;

/// A market with one provider that holds lease_1; lease_2 is another's.
class Scene {
public:
    Scene() : market_({}, SecretKey(std::array<std::uint8_t, 32>{1})) {
        const AccountId buyer = market_.create_account(moment_, batch_);
        check(market_.issue_credit(buyer, Lamports{1'000'000'000}, "start", moment_, batch_).ok());
        mine_ = join(10);
        join(11);
        protocol::JobSpec spec;
        spec.name = "job";
        spec.command = {"./work"};
        spec.resources.cores = 2;
        spec.price.max_total = Lamports{1'000'000};
        for (int i = 0; i < 2; ++i) check(market_.submit(buyer, spec, moment_, batch_).ok());
        check(market_.state().attempts.size() == 2);
    }

    void hear(const session::FromProvider& message) {
        const Status heard = market_.hear(mine_, message, moment_, batch_);
        if (!heard.ok()) check(is_utf8(heard.error().what));
        if (const auto* said = std::get_if<session::Said>(&message); said && heard.ok()) {
            live_.hear(*said);
            live_.check_invariants();
        }
        market_.check_invariants();
        moment_.now += Duration{40'000};
        market_.tick(moment_, batch_);
        market_.check_invariants();
        check_journal();
    }

private:
    ProviderId join(std::uint8_t seed) {
        protocol::Offer offer;
        offer.name = "machine";
        offer.capacity = {2, 8_GiB, 8_GiB};
        offer.price.core_hour = Lamports{3'600};
        offer.tier = protocol::Tier::b;
        const SecretKey key(std::array<std::uint8_t, 32>{seed});
        const AccountId owner = market_.create_account(moment_, batch_);
        return market_.join(owner, key.public_key(), offer, moment_, batch_).value();
    }

    /// What happened can be written, read and applied to the same effect.
    void check_journal() const {
        market::Market again({}, SecretKey(std::array<std::uint8_t, 32>{1}));
        for (const protocol::Event& event : batch_.events) {
            const auto name = protocol::event_name(event);
            const std::string body = protocol::print_event(event);
            auto read = protocol::read_event(name, json::parse(body, body.size()).value());
            check(read.ok());
            again.apply(read.value());
        }
        check(again.snapshot() == market_.snapshot());
    }

    market::Market market_;
    market::Live live_;
    market::Moment moment_{Time{Duration{1'000'000}}, {}};
    market::Batch batch_;
    ProviderId mine_;
};

void run(std::string_view text) {
    if (text.size() > limits::message_bytes) return;
    const auto from_market = session::read_market_frame(text);
    if (from_market.ok()) {
        const std::string printed = session::print(from_market.value());
        const auto again = session::read_market_frame(printed);
        check(again.ok() && session::print(again.value()) == printed);
    }
    const auto frame = session::read_provider_frame(text);
    if (!frame.ok()) {
        check(is_utf8(frame.error().what));
        return;
    }
    const std::string printed = session::print(frame.value());
    const auto again = session::read_provider_frame(printed);
    check(again.ok() && session::print(again.value()) == printed);
    Scene scene;
    scene.hear(frame.value().message);
}

}  // namespace
}  // namespace shoal

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    shoal::run({reinterpret_cast<const char*>(bytes), size});
    return 0;
}
