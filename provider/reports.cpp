#include "provider/reports.h"

#include <algorithm>
#include <cmath>

#include <boost/describe.hpp>

#include "core/json.h"
#include "core/limits.h"
#include "core/text.h"

namespace shoal::provider {

/// One line of a job, of which one member is there.
struct ReportLine {
    std::optional<std::map<std::string, double>> metric;
    std::optional<double> progress;
    std::optional<std::string> checkpoint;
    std::optional<std::string> log;  // the shim has put it into the log
};
BOOST_DESCRIBE_STRUCT(ReportLine, (), (metric, progress, checkpoint, log))

namespace {

constexpr std::size_t bytes_per_second = 128 << 10;   // of points; a message stays below its limit
constexpr double step_max = 9'007'199'254'740'992.0;  // 2^53: beyond it a double is no count

/// How long the character is that begins with this byte; 1 for what begins none.
std::size_t character_size(char first) {
    const auto byte = static_cast<unsigned char>(first);
    if (byte >= 0xF0 && byte < 0xF8) return 4;
    if (byte >= 0xE0 && byte < 0xF0) return 3;
    if (byte >= 0xC0 && byte < 0xE0) return 2;
    return 1;
}

bool continues_character(char at) {
    return (static_cast<unsigned char>(at) & 0xC0U) == 0x80U;
}

}  // namespace

std::size_t whole_characters(std::string_view text) {
    const std::size_t look_back = std::min<std::size_t>(text.size(), 3);
    for (std::size_t back = 1; back <= look_back; ++back) {
        const std::size_t begin = text.size() - back;
        if (continues_character(text[begin])) continue;
        return character_size(text[begin]) > back ? begin : text.size();
    }
    return text.size();
}

Reports::News Reports::read(std::string_view bytes, Time now) {
    News news;
    while (!bytes.empty()) {
        const std::size_t end = bytes.find('\n');
        const std::string_view part = bytes.substr(0, end);
        overlong_ = overlong_ || rest_.size() + part.size() > limits::report_line_bytes;
        if (overlong_) {
            rest_.clear();
        } else {
            rest_ += part;
        }
        if (end == std::string_view::npos) break;
        bytes.remove_prefix(end + 1);
        if (overlong_) ++lines_refused_;
        if (!overlong_ && !rest_.empty()) read_line(rest_, now, news);
        overlong_ = false;
        rest_.clear();
    }
    return news;
}

void Reports::read_line(std::string_view line, Time now, News& news) {
    const auto value = json::parse(line, limits::report_line_bytes);
    if (!value.ok()) {
        ++lines_refused_;
        return;
    }
    const auto report = json::read<ReportLine>(value.value(), json::Reader::tolerant);
    if (!report.ok()) {
        ++lines_refused_;
        return;
    }
    const ReportLine& said = report.value();
    if (said.metric) read_metric(*said.metric, line.size(), now, news);
    if (said.progress && std::isfinite(*said.progress)) {
        news.progress = std::clamp(*said.progress, 0.0, 1.0);
    }
    if (said.checkpoint && is_printable(*said.checkpoint) &&
        said.checkpoint->size() <= limits::path_bytes) {
        checkpoint_ = *said.checkpoint;
    }
}

void Reports::read_metric(const std::map<std::string, double>& values, std::size_t bytes, Time now,
                          News& news) {
    protocol::session::MetricPoint point;
    point.step = last_step_ + 1;
    for (const auto& [name, value] : values) {
        if (name == "step") {
            if (std::abs(value) <= step_max) point.step = static_cast<std::int64_t>(value);
            continue;
        }
        if (!is_name(name)) continue;
        if (!last_values_.contains(name) && last_values_.size() == limits::metric_names) continue;
        last_values_[name] = value;
        point.values[name] = value;
    }
    if (point.values.empty()) {
        ++lines_refused_;
        return;
    }
    last_step_ = point.step;
    if (within_rate(bytes, now)) {
        news.metrics.push_back(std::move(point));
    } else {
        ++points_dropped_;
    }
}

bool Reports::within_rate(std::size_t bytes, Time now) {
    if (!second_ || now - *second_ >= std::chrono::seconds{1}) {
        second_ = now;
        points_ = 0;
        points_bytes_ = 0;
    }
    ++points_;
    points_bytes_ += bytes;
    return points_ <= limits::reports_per_second && points_bytes_ <= bytes_per_second;
}

}  // namespace shoal::provider
