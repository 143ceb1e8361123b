#include "provider/link.h"

#include <algorithm>

#include "core/limits.h"

namespace shoal::provider {

using protocol::session::Challenge;
using protocol::session::challenge_bytes;
using protocol::session::Hello;
using protocol::session::Proof;
using protocol::session::protocol_max;
using protocol::session::protocol_min;
using protocol::session::Refused;
using protocol::session::Welcome;

namespace {

constexpr Duration backoff_min{250};
constexpr Duration backoff_max{30'000};
constexpr Duration handshake_max{20'000};
constexpr Duration start_patience{2'000};  // a killed process's connection may still be closing

}  // namespace

Duration backoff(unsigned failures, std::uint64_t entropy) {
    constexpr unsigned doublings_max = 7;  // 250 ms doubled 7 times is above the maximum
    const Duration whole =
        std::min(backoff_max, backoff_min * (1U << std::min(failures, doublings_max)));
    const auto half = static_cast<std::uint64_t>(whole.count()) / 2;
    return whole - Duration{static_cast<std::int64_t>(entropy % (half + 1))};
}

Link::Link(Identity identity, protocol::Offer offer)
    : identity_(std::move(identity)), offer_(std::move(offer)) {}

void Link::start(Time now) {
    state_ = State::waiting;
    deadline_ = now;
    conflict_patience_ = now + start_patience;
}

void Link::connected(const Moment& moment, Effects& effects) {
    if (state_ != State::connecting) return;
    state_ = State::greeting;
    deadline_ = moment.now + handshake_max;
    effects.emplace_back(Send{
        {0, Hello{protocol_min, protocol_max, identity_.release, identity_.key.public_key()}}});
}

void Link::disconnected(const Error& why, const Moment& moment, Effects& effects) {
    if (state_ == State::over || state_ == State::waiting) return;
    if (why.code == Code::denied) {
        leave("the market does not let this provider in: " + why.what, effects);
        return;
    }
    if (is_open()) conflict_patience_ = moment.now + limits::session_silence;
    if (failures_ == 0) effects.emplace_back(Remark{"no connection to the market: " + why.what});
    wait(moment);
}

void Link::challenged(const Challenge& challenge, const Moment& moment, Effects& effects) {
    if (state_ != State::greeting) {
        effects.emplace_back(Disconnect{});
        return;
    }
    state_ = State::proving;
    deadline_ = moment.now + handshake_max;
    const PublicKey& own = identity_.key.public_key();
    const Signature signature = identity_.key.sign(challenge_bytes(challenge, own));
    effects.emplace_back(Send{{0, Proof{signature, offer_}}});
}

bool Link::welcomed(const Welcome& welcome, Effects& effects) {
    if (state_ != State::proving) {
        effects.emplace_back(Disconnect{});
        return false;
    }
    if (welcome.protocol < protocol_min || welcome.protocol > protocol_max) {
        effects.emplace_back(Disconnect{});
        leave("the market speaks protocol " + std::to_string(welcome.protocol) +
                  ", which this release does not",
              effects);
        return false;
    }
    state_ = State::open;
    deadline_.reset();
    failures_ = 0;
    return true;
}

void Link::refused(const Refused& refused, const Moment& moment, Effects& effects) {
    const std::string said = refused.code + ": " + refused.message;
    if (is_open() || state_ == State::waiting || state_ == State::over) {
        effects.emplace_back(Remark{"the market says: " + said});
        return;
    }
    const bool busy = refused.code == "unavailable" || refused.code == "exhausted" ||
                      refused.code == "timeout" || refused.code == "stale";
    const bool own_ghost = refused.code == "conflict" && moment.now < conflict_patience_;
    effects.emplace_back(Disconnect{});
    if (busy || own_ghost) {
        effects.emplace_back(Remark{"the market refused the session for now: " + said});
        wait(moment);
        return;
    }
    leave("the market refused the session: " + said, effects);
}

void Link::tick(const Moment& moment, Effects& effects) {
    if (!deadline_ || moment.now < *deadline_) return;
    if (state_ == State::waiting) {
        state_ = State::connecting;
        deadline_.reset();
        effects.emplace_back(Connect{});
        return;
    }
    effects.emplace_back(Disconnect{});
    effects.emplace_back(Remark{"the market did not answer the handshake"});
    wait(moment);
}

void Link::wait(const Moment& moment) {
    state_ = State::waiting;
    deadline_ = moment.now + backoff(failures_, moment.entropy);
    ++failures_;
}

void Link::leave(std::string why, Effects& effects) {
    state_ = State::over;
    deadline_.reset();
    effects.emplace_back(Leave{Leave::Why::refused, std::move(why)});
}

}  // namespace shoal::provider
