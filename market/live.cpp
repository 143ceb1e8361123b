#include "market/live.h"

#include <algorithm>
#include <iterator>

#include "core/check.h"

namespace shoal::market {

namespace {

/// The end of the text, cut where a character begins.
std::string_view end_of(std::string_view text, std::size_t size_max) {
    if (text.size() <= size_max) return text;
    text.remove_prefix(text.size() - size_max);
    const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; };
    while (!text.empty() && continues(text.front())) text.remove_prefix(1);
    return text;
}

/// Drops every second one, beginning with the second.
template <class T>
void halve(std::vector<T>& items) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < items.size(); i += 2) items[kept++] = items[i];
    items.resize(kept);
}

}  // namespace

void Live::hear(const protocol::session::Said& words) {
    const auto [found, is_new] = said_.try_emplace(words.lease);
    Said& said = found->second;
    if (said.ended) return;
    add_log(said, words.log_offset, words.log);
    for (const auto& point : words.metrics) add_points(said, point);
    if (words.progress && *words.progress >= 0 && *words.progress <= 1) {
        said.progress = words.progress;
    }
    make_room(words.lease);
}

/// A place in the log only grows: what comes again, or late, was already there.
void Live::add_log(Said& said, std::uint64_t place, std::string_view text) {
    if (text.empty() || (!said.log.empty() && place <= said.log.back().place)) return;
    text = end_of(text, limits_.log_bytes);
    said.log.push_back({place, std::string(text)});
    said.log_bytes += text.size();
    log_bytes_ += text.size();
    while (said.log_bytes > limits_.log_bytes || said.log.size() > limits_.log_pieces) {
        said.log_bytes -= said.log.front().text.size();
        log_bytes_ -= said.log.front().text.size();
        said.log.pop_front();
    }
}

void Live::add_points(Said& said, const protocol::session::MetricPoint& point) {
    for (const auto& [name, value] : point.values) {
        if (name.size() > limits::name_characters) continue;
        if (!said.counts.contains(name) && said.counts.size() == limits_.names) continue;
        add_point(said, name, point.step, value);
    }
}

void Live::add_point(Said& said, const std::string& name, std::int64_t step, double value) {
    Count& count = said.counts[name];
    count.last = value;
    if (count.seen++ % count.stride != 0) return;
    Series& series = said.metrics[name];
    const std::size_t before = series.steps.size();
    series.steps.push_back(step);
    series.values.push_back(value);
    if (series.steps.size() == limits_.points) {
        halve(series.steps);
        halve(series.values);
        count.stride *= 2;
    }
    said.points += series.steps.size() - before;
    points_ += series.steps.size() - before;
}

void Live::end(LeaseId lease, Time now) {
    const auto found = said_.find(lease);
    if (found == said_.end() || found->second.ended) return;
    found->second.ended = now;
    ended_.emplace(now, lease);
}

void Live::tick(Time now) {
    while (!ended_.empty() && ended_.begin()->first + limits_.remembered <= now) {
        forget(ended_.begin()->second);
    }
}

/// First what ended longest ago is forgotten, then what has the oldest lease.
void Live::make_room(LeaseId but) {
    const auto is_full = [&] {
        return said_.size() > limits_.attempts || log_bytes_ > limits_.log_bytes_total ||
               points_ > limits_.points_total;
    };
    while (is_full() && said_.size() > 1) {
        const auto oldest = said_.begin()->first == but ? std::next(said_.begin()) : said_.begin();
        forget(ended_.empty() ? oldest->first : ended_.begin()->second);
    }
}

void Live::forget(LeaseId lease) {
    const auto found = said_.find(lease);
    check(found != said_.end());
    if (const auto ended = found->second.ended) ended_.erase({*ended, lease});
    log_bytes_ -= found->second.log_bytes;
    points_ -= found->second.points;
    said_.erase(found);
}

std::optional<LogTail> Live::log(LeaseId lease, std::uint64_t from) const {
    const auto found = said_.find(lease);
    if (found == said_.end()) return std::nullopt;
    LogTail tail{"", from};
    for (const Piece& piece : found->second.log) {
        if (piece.place < from) continue;
        tail.text += piece.text;
        tail.next = piece.place + 1;
    }
    return tail;
}

const std::map<std::string, Series>& Live::metrics(LeaseId lease) const {
    static const std::map<std::string, Series> none;
    const auto found = said_.find(lease);
    return found == said_.end() ? none : found->second.metrics;
}

std::optional<double> Live::progress(LeaseId lease) const {
    const auto found = said_.find(lease);
    if (found == said_.end()) return std::nullopt;
    return found->second.progress;
}

std::map<std::string, double> Live::values(LeaseId lease) const {
    std::map<std::string, double> last;
    const auto found = said_.find(lease);
    if (found == said_.end()) return last;
    for (const auto& [name, count] : found->second.counts) last.emplace(name, count.last);
    return last;
}

void Live::check_invariants() const {
    std::size_t log_bytes = 0;
    std::size_t points = 0;
    std::size_t ended = 0;
    for (const auto& [lease, said] : said_) {
        check(said.log_bytes <= limits_.log_bytes);
        log_bytes += said.log_bytes;
        for (const auto& [name, series] : said.metrics) {
            check(series.steps.size() == series.values.size());
            check(series.steps.size() < limits_.points);
            points += series.steps.size();
        }
        if (said.ended) check(ended_.contains({*said.ended, lease}));
        ended += said.ended ? 1 : 0;
    }
    check(log_bytes == log_bytes_ && points == points_ && ended == ended_.size());
    check(said_.size() <= std::max<std::size_t>(1, limits_.attempts));
}

}  // namespace shoal::market
