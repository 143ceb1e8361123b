#include "provider/provider.h"

#include <algorithm>
#include <utility>

namespace shoal::provider {

using protocol::session::Challenge;
using protocol::session::FromMarket;
using protocol::session::Refused;
using protocol::session::Welcome;

namespace {

template <class... Each>
struct Overloaded : Each... {
    using Each::operator()...;
};

}  // namespace

Provider::Provider(Link::Identity identity, const protocol::Offer& offer)
    : link_(std::move(identity), offer),
      attempts_({.capacity = offer.capacity, .attempts_max = offer.attempts_max}) {}

Effects Provider::start(const std::vector<Found>& found, const Moment& moment) {
    Effects effects;
    attempts_.restore(found, moment.now);
    link_.start(moment.now);
    link_.tick(moment, effects);
    return effects;
}

Effects Provider::step(const Input& input, const Moment& moment) {
    Effects effects;
    const auto tick = [&](const Tick&) {
        link_.tick(moment, effects);
        attempts_.tick(moment, effects);
    };
    const auto lost = [&](const Disconnected& how) {
        if (link_.is_open()) attempts_.session_closed();
        link_.disconnected(how.why, moment, effects);
    };
    std::visit(Overloaded{tick, lost, [&](const Connected&) { link_.connected(moment, effects); },
                          [&](const MarketSaid& said) { hear(said.message, moment, effects); },
                          [&](const auto& other) { attempts_.on(other, moment, effects); }},
               input);
    return effects;
}

void Provider::hear(const FromMarket& message, const Moment& moment, Effects& effects) {
    const auto welcomed = [&](const Welcome& welcome) {
        if (link_.welcomed(welcome, effects)) attempts_.on(welcome, moment, effects);
    };
    const auto open_only = [&](const auto& said) {
        if (link_.is_open()) attempts_.on(said, moment, effects);
    };
    std::visit(Overloaded{welcomed,
                          [&](const Challenge& asked) { link_.challenged(asked, moment, effects); },
                          [&](const Refused& refused) { link_.refused(refused, moment, effects); },
                          open_only},
               message);
}

std::optional<Time> Provider::next_deadline() const {
    const auto link = link_.next_deadline();
    const auto attempts = attempts_.next_deadline();
    if (!link || !attempts) return link ? link : attempts;
    return std::min(*link, *attempts);
}

}  // namespace shoal::provider
