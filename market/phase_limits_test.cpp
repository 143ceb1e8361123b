#include "market/phase_limits.h"

#include <chrono>

#include <doctest/doctest.h>

#include "core/limits.h"
#include "market/world_for_test.h"

namespace shoal::market {
namespace {

using namespace std::chrono_literals;
using protocol::Reason;
namespace session = protocol::session;

/// A provider that is alive, and says nothing more, until the market ends its attempt.
struct Silent {
    Silent() : provider(world.provider(4, core_price(3'600'000))) {
        protocol::JobSpec spec = simple_job(1, 100'000'000);
        spec.retries = 0;
        spec.limits.time = Span{1h};
        spec.limits.output = Size{};
        spec.limits.log = 1_MiB;
        job = world.submit(spec).value();
        lease = world.live().front();
    }

    Duration stay_until_ended() {
        const Time begin = world.clock;
        session::Alive alive;
        alive.leases.push_back(lease);
        while (world.market.state().attempts.at(lease).phase != Phase::ended) {
            REQUIRE(world.clock - begin < 24h);
            world.advance(30s);
            CHECK(world.hear(provider, alive).ok());
        }
        return world.clock - begin;
    }

    const Attempt& attempt() const { return world.market.state().attempts.at(lease); }

    World world;
    ProviderId provider;
    JobId job;
    LeaseId lease;
};

TEST_CASE("an attempt that fetches for ever is ended, and nobody pays") {
    Silent silent;
    CHECK(silent.stay_until_ended() == limits::phase_slack + 30s);
    CHECK(silent.attempt().reason == Reason::fetch_failed);
    CHECK(silent.world.job(silent.job).state == protocol::JobState::failed);
    CHECK(silent.world.balance(silent.world.buyer) == Lamports{World::wealth});
    silent.world.replay();
}

TEST_CASE("an attempt that runs for longer than it may is ended, and nobody pays") {
    Silent silent;
    CHECK(silent.world.hear(silent.provider, session::Started{silent.lease}).ok());
    const Duration may = silent.attempt().time_max + 30s;  // and the grace
    CHECK(silent.stay_until_ended() == limits::phase_slack + may + 30s);
    CHECK(silent.attempt().reason == Reason::lease_expired);
    CHECK(silent.world.balance(silent.world.buyer) == Lamports{World::wealth});
}

TEST_CASE("an attempt that uploads for ever is ended, and nobody pays") {
    Silent silent;
    CHECK(silent.world.hear(silent.provider, session::Started{silent.lease}).ok());
    protocol::AttemptOutcome outcome;
    outcome.reason = Reason::completed;
    outcome.started = true;
    CHECK(silent.world.hear(silent.provider, session::Exited{silent.lease, outcome}).ok());
    CHECK(silent.stay_until_ended() == limits::phase_slack + 8s + 22s);  // 1 MiB, slowly
    CHECK(silent.attempt().reason == Reason::upload_failed);
    CHECK(silent.world.balance(silent.world.buyer) == Lamports{World::wealth});
}

TEST_CASE("what is large may take longer to fetch") {
    Attempt attempt;
    protocol::JobSpec spec;
    const Time small = phase_due(attempt, spec);
    spec.inputs.resize(1);
    spec.inputs[0].files.resize(2);
    spec.inputs[0].files[0].size_bytes = (1_GiB).bytes;
    spec.inputs[0].files[1].size_bytes = (1_GiB).bytes;
    const std::uint64_t seconds = (2_GiB).bytes / limits::slowest_transfer.bytes;
    CHECK(phase_due(attempt, spec) - small == Duration{1'000 * static_cast<std::int64_t>(seconds)});
}

}  // namespace
}  // namespace shoal::market
