#pragma once

// What a provider and the market say to each other, as JSON text frames on one WebSocket
// (GET /v1/session). The provider opens with hello; the market answers with a challenge; the
// provider proves its key; the market welcomes it with all the leases that it holds, or refuses.
//
// At least once: the provider numbers what must not be lost and sends it again until the market
// acknowledges it, which happens only when it is durable. What the market says needs no number:
// after a new connection, welcome tells the whole truth again.

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include <boost/describe.hpp>

#include "core/id.h"
#include "core/json.h"
#include "core/result.h"
#include "core/signature.h"
#include "core/time.h"
#include "protocol/attempt.h"
#include "protocol/events.h"
#include "protocol/job.h"
#include "protocol/offer.h"
#include "protocol/reasons.h"

namespace shoal::protocol::session {

constexpr std::uint32_t protocol_min = 1;
constexpr std::uint32_t protocol_max = 1;

// --- the provider says -------------------------------------------------------------------------

struct Hello {
    static constexpr const char* name = "hello";
    std::uint32_t protocol_min = 0;
    std::uint32_t protocol_max = 0;
    std::string release;
    PublicKey key;
};
BOOST_DESCRIBE_STRUCT(Hello, (), (protocol_min, protocol_max, release, key))

/// The signature of challenge_bytes() by the key of hello, and what is offered.
struct Proof {
    static constexpr const char* name = "proof";
    Signature signature;
    Offer offer;
};
BOOST_DESCRIBE_STRUCT(Proof, (), (signature, offer))

/// The attempt's process runs.
struct Started {
    static constexpr const char* name = "started";
    LeaseId lease;
};
BOOST_DESCRIBE_STRUCT(Started, (), (lease))

/// The attempt's process ended. If its reason is `completed`, delivery follows.
struct Exited {
    static constexpr const char* name = "exited";
    LeaseId lease;
    AttemptOutcome outcome;
};
BOOST_DESCRIBE_STRUCT(Exited, (), (lease, outcome))

/// The last word on the attempt: it was completed and its outputs are uploaded, or why not.
struct Finished {
    static constexpr const char* name = "finished";
    LeaseId lease;
    Reason reason = Reason::completed;
    std::string detail;
    std::vector<Artifact> artifacts;
    std::optional<Artifact> log;
    std::map<std::string, double> metrics;  // the last value of each
};
BOOST_DESCRIBE_STRUCT(Finished, (), (lease, reason, detail, artifacts, log, metrics))

/// One value that the job reported: which metrics at which step.
struct MetricPoint {
    std::int64_t step = 0;
    std::map<std::string, double> values;
};
BOOST_DESCRIBE_STRUCT(MetricPoint, (), (step, values))

/// What a running attempt printed and reported since the last time; may be lost. `log_offset` is
/// the place of `log` in the attempt's log, in bytes of the raw log.
struct Said {
    static constexpr const char* name = "said";
    LeaseId lease;
    std::uint64_t log_offset = 0;
    std::string log;
    std::vector<MetricPoint> metrics;
    std::optional<double> progress;  // 0 to 1
};
BOOST_DESCRIBE_STRUCT(Said, (), (lease, log_offset, log, metrics, progress))

/// The provider lives, and works on these. Sent every 10 s; renews the leases.
struct Alive {
    static constexpr const char* name = "alive";
    std::vector<LeaseId> leases;
    bool draining = false;  // it takes no more work
};
BOOST_DESCRIBE_STRUCT(Alive, (), (leases, draining))

using FromProvider = std::variant<Hello, Proof, Started, Exited, Finished, Said, Alive>;

/// `sequence` counts the messages to be acknowledged from 1; 0 marks those that may be lost.
struct ProviderFrame {
    std::uint64_t sequence = 0;
    FromProvider message;
};
BOOST_DESCRIBE_STRUCT(ProviderFrame, (), (sequence, message))

// --- the market says ---------------------------------------------------------------------------

struct Challenge {
    static constexpr const char* name = "challenge";
    std::string nonce;   // 64 hexadecimal digits
    std::string market;  // the market's public key, which signs receipts
};
BOOST_DESCRIBE_STRUCT(Challenge, (), (nonce, market))

/// One attempt to make: all that the provider must know.
struct Order {
    LeaseId lease;
    JobId job;
    TaskId task;
    std::vector<std::string> command;
    std::map<std::string, std::string> environment;
    std::vector<JobInput> inputs;
    std::vector<JobOutput> outputs;
    Resources resources;
    JobLimits limits;
    Duration time_max{};
    Duration left{};                             // until the lease ends, unless it is renewed
    std::map<std::string, std::string> secrets;  // for the job's environment alone: never written
};
BOOST_DESCRIBE_STRUCT(Order, (),
                      (lease, job, task, command, environment, inputs, outputs, resources, limits,
                       time_max, left, secrets))

/// The session is open. `leases` is everything that the market believes this provider works on;
/// what the provider holds beside it is over.
struct Welcome {
    static constexpr const char* name = "welcome";
    std::uint32_t protocol = 0;
    std::string release;
    ProviderId provider;
    Duration term{};
    std::vector<Order> leases;
};
BOOST_DESCRIBE_STRUCT(Welcome, (), (protocol, release, provider, term, leases))

/// The session is not opened, or closed; `code` as in an API error. With `conflict`, another
/// session of the same identity is live, which is told the same and goes on.
struct Refused {
    static constexpr const char* name = "refused";
    std::string code;
    std::string message;
};
BOOST_DESCRIBE_STRUCT(Refused, (), (code, message))

struct Granted {
    static constexpr const char* name = "granted";
    Order order;
};
BOOST_DESCRIBE_STRUCT(Granted, (), (order))

struct Renewed {
    static constexpr const char* name = "renewed";
    LeaseId lease;
    Duration left{};
};
BOOST_DESCRIBE_STRUCT(Renewed, (), (lease, left))

/// The lease is over: the attempt is stopped if it runs, and may be forgotten.
struct Ended {
    static constexpr const char* name = "ended";
    LeaseId lease;
    Reason reason = Reason::completed;
};
BOOST_DESCRIBE_STRUCT(Ended, (), (lease, reason))

/// All frames up to `sequence` are durable.
struct Ack {
    static constexpr const char* name = "ack";
    std::uint64_t sequence = 0;
};
BOOST_DESCRIBE_STRUCT(Ack, (), (sequence))

using FromMarket = std::variant<Challenge, Welcome, Refused, Granted, Renewed, Ended, Ack>;

/// What the provider signs: domain, version, the market's key, the nonce, its own key.
Bytes challenge_bytes(const Challenge&, const PublicKey& provider);

/// A frame's text. (The big variants are compiled once, in session.cpp.)
std::string print(const ProviderFrame&);
std::string print(const FromMarket&);

/// invalid: not a frame. unsupported: a message of unknown name. At most limits::message_bytes.
Result<ProviderFrame> read_provider_frame(std::string_view text);
Result<FromMarket> read_market_frame(std::string_view text);

}  // namespace shoal::protocol::session
