#include "market/live.h"

#include <doctest/doctest.h>

namespace shoal::market {
namespace {

using protocol::session::MetricPoint;

const LeaseId lease{7};

protocol::session::Said says(std::uint64_t place, std::string text) {
    return {lease, place, std::move(text), {}, {}};
}

protocol::session::Said measures(LeaseId id, std::int64_t step, double value) {
    return {id, 0, "", {MetricPoint{step, {{"loss", value}}}}, {}};
}

TEST_CASE("a log is read on from the place where one stopped") {
    Live live;
    CHECK_FALSE(live.log(lease, 0));
    live.hear(says(0, "one\n"));
    live.hear(says(4, "two\n"));
    const auto whole = live.log(lease, 0);
    CHECK(whole->text == "one\ntwo\n");
    CHECK(live.log(lease, whole->next)->text.empty());
    live.hear(says(8, "three\n"));
    CHECK(live.log(lease, whole->next)->text == "three\n");
    live.check_invariants();
}

TEST_CASE("a piece of log that comes again is there once") {
    Live live;
    live.hear(says(0, "one\n"));
    live.hear(says(0, "one\n"));
    CHECK(live.log(lease, 0)->text == "one\n");
}

TEST_CASE("only the end of a long log is kept, from the beginning of a character") {
    Live::Limits small;
    small.log_bytes = 5;
    Live live(small);
    live.hear(says(0, "aäöü"));  // 7 bytes: the last 5 begin inside the first umlaut
    CHECK(live.log(lease, 0)->text == "öü");
    live.hear(says(7, "xyz"));
    CHECK(live.log(lease, 0)->text == "xyz");
    live.check_invariants();
}

TEST_CASE("a long metric is thinned and keeps its shape and its last value") {
    Live::Limits small;
    small.points = 8;
    Live live(small);
    for (int i = 0; i < 1'000; ++i) live.hear(measures(lease, i, i * 0.5));
    const Series& series = live.metrics(lease).at("loss");
    CHECK(series.steps.size() < 8);
    CHECK(series.steps.size() >= 4);
    CHECK(series.steps.front() == 0);
    CHECK(series.steps.back() > 700);
    for (std::size_t i = 0; i < series.steps.size(); ++i) {
        CHECK(series.values[i] == static_cast<double>(series.steps[i]) * 0.5);
        CHECK(series.steps[i] == static_cast<std::int64_t>(i) * series.steps[1]);
    }
    CHECK(live.values(lease).at("loss") == 499.5);
    live.check_invariants();
}

TEST_CASE("names beyond the limit are not taken") {
    Live::Limits small;
    small.names = 2;
    Live live(small);
    live.hear({lease, 0, "", {MetricPoint{1, {{"a", 1}, {"b", 2}, {"c", 3}}}}, {}});
    CHECK(live.metrics(lease).size() == 2);
    CHECK_FALSE(live.metrics(lease).contains("c"));
}

TEST_CASE("progress is between nothing and all") {
    Live live;
    live.hear({lease, 0, "", {}, 0.25});
    live.hear({lease, 0, "", {}, 1.5});
    CHECK(live.progress(lease) == 0.25);
    CHECK_FALSE(live.progress(LeaseId{8}));
}

TEST_CASE("an attempt is remembered for a while after its end, and says nothing more") {
    Live live;
    live.hear(says(0, "one\n"));
    live.end(lease, Time{Duration{1'000}});
    live.hear(says(4, "two\n"));
    CHECK(live.log(lease, 0)->text == "one\n");
    live.tick(Time{Duration{1'000 + 10 * 60'000 - 1}});
    CHECK(live.log(lease, 0));
    live.tick(Time{Duration{1'000 + 10 * 60'000}});
    CHECK_FALSE(live.log(lease, 0));
    live.check_invariants();
}

TEST_CASE("when there is no room the attempt that ended first is forgotten first") {
    Live::Limits small;
    small.attempts = 2;
    Live live(small);
    live.hear(measures(LeaseId{1}, 1, 1));
    live.hear(measures(LeaseId{2}, 1, 1));
    live.end(LeaseId{2}, Time{Duration{5}});
    live.hear(measures(LeaseId{3}, 1, 1));
    CHECK(live.metrics(LeaseId{2}).empty());
    CHECK_FALSE(live.metrics(LeaseId{1}).empty());
    live.hear(measures(LeaseId{4}, 1, 1));
    CHECK(live.metrics(LeaseId{1}).empty());
    CHECK_FALSE(live.metrics(LeaseId{4}).empty());
    live.check_invariants();
}

}  // namespace
}  // namespace shoal::market
