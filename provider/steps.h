#pragma once

// What the shell tells the provider's state machine, and what that tells the shell to do.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/id.h"
#include "core/result.h"
#include "core/time.h"
#include "protocol/attempt.h"
#include "protocol/events.h"
#include "protocol/reasons.h"
#include "protocol/session.h"

namespace shoal::provider {

/// When it is, on a clock that only passes, and a number that nobody could foresee.
struct Moment {
    Time now;
    std::uint64_t entropy = 0;
};

/// Whether what failed may go well if it is done again.
enum class Hope { again, none };

// --- inputs ------------------------------------------------------------------------------------

struct Connected {};

/// The connection broke, or could not be made. denied: it will not be made.
struct Disconnected {
    Error why;
};

struct MarketSaid {
    protocol::session::FromMarket message;
};

struct InputsFetched {
    LeaseId lease;
};

struct InputsFailed {
    LeaseId lease;
    protocol::Reason reason = protocol::Reason::fetch_failed;
    std::string detail;
    Hope hope = Hope::none;
    Duration wait{};  // what the market asks for before the next try
};

/// The job's own process runs.
struct JobStarted {
    LeaseId lease;
};

/// Bytes that the job printed (text whose last character is whole, and where in its log it stands)
/// and reported, each following those before. The log may have gaps, the reports have none.
struct JobSaid {
    LeaseId lease;
    std::uint64_t log_offset = 0;
    std::string log;
    std::string reports;
};

/// Nothing of the attempt runs any more.
struct JobEnded {
    LeaseId lease;
    protocol::AttemptOutcome outcome;
};

/// What was found in the attempt's folder, or why the outputs are not taken. The log is taken in
/// either case.
struct Collected {
    struct Refusal {
        protocol::Reason reason = protocol::Reason::output_refused;
        std::string detail;
    };
    LeaseId lease;
    std::vector<protocol::Artifact> artifacts;
    std::optional<protocol::Artifact> log;
    std::optional<Refusal> refusal;
};

struct Uploaded {
    LeaseId lease;
};

struct UploadFailed {
    LeaseId lease;
    std::string detail;
    Hope hope = Hope::none;
    Duration wait{};        // what the market asks for before the next try
    std::size_t taken = 0;  // of the artifacts, from the first: the market has these now
};

struct Tick {};

/// The owner wants the machine back: no more work, and an end to it.
struct Drain {};

using Input =
    std::variant<Connected, Disconnected, MarketSaid, InputsFetched, InputsFailed, JobStarted,
                 JobSaid, JobEnded, Collected, Uploaded, UploadFailed, Tick, Drain>;

// --- effects -----------------------------------------------------------------------------------

/// Answered by Connected or Disconnected.
struct Connect {};

/// Answered by Disconnected, if the connection was there.
struct Disconnect {};

struct Send {
    protocol::session::ProviderFrame frame;
};

/// Answered by InputsFetched or InputsFailed.
struct FetchInputs {
    protocol::session::Order order;
};

/// Answered by JobEnded, and by JobStarted before it if the job's process ran.
struct StartShim {
    protocol::session::Order order;
    std::uint32_t slot = 0;
    Duration left{};
};

/// Asks a started shim to end its job: SIGTERM, then the grace period, then SIGKILL.
struct StopShim {
    LeaseId lease;
    protocol::Reason reason = protocol::Reason::lease_expired;
    Duration grace{};
};

/// The lease of a started shim ends so much later than now.
struct MoveDeadline {
    LeaseId lease;
    Duration left{};
};

/// Which parts of an ended attempt's folder are wanted.
enum class Wanted { log, outputs_and_log };

/// Answered by Collected.
struct Collect {
    protocol::session::Order order;
    Wanted wanted = Wanted::log;
};

/// Answered by Uploaded or UploadFailed. The artifacts go in their order, then the log.
struct Upload {
    LeaseId lease;
    std::vector<protocol::Artifact> artifacts;
    std::optional<protocol::Artifact> log;
};

/// Nothing of the attempt is needed any more: its folder can go.
struct Forget {
    LeaseId lease;
};

/// The provider is done.
struct Leave {
    enum class Why { drained, refused };
    Why why = Why::drained;
    std::string detail;
};

/// Something a person should know that is nobody's fault yet.
struct Remark {
    std::string text;
};

using Effect = std::variant<Connect, Disconnect, Send, FetchInputs, StartShim, StopShim,
                            MoveDeadline, Collect, Upload, Forget, Leave, Remark>;
using Effects = std::vector<Effect>;

}  // namespace shoal::provider
