#include "provider/reports.h"

#include <doctest/doctest.h>

#include "core/limits.h"

namespace shoal::provider {

namespace {

const Time start{};

TEST_CASE("a job's metrics, progress and checkpoint are read, whatever pieces they come in") {
    const std::string text =
        "{\"metric\":{\"step\":10,\"loss\":0.5}}\n{\"progress\":0.25}\n{\"checkpoint\":\"/out/"
        "c\"}\n";
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        Reports reports;
        Reports::News first = reports.read(std::string_view(text).substr(0, cut), start);
        const Reports::News second = reports.read(std::string_view(text).substr(cut), start);
        first.metrics.insert(first.metrics.end(), second.metrics.begin(), second.metrics.end());
        REQUIRE(first.metrics.size() == 1);
        REQUIRE(first.metrics[0].step == 10);
        REQUIRE(first.metrics[0].values == std::map<std::string, double>{{"loss", 0.5}});
        REQUIRE((first.progress ? first.progress : second.progress) == 0.25);
        REQUIRE(reports.checkpoint() == "/out/c");
        REQUIRE(reports.lines_refused() == 0);
    }
}

TEST_CASE("a line that means nothing is counted and harms nothing") {
    Reports reports;
    const std::string deep(10'000, '[');
    const std::string text = "nonsense\n\xff\xfe\n" + deep +
                             "\n{\"metric\":{\"loss\":\"low\"}}\n{\"metric\":{}}\n\n"
                             "{\"metric\":{\"loss\":1}}\n";
    const Reports::News news = reports.read(text, start);
    CHECK(news.metrics.size() == 1);
    CHECK(reports.lines_refused() == 5);
    CHECK(reports.last_values() == std::map<std::string, double>{{"loss", 1}});
}

TEST_CASE("a line without an end costs no more than its limit") {
    Reports reports;
    const std::string piece(limits::report_line_bytes, 'x');
    for (int i = 0; i < 100; ++i) CHECK(reports.read(piece, start).empty());
    CHECK(reports.read("\n{\"metric\":{\"a\":1}}\n", start).metrics.size() == 1);
    CHECK(reports.lines_refused() == 1);
}

TEST_CASE("a flood is thinned, but the last value is known") {
    Reports reports;
    std::string text;
    for (int i = 0; i < 1'000; ++i) text += "{\"metric\":{\"i\":" + std::to_string(i) + "}}\n";
    CHECK(reports.read(text, start).metrics.size() == limits::reports_per_second);
    CHECK(reports.points_dropped() == 1'000 - limits::reports_per_second);
    CHECK(reports.last_values().at("i") == 999);
    const Time later = start + Duration{1'000};
    CHECK(reports.read("{\"metric\":{\"i\":5}}\n", later).metrics.size() == 1);
}

TEST_CASE("a job cannot invent names without end") {
    Reports reports;
    for (int i = 0; i < 1'000; ++i) {
        reports.read("{\"metric\":{\"n" + std::to_string(i) + "\":1}}\n", start);
    }
    CHECK(reports.last_values().size() == limits::metric_names);
}

TEST_CASE("a metric without a step follows the one before, and a wild step is not believed") {
    Reports reports;
    const auto news = reports.read(
        "{\"metric\":{\"a\":1}}\n{\"metric\":{\"a\":2}}\n{\"metric\":{\"a\":3,\"step\":1e300}}\n",
        start);
    REQUIRE(news.metrics.size() == 3);
    CHECK(news.metrics[0].step == 0);
    CHECK(news.metrics[1].step == 1);
    CHECK(news.metrics[2].step == 2);
}

TEST_CASE("progress stays between nothing and all") {
    Reports reports;
    CHECK(reports.read("{\"progress\":7}\n", start).progress == 1.0);
    CHECK(reports.read("{\"progress\":-7}\n", start).progress == 0.0);
    CHECK(!reports.read("{\"progress\":\"NaN\"}\n", start).progress);
}

TEST_CASE("text is cut between characters, and bytes that are none are not waited for") {
    CHECK(whole_characters("") == 0);
    CHECK(whole_characters("abc") == 3);
    CHECK(whole_characters("a\xc3\xa9") == 3);
    CHECK(whole_characters("a\xc3") == 1);
    CHECK(whole_characters("a\xe2\x82") == 1);
    CHECK(whole_characters("a\xf0\x9f\x90") == 1);
    CHECK(whole_characters("a\xff") == 2);
    CHECK(whole_characters("\x80\x80\x80\x80") == 4);
}

}  // namespace

}  // namespace shoal::provider
