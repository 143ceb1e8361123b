#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/id.h"
#include "core/limits.h"
#include "core/time.h"
#include "protocol/attempt.h"
#include "protocol/job.h"
#include "provider/outbox.h"
#include "provider/reports.h"
#include "provider/steps.h"

namespace shoal::provider {

/// Where an attempt stands. It occupies the machine while `starting` and `running`.
enum class Phase { fetching, waiting, starting, running, collecting, uploading, delivered };

/// An attempt that an earlier process of this provider left: its shim may live or have ended, which
/// the shell tells with the same inputs as of any other.
struct Found {
    protocol::session::Order order;
    std::uint32_t slot = 0;
};

/// The attempts that a provider holds, from the order to the market's last word.
///
/// An order that does not fit right now waits; those that wait begin in the order of their leases.
/// What the market must know goes through the outbox. A lease that the market does not renew ends:
/// then the attempt is stopped and given back. While it is away, work goes on until then.
class Attempts {
public:
    struct Settings {
        protocol::Resources capacity;
        std::uint32_t attempts_max = 1;
        Duration alive_every = limits::heartbeat;
        Duration drain_time{30'000};  // for what runs, once the owner wants the machine back
    };

    explicit Attempts(Settings);

    /// Before anything else; the shell then tells how each one stands.
    void restore(const std::vector<Found>&, Time now);

    // --- the market's words --------------------------------------------------------------------
    void on(const protocol::session::Welcome&, const Moment&, Effects&);
    void on(const protocol::session::Granted&, const Moment&, Effects&);
    void on(const protocol::session::Renewed&, const Moment&, Effects&);
    void on(const protocol::session::Ended&, const Moment&, Effects&);
    void on(const protocol::session::Ack&, const Moment&, Effects&);
    void session_closed();

    // --- what the shell found ------------------------------------------------------------------
    void on(const InputsFetched&, const Moment&, Effects&);
    void on(const InputsFailed&, const Moment&, Effects&);
    void on(const JobStarted&, const Moment&, Effects&);
    void on(const JobSaid&, const Moment&, Effects&);
    void on(const JobEnded&, const Moment&, Effects&);
    void on(const Collected&, const Moment&, Effects&);
    void on(const Uploaded&, const Moment&, Effects&);
    void on(const UploadFailed&, const Moment&, Effects&);
    void on(const Drain&, const Moment&, Effects&);
    void tick(const Moment&, Effects&);

    std::optional<Time> next_deadline() const;

    /// The most that may start now.
    protocol::Resources unused() const;
    std::size_t size() const { return attempts_.size(); }
    std::optional<Phase> phase(LeaseId) const;
    bool draining() const { return drain_end_.has_value(); }
    void check_invariants() const;

private:
    struct Attempt {
        protocol::session::Order order;
        Phase phase = Phase::waiting;
        Time lease_end;
        bool asked = false;                    // an effect of it has not been answered yet
        bool found = false;                    // of an earlier process; it may have ended already
        bool over = false;                     // the market needs no more word of it
        std::optional<protocol::Reason> stop;  // why it was asked to stop, or will not go on
        std::optional<Time> again_at;          // when to fetch or upload again
        unsigned failures = 0;
        std::uint32_t slot = 0;
        bool told_started = false;
        protocol::Reason reason = protocol::Reason::completed;
        std::string detail;
        std::vector<protocol::Artifact> artifacts;
        std::size_t uploaded = 0;  // of the artifacts, from the first
        std::optional<protocol::Artifact> log;
        Reports reports;
    };

    static bool occupies(const Attempt&);
    static bool is_done(const Attempt&);
    Attempt* find(LeaseId);

    void begin(const protocol::session::Order&, const Moment&, Effects&);
    void start_waiting(const Moment&, Effects&);
    static bool within(const protocol::Resources& wanted, const protocol::Resources& there);
    bool fits(const protocol::Resources&) const;
    std::uint32_t free_slot() const;
    void tell_started(Attempt&);
    void collect(Attempt&, Effects&);
    void upload(Attempt&, Effects&);
    void finish(Attempt&, protocol::Reason, std::string_view detail);
    void renew(Attempt&, Duration left, const Moment&, Effects&);

    /// Ends the attempt for this reason as soon as may be: now, or when the shell has answered.
    void stop(Attempt&, protocol::Reason, Effects&);
    /// The market has had its last word of it.
    void release(LeaseId, protocol::Reason, Effects&);
    /// After an answer of the shell: whether the attempt goes on. One that is over is forgotten.
    bool goes_on(Attempt&, const Moment&, Effects&);
    void forget(LeaseId, Effects&);

    void say_alive(const Moment&, Effects&);
    void send_waiting(Effects&);
    static void try_later(Attempt&, Duration wait, const Moment&);
    void retry(Attempt&, Effects&);
    void tick_attempts(const Moment&, Effects&);
    void tick_drain(const Moment&, Effects&);

    Settings settings_;
    std::map<LeaseId, Attempt> attempts_;
    Outbox outbox_;
    std::optional<Time> alive_at_;  // while a session is open
    std::optional<Time> drain_end_;
    bool drain_stopped_ = false;
};

}  // namespace shoal::provider
