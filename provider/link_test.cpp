#include "provider/link.h"

#include <doctest/doctest.h>

#include "core/limits.h"
#include "provider/testing.h"

namespace shoal::provider {

using protocol::session::challenge_bytes;
using protocol::session::Hello;
using protocol::session::Proof;
using protocol::session::Welcome;
using testing::all_of;
using testing::said;

namespace {

const Time start{Duration{1'000'000}};
constexpr std::array<std::uint8_t, 32> seed{7};

struct Case {
    Link link{{SecretKey(seed), "1.0"}, {}};
    Moment moment{start, 12345};
    Effects effects;

    Case() { link.start(start); }

    void tick_at_deadline() {
        moment.now = link.next_deadline().value_or(moment.now);
        effects.clear();
        link.tick(moment, effects);
    }
    void open() {
        tick_at_deadline();
        REQUIRE(all_of<Connect>(effects).size() == 1);
        link.connected(moment, effects);
        REQUIRE(said<Hello>(effects).size() == 1);
        link.challenged({std::string(64, 'a'), "market"}, moment, effects);
        REQUIRE(said<Proof>(effects).size() == 1);
        Welcome welcome;
        welcome.protocol = 1;
        REQUIRE(link.welcomed(welcome, effects));
    }
};

TEST_CASE("the handshake proves the key to this market for this nonce") {
    Case it;
    it.open();
    const PublicKey key = SecretKey(seed).public_key();
    const Bytes asked = challenge_bytes({std::string(64, 'a'), "market"}, key);
    CHECK(said<Hello>(it.effects)[0].key == key);
    CHECK(verify(key, asked, said<Proof>(it.effects)[0].signature));
    CHECK(it.link.is_open());
    CHECK(!it.link.next_deadline());
}

TEST_CASE("each failed try waits longer, up to half a minute, never less than half its time") {
    for (const std::uint64_t entropy : {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{999}}) {
        for (unsigned failures = 0; failures < 40; ++failures) {
            const std::int64_t whole =
                failures < 7 ? std::int64_t{250} << failures : std::int64_t{30'000};
            const Duration wait = backoff(failures, entropy);
            CHECK(wait <= Duration{whole});
            CHECK(wait >= Duration{whole / 2});
        }
    }
}

TEST_CASE("a connection that breaks is made again, and success forgets the failures") {
    Case it;
    it.open();
    for (int i = 0; i < 5; ++i) {
        it.link.disconnected({Code::unavailable, "gone"}, it.moment, it.effects);
        CHECK(it.link.state() == Link::State::waiting);
        it.tick_at_deadline();
        CHECK(all_of<Connect>(it.effects).size() == 1);
    }
    it.link.disconnected({Code::unavailable, "gone"}, it.moment, it.effects);
    it.open();
    it.link.disconnected({Code::unavailable, "gone"}, it.moment, it.effects);
    CHECK(*it.link.next_deadline() <= it.moment.now + Duration{250});
}

TEST_CASE("a market that does not answer the handshake is left") {
    Case it;
    it.tick_at_deadline();
    it.link.connected(it.moment, it.effects);
    it.tick_at_deadline();
    CHECK(all_of<Disconnect>(it.effects).size() == 1);
    CHECK(it.link.state() == Link::State::waiting);
}

TEST_CASE("a key that is not let in ends the provider") {
    Case it;
    it.tick_at_deadline();
    it.link.disconnected({Code::denied, "401"}, it.moment, it.effects);
    CHECK(all_of<Leave>(it.effects).size() == 1);
    CHECK(!it.link.next_deadline());
}

TEST_CASE("a second session of the identity is waited for as long as it may be our own") {
    Case it;
    const auto refused = [&it] {
        it.tick_at_deadline();
        it.link.connected(it.moment, it.effects);
        it.link.refused({"conflict", "another session is live"}, it.moment, it.effects);
        return !all_of<Leave>(it.effects).empty();
    };
    it.open();
    const Time broke = it.moment.now;
    it.link.disconnected({Code::unavailable, "gone"}, it.moment, it.effects);
    while (!refused()) REQUIRE(it.moment.now < broke + 2 * limits::session_silence);
    CHECK(it.moment.now >= broke + limits::session_silence);
    CHECK(all_of<Leave>(it.effects)[0].why == Leave::Why::refused);
}

TEST_CASE("words out of turn are not believed") {
    Case it;
    it.tick_at_deadline();
    Effects effects;
    CHECK(!it.link.welcomed({}, effects));
    it.link.challenged({"", ""}, it.moment, effects);
    CHECK(said<Proof>(effects).empty());
    CHECK(all_of<Disconnect>(effects).size() == 2);
}

}  // namespace

}  // namespace shoal::provider
