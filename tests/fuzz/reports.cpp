// Any bytes as what a job writes on file descriptor 3, whole and in pieces: the same is understood,
// the limits are kept, and what is passed on fits a session's message.

#include "provider/reports.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/check.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/text.h"

namespace shoal::provider {
namespace {

namespace session = protocol::session;

/// What can be seen of the reports, as text: a value may be NaN, which equals nothing.
std::string seen(const Reports& reports) {
    return json::print(reports.last_values()) + reports.checkpoint() + " " +
           std::to_string(reports.lines_refused()) + " " + std::to_string(reports.points_dropped());
}

void check_news(const Reports::News& news) {
    check(news.metrics.size() <= limits::reports_per_second);
    check(!news.progress || (*news.progress >= 0 && *news.progress <= 1));
    for (const session::MetricPoint& point : news.metrics) {
        check(!point.values.empty() && point.values.size() <= limits::metric_names);
    }
    session::Said said;
    said.lease = LeaseId{1};
    said.metrics = news.metrics;
    said.progress = news.progress;
    const std::string frame = session::print(session::ProviderFrame{0, std::move(said)});
    check(is_utf8(frame) && frame.size() < limits::message_bytes);
    check(session::print(session::read_provider_frame(frame).value()) == frame);
}

void check_kept(const Reports& reports) {
    check(reports.last_values().size() <= limits::metric_names);
    for (const auto& [name, value] : reports.last_values()) check(is_name(name));
    check(reports.checkpoint().size() <= limits::path_bytes && is_printable(reports.checkpoint()));
}

void check_characters(std::string_view text) {
    const std::size_t whole = whole_characters(text);
    check(whole <= text.size() && text.size() - whole < 4);
    if (is_utf8(text)) check(whole == text.size());
    for (std::size_t cut = 1; cut < 4 && cut < text.size() && is_utf8(text); ++cut) {
        check(is_utf8(text.substr(0, whole_characters(text.substr(0, text.size() - cut)))));
    }
}

/// The first byte says how long the pieces are.
void run(std::string_view bytes) {
    if (bytes.empty()) return;
    const std::size_t step = 1U + static_cast<std::uint8_t>(bytes[0]);
    const std::string_view text = bytes.substr(1);
    const Time now{Duration{1'000}};
    Reports whole;
    const Reports::News news = whole.read(text, now);
    check_news(news);
    check_kept(whole);
    check_characters(text);

    Reports pieces;
    std::size_t points = 0;
    for (std::size_t begin = 0; begin < text.size(); begin += step) {
        points += pieces.read(text.substr(begin, step), now).metrics.size();
    }
    check(seen(pieces) == seen(whole) && points == news.metrics.size());
}

}  // namespace
}  // namespace shoal::provider

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    shoal::provider::run({reinterpret_cast<const char*>(bytes), size});
    return 0;
}
