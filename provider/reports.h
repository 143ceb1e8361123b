#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "protocol/session.h"

namespace shoal::provider {

/// How many bytes of the text do not end within a character: what follows the last whole one is
/// left for the next time. Bytes that are no UTF-8 at all count as whole.
std::size_t whole_characters(std::string_view text);

/// What a job says on file descriptor 3: JSON, one object a line,
/// {"metric": {"step": 10, "loss": 0.31}}, {"progress": 0.4}, {"checkpoint": "/out/c-40"},
/// {"log": "words"}.
///
/// The bytes are a stranger's: a line that is too long or means nothing is counted and left out, a
/// flood is thinned, and the number of names is bounded. The last value of each metric is always
/// kept, since it ranks the task.
class Reports {
public:
    /// What is worth passing on; may be lost.
    struct News {
        std::vector<protocol::session::MetricPoint> metrics;
        std::optional<double> progress;  // 0 to 1

        bool empty() const { return metrics.empty() && !progress; }
    };

    /// Reads bytes that follow those of the last call.
    News read(std::string_view bytes, Time now);

    const std::map<std::string, double>& last_values() const { return last_values_; }
    std::uint64_t lines_refused() const { return lines_refused_; }
    std::uint64_t points_dropped() const { return points_dropped_; }
    const std::string& checkpoint() const { return checkpoint_; }

private:
    void read_line(std::string_view line, Time now, News&);
    void read_metric(const std::map<std::string, double>& values, std::size_t bytes, Time now,
                     News&);
    bool within_rate(std::size_t bytes, Time now);

    std::string rest_;  // of a line whose end has not come
    bool overlong_ = false;
    std::map<std::string, double> last_values_;
    std::int64_t last_step_ = -1;
    std::string checkpoint_;
    std::uint64_t lines_refused_ = 0;
    std::uint64_t points_dropped_ = 0;
    std::optional<Time> second_;  // when the second began whose points are counted
    std::size_t points_ = 0;
    std::size_t points_bytes_ = 0;
};

}  // namespace shoal::provider
