#include "apps/words.h"

#include <doctest/doctest.h>

#include "apps/follow.h"

namespace shoal::apps {
namespace {

TEST_CASE("amounts are shown as credit, never as a coin") {
    CHECK(to_credit(Lamports{2'000'000}) == "0.002 credit");
    CHECK(to_credit(Lamports{0}) == "0 credit");
}

TEST_CASE("people give amounts in units of credit") {
    CHECK(parse_credit("25").value() == Lamports{25'000'000'000});
    CHECK(parse_credit("0.002").value() == Lamports{2'000'000});
    CHECK(parse_credit("0.002 credit").value() == Lamports{2'000'000});
    for (const char* wrong : {"", "credit", "-1", "1SOL", "a", "1.0000000001", "99999999999"}) {
        CAPTURE(wrong);
        CHECK(!parse_credit(wrong).ok());
    }
}

TEST_CASE("times are shown in UTC, lengths of time rounded") {
    CHECK(to_date(Time{Duration{0}}) == "1970-01-01 00:00:00");
    CHECK(to_date(Time{Duration{1'772'368'205'999}}) == "2026-03-01 12:30:05");
    CHECK(to_length(Duration{340}) == "340 ms");
    CHECK(to_length(Duration{12'349}) == "12.3 s");
    CHECK(to_length(Duration{320'000}) == "5 min 20 s");
    CHECK(to_length(Duration{11'100'000}) == "3 h 5 min");
    CHECK(to_length(Duration{187'200'000}) == "2 d 4 h");
}

TEST_CASE("one is singular") {
    CHECK(counted(1, "task") == "1 task");
    CHECK(counted(0, "task") == "0 tasks");
}

TEST_CASE("lines that arrive in pieces come out whole, each with its prefix") {
    LogLines lines("[a] ");
    CHECK(lines.add("one\ntw") == "[a] one\n");
    CHECK(lines.add("o").empty());
    CHECK(lines.add("\n\nthree") == "[a] two\n[a] \n");
    CHECK(lines.finish() == "[a] three\n");
    CHECK(lines.finish().empty());
}

TEST_CASE("of each task a line is let through now and then, of all not many") {
    using std::chrono::seconds;
    Pace pace(seconds{5}, seconds{1});
    CHECK(pace.may(TaskId{1}, seconds{10}));
    CHECK_FALSE(pace.may(TaskId{2}, seconds{10}));
    CHECK_FALSE(pace.may(TaskId{1}, seconds{14}));
    CHECK(pace.may(TaskId{2}, seconds{14}));
    CHECK(pace.may(TaskId{1}, seconds{15}));
}

TEST_CASE("what is wrong with an id says what came, and with a flag which") {
    CHECK(id_of<JobTag>("job_1").value() == JobId{1});
    CHECK(id_of<JobTag>("task_1").error().what ==
          R"(expected an id like "job_3f9k", got "task_1")");
    CHECK(in_flag("--memory", {Code::invalid, "no"}).what == "--memory: no");
}

TEST_CASE("a task is called by its parameters") {
    protocol::TaskView task;
    task.task = TaskId{7};
    CHECK(label_of(task) == "task_7");
    task.parameters = {{"l2", Scalar{std::int64_t{0}}}, {"rate", Scalar{0.1}}};
    CHECK(label_of(task) == "l2=0 rate=0.1");
}

TEST_CASE("a date is read as it is shown, and a day begins at midnight") {
    const Time time{Duration{1'772'368'205'000}};
    CHECK(to_date(time) == "2026-03-01 12:30:05");
    CHECK(parse_date("2026-03-01 12:30:05").value() == time);
    CHECK(parse_date("2026-03-01T12:30:05Z").value() == time);
    CHECK(to_date(parse_date("2028-02-29").value()) == "2028-02-29 00:00:00");
    for (const char* wrong : {"", "2026", "2026-02-29", "2026-13-01", "2026-03-01 24:00:00",
                              "2026-03-01 12:30", "1969-12-31", "2026-03-01 12:30:05 CET"}) {
        CAPTURE(wrong);
        CHECK(parse_date(wrong).error().code == Code::invalid);
    }
}

}  // namespace
}  // namespace shoal::apps
