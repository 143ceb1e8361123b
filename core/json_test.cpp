#include "core/json.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <doctest/doctest.h>

#include "core/random.h"
#include "core/text.h"

namespace shoal {
namespace {

enum class Verify { none, replay };
BOOST_DESCRIBE_ENUM(Verify, none, replay)

enum class Side { buyer, operator_ };  // NOLINT(readability-identifier-naming)
BOOST_DESCRIBE_ENUM(Side, buyer, operator_)

struct Resources {
    std::uint32_t cores = 1;
    Size memory = 1_GiB;

    friend bool operator==(const Resources&, const Resources&) = default;
};
BOOST_DESCRIBE_STRUCT(Resources, (), (cores, memory))

struct Task {
    static constexpr const char* name = "task";
    static constexpr std::array<std::string_view, 1> required{"title"};
    std::string title;
    Verify verify = Verify::none;
    Resources resources;
    std::optional<Lamports> cap;
    std::map<TaskId, double> scores;

    friend bool operator==(const Task&, const Task&) = default;
};
BOOST_DESCRIBE_STRUCT(Task, (), (title, verify, resources, cap, scores))

struct Other {
    static constexpr const char* name = "other";
};
BOOST_DESCRIBE_STRUCT(Other, (), ())

struct Sweep {
    std::vector<Task> tasks;
};
BOOST_DESCRIBE_STRUCT(Sweep, (), (tasks))

json::Value parsed(std::string_view text) {
    return json::parse(text, 1'000'000).value();
}

template <class T>
std::string refusal(std::string_view text, json::Reader reader = json::Reader::strict) {
    const auto result = json::read<T>(parsed(text), reader);
    return result.ok() ? "accepted" : result.error().what;
}

TEST_CASE("what is written is read back") {
    const Task task{"a", Verify::replay, {2, 5_MiB}, Lamports{7}, {{TaskId{40}, 0.5}}};
    for (const auto reader : {json::Reader::strict, json::Reader::tolerant}) {
        CHECK(json::read<Task>(json::write(task), reader).value() == task);
    }
    CHECK(json::print(json::write(task)) ==
          R"({"title":"a","verify":"replay","resources":{"cores":2,"memory":"5MiB"},)"
          R"("cap":"7","scores":{"task_18":5E-1}})");
}

TEST_CASE("what is printed at once is what its tree prints") {
    const auto check_both = [](const auto& thing) {
        CHECK(json::print(thing) == json::print(json::write(thing)));
    };
    Task task;
    check_both(task);
    check_both(Sweep{});
    task.cap = Lamports{-5};
    task.scores = {{TaskId{1}, 0.1}, {TaskId{31}, -1e300}, {TaskId{33}, std::nan("")}};
    for (int letter = 0; letter < 0x80; ++letter) task.title += static_cast<char>(letter);
    task.title += "\u00e4\u20ac\U0001f600";
    check_both(task);
    check_both(Sweep{{task, task}});
    check_both(std::variant<Task, Other>{task});
    check_both(std::variant<Task, Other>{Other{}});
    check_both(std::map<std::string, std::vector<bool>>{{"\"", {true, false}}, {"", {}}});
    check_both(std::vector<std::optional<std::int64_t>>{
        {}, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()});
    check_both(std::vector<std::uint64_t>{0, std::numeric_limits<std::uint64_t>::max()});
    check_both(std::vector<Scalar>{{"text"}, {true}, {std::int64_t{-1}}, {0.5}});
    check_both(Verify::replay);
    check_both(Side::operator_);
    check_both(Duration{-1});
    check_both(json::Value{{"any", {1, nullptr, "x"}}});
}

TEST_CASE("an error names the path, what was expected and what came") {
    CHECK(refusal<Sweep>(R"({"tasks":[{"title":"a"},{"title":"b","resources":{"memory":-1}}]})") ==
          R"(tasks[1].resources.memory: expected a size like "4GiB", got -1)");
    CHECK(refusal<Task>(R"({"title":"a","resources":{"cores":-1}})") ==
          "resources.cores: expected a whole number from 0 to 4294967295, got -1");
    CHECK(refusal<Task>(R"({"title":"a","verify":"quorum"})") ==
          R"(verify: expected none | replay, got "quorum")");
    CHECK(refusal<Task>(R"({"title":"a","scores":{"job_1":1}})") ==
          R"(scores.job_1: expected an id like "task_3f9k")");
    CHECK(refusal<Task>("[]") == "expected an object, got []");
}

TEST_CASE("the strict reader refuses unknown keys and names the nearest") {
    CHECK(refusal<Task>(R"({"title":"a","resourses":{}})") ==
          "resourses: unknown; did you mean resources?");
    CHECK(refusal<Task>(R"({"title":"a","zzzzzzzzzzzzz":{}})") == "zzzzzzzzzzzzz: unknown");
    CHECK(refusal<Task>(R"({})") == "title: missing");
}

TEST_CASE("the nearest name differs in a third of its letters at most") {
    CHECK(json::nearest("retires", {"results", "retries"}) == "retries");
    CHECK(json::nearest("secrets", {"retries"}).empty());
    CHECK(json::nearest("is", {"in", "id"}) == "in");
    CHECK(json::nearest("", {"in", "a"}) == "a");
    CHECK(json::nearest("jbos", {"job", "jobs", "logs"}) == "jobs");
    CHECK(json::nearest("shwo", {"show"}) == "show");
    CHECK(json::nearest("hsow", {"list", "show"}) == "show");
    CHECK(json::nearest("ojsb", {"jobs"}).empty());
    CHECK(json::nearest("in", {}).empty());
    CHECK(json::nearest(std::string(5000, 'a'), {std::string(4999, 'a')}).empty());
}

TEST_CASE("the tolerant reader fills what is absent and passes over what is new") {
    CHECK(refusal<Task>(R"({"later":{"field":1}})", json::Reader::tolerant) == "accepted");
}

TEST_CASE("a variant is an object with one key") {
    using Message = std::variant<Task, Other>;
    CHECK(json::print(json::write(Message{Other{}})) == R"({"other":{}})");
    CHECK(refusal<Message>(R"({"other":{}})") == "accepted");
    const auto unknown = json::read<Message>(parsed(R"({"newer":{}})"), json::Reader::tolerant);
    CHECK(unknown.error().code == Code::unsupported);
    CHECK(refusal<Message>(R"({"task":{"title":1}})") ==
          "task.title: expected a string (in quotes), got 1");
}

TEST_CASE("what an error quotes is short and still UTF-8") {
    std::string fish;
    for (int i = 0; i < 100; ++i) fish += "\xf0\x9f\x90\x9f";
    for (const std::string& text :
         {"{\"title\":1,\"a" + fish + "\":1}", "{\"title\":\"a\",\"verify\":\"" + fish + "\"}",
          "{\"title\":\"a\",\"scores\":{\"" + fish + "\":1}}"}) {
        const std::string what = refusal<Task>(text);
        CHECK(what != "accepted");
        CHECK(what.size() < 300);
        CHECK(is_utf8(what));
    }
}

TEST_CASE("an enumerator is its whole name, a key is given once") {
    CHECK(refusal<Task>(R"({"title":"a","verify":"none\u0000"})") ==
          R"(verify: expected none | replay, got "none\u0000")");
    using Sums = std::map<Hash, int>;
    const std::string digits(64, '0');
    const auto twice = parsed("{\"" + digits + "\":1,\"sha256:" + digits + "\":2}");
    const auto sums = json::read<Sums>(twice, json::Reader::strict);
    REQUIRE_FALSE(sums.ok());
    CHECK(sums.error().what == "sha256:" + digits + ": given twice");
}

TEST_CASE("text that is not JSON is refused: bad UTF-8, too deep, too long") {
    CHECK_FALSE(json::parse("\"\xff\"", 100).ok());
    CHECK_FALSE(json::parse(std::string(100, '['), 1000).ok());
    CHECK_FALSE(json::parse("1 2", 1000).ok());
    CHECK_FALSE(json::parse(R"({"a":[0,1e999]})", 1000).ok());
    CHECK(json::parse("[1]", 2).error().what == "expected at most 2 bytes of JSON, got 3");
}

TEST_CASE("a number is read back to the last bit, or refused if it is too large") {
    for (const char* text : {"0.1", "0.30000000000000004", "1.7976931348623157e308", "5e-324",
                             "-2.2250738585072014e-308", "123456789012345678901234567890",
                             "9007199254740993.0", "1e-999"}) {
        const auto number = json::parse(text, 100).value();
        CHECK(number.as_double() == std::strtod(text, nullptr));
        CHECK(json::parse(json::print(number), 100).value() == number);
    }
    Random random(1);
    for (int i = 0; i < 20'000; ++i) {
        const auto number = std::bit_cast<double>(random.between(0, UINT64_MAX));
        if (!std::isfinite(number)) continue;
        CHECK(json::parse(json::print(number), 100).value() == json::Value(number));
    }
    CHECK_FALSE(json::parse("1e309", 100).ok());
    CHECK_FALSE(json::parse("-1e99999", 100).ok());
}

TEST_CASE("values of every kind are parsed as the library writes them") {
    const char* text =
        R"({"a":[1,-2,18446744073709551615,true,false,null,"x\ny",{},[]],"é":"\u20ac"})";
    const auto value = parsed(text);
    CHECK(value == boost::json::parse(text));
    CHECK(parsed(json::print(value)) == value);
    for (const char* wrong : {"", " ", "[", "[1", "[1,]", "{\"a\"}", "tru", "01", "+1", ".5", "1.",
                              "'a'", "[1] x", "/**/1", "NaN"}) {
        CHECK_FALSE(json::parse(wrong, 100).ok());
    }
}

TEST_CASE("an enumerator that is a keyword of C++ has no underscore on the wire") {
    CHECK(json::print(json::write(Side::operator_)) == "\"operator\"");
    CHECK(json::read<Side>(json::Value("operator"), json::Reader::strict).value() ==
          Side::operator_);
    CHECK_FALSE(json::read<Side>(json::Value("operator_"), json::Reader::strict).ok());
}

TEST_CASE("a number that is not finite keeps its meaning") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK(json::print(json::write(nan)) == "\"NaN\"");
    CHECK(json::print(json::write(Scalar{-nan})) == "\"NaN\"");
    CHECK(std::isnan(json::read<double>(json::write(nan), json::Reader::strict).value()));
}

}  // namespace
}  // namespace shoal
