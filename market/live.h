#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/id.h"
#include "core/limits.h"
#include "core/time.h"
#include "protocol/session.h"

namespace shoal::market {

/// The end of an attempt's log that is still remembered. `next` is what to ask for to get only
/// what came later.
struct LogTail {
    std::string text;
    std::uint64_t next = 0;
};

/// The points of one metric that are kept.
struct Series {
    std::vector<std::int64_t> steps;
    std::vector<double> values;
};

/// What running attempts say: the ends of their logs, their metrics, how far they are.
///
/// None of it is in the journal, all of it is bounded and may be lost. A metric of which more
/// points come than are kept is thinned: every second point goes, and from then on every second
/// one is not taken. What an attempt said is remembered for a while after its end.
class Live {
public:
    struct Limits {
        std::size_t log_bytes = 256 << 10;           // per attempt
        std::size_t log_pieces = 4'096;              // likewise; each costs as much as a short line
        std::size_t log_bytes_total = 256 << 20;     // beyond it the oldest are forgotten
        std::size_t names = limits::metric_names;    // per attempt
        std::size_t points = limits::metric_points;  // per attempt and name
        std::size_t points_total = 16'000'000;
        std::size_t attempts = 10'000;
        Duration remembered{10LL * 60'000};  // after the end
    };

    Live() : Live(Limits{}) {}
    explicit Live(Limits limits) : limits_(limits) {}

    /// To be told only what the market has accepted: see Market::hear.
    void hear(const protocol::session::Said&);

    /// The attempt is over.
    void end(LeaseId, Time now);

    /// Forgets what ended long ago.
    void tick(Time now);

    /// The log from the place `from` on, as far as it is remembered; null: nothing is known of it.
    std::optional<LogTail> log(LeaseId, std::uint64_t from) const;

    const std::map<std::string, Series>& metrics(LeaseId) const;
    std::optional<double> progress(LeaseId) const;

    /// The last value of each metric.
    std::map<std::string, double> values(LeaseId) const;

    void check_invariants() const;

private:
    struct Piece {
        std::uint64_t place = 0;
        std::string text;
    };
    /// How many points of a metric came, how many of them make one that is kept, and the last.
    struct Count {
        std::uint64_t seen = 0;
        std::uint64_t stride = 1;
        double last = 0;
    };
    struct Said {
        std::deque<Piece> log;
        std::size_t log_bytes = 0;
        std::map<std::string, Series> metrics;
        std::map<std::string, Count> counts;
        std::size_t points = 0;
        std::optional<double> progress;
        std::optional<Time> ended;
    };

    void add_log(Said&, std::uint64_t place, std::string_view text);
    void add_points(Said&, const protocol::session::MetricPoint&);
    void add_point(Said&, const std::string& name, std::int64_t step, double value);
    void make_room(LeaseId but);
    void forget(LeaseId);

    Limits limits_;
    std::map<LeaseId, Said> said_;
    std::set<std::pair<Time, LeaseId>> ended_;
    std::size_t log_bytes_ = 0;
    std::size_t points_ = 0;
};

}  // namespace shoal::market
