#include "io/yaml.h"

#include <string>

#include <doctest/doctest.h>

namespace shoal::io::yaml {
namespace {

std::string as_json(std::string_view text) {
    const auto document = parse(text);
    return document.ok() ? json::print(document.value().value) : document.error().what;
}

struct Resources {
    std::uint32_t cores = 1;
    Size memory = 1_GiB;
};
BOOST_DESCRIBE_STRUCT(Resources, (), (cores, memory))

struct Task {
    static constexpr std::array<std::string_view, 1> required{"title"};
    std::string title;
    Resources resources;
};
BOOST_DESCRIBE_STRUCT(Task, (), (title, resources))

struct Job {
    std::vector<Task> tasks;
    std::map<std::string, std::string> environment;
};
BOOST_DESCRIBE_STRUCT(Job, (), (tasks, environment))

std::string refusal(std::string_view text) {
    const auto document = parse(text);
    REQUIRE(document.ok());
    const auto job = read<Job>(document.value());
    return job.ok() ? "accepted" : job.error().what;
}

TEST_CASE("scalars follow the core schema") {
    CHECK(as_json("[null, Null, NULL, ~]") == "[null,null,null,null]");
    CHECK(as_json("[true, True, FALSE]") == "[true,true,false]");
    CHECK(as_json("[yes, no, on, off, y]") == R"(["yes","no","on","off","y"])");
    CHECK(as_json("[0, -7, +12, 012, 0x1F, 0o17]") == "[0,-7,12,12,31,15]");
    CHECK(as_json("[18446744073709551615, -9223372036854775808]") ==
          "[18446744073709551615,-9223372036854775808]");
    CHECK(as_json("[1e-4, .5, 5., -2.5E+3]") == "[1E-4,5E-1,5E0,-2.5E3]");
    CHECK(as_json("[.inf, -.INF, .nan]") == R"(["Infinity","-Infinity","NaN"])");
    CHECK(as_json("[1.2.3, 0x, 0o8, 1e, ., -, 1h30m, 4GiB, 0.002SOL]") ==
          R"(["1.2.3","0x","0o8","1e",".","-","1h30m","4GiB","0.002SOL"])");
    CHECK(as_json("[1e999, -1e999]") == R"(["1e999","-1e999"])");
    CHECK(as_json("a:") == R"({"a":null})");
}

TEST_CASE("quotes make text") {
    CHECK(as_json(R"(["1", 'true', "null", "~", ""])") == R"(["1","true","null","~",""])");
    CHECK(as_json("a: |\n  one\n  two\n") == R"({"a":"one\ntwo\n"})");
    CHECK(as_json("a: >-\n  one\n  two\n") == R"({"a":"one two"})");
}

TEST_CASE("JSON is read as well") {
    const std::string text = R"({"a":[1,-2.5E0,"x\n",true,null,{}],"b":{"c":[]}})";
    CHECK(as_json(text) == text);
}

TEST_CASE("a file without content is null") {
    for (const char* text : {"", "\n\n", "# only a comment\n", "---\n"})
        CHECK(as_json(text) == "null");
    CHECK(as_json("\xEF\xBB\xBF"
                  "a: 1") == R"({"a":1})");
}

TEST_CASE("what could be a trap is refused, with the place and what to do") {
    CHECK(as_json("a: &x 1\nb: *x\n") ==
          "line 1, column 4: an anchor (&name) is not supported; write the value out");
    CHECK(as_json("a: 1\nb: [&y {}]\n").starts_with("line 2, column 5: an anchor"));
    CHECK(as_json("a: !!str 1") ==
          "line 1, column 4: a tag (!name) is not supported; leave it "
          "out, or use quotes for text");
    CHECK(as_json("a: ! 1").starts_with("line 1, column 4: a tag"));
    CHECK(as_json("!job {a: 1}").starts_with("line 1, column 1: a tag"));
    CHECK(as_json("a: 1\nb: 2\na: 3\n") ==
          "line 3, column 1: the key a is there twice; remove one");
    CHECK(as_json("{<<: {a: 1}}").starts_with("line 1, column 2: a merge"));
    CHECK(as_json("? [a, b]\n: 1\n").starts_with("line 1, column 3: a key must be text"));
    CHECK(as_json("~: 1").starts_with("line 1, column 1: the key is null"));
    CHECK(as_json("a: 1\n---\nb: 2\n").find("a second document") != std::string::npos);
}

TEST_CASE("an alias is refused even when its anchor is not there") {
    CHECK(as_json("a: *x").find("line 1, column 4") == 0);
}

TEST_CASE("nesting ends at 32") {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    CHECK(as_json(nested(32)) == nested(32));
    CHECK(as_json(nested(33)) == "line 1, column 33: nested deeper than 32");
    CHECK(as_json(std::string(100'000, '[')).starts_with("line 1, column "));
    CHECK(as_json(std::string(1'000'000, '{')).starts_with("line 1, column "));
}

TEST_CASE("a file above 1 MiB is refused") {
    CHECK(parse(std::string(limits::job_file_bytes, ' ')).ok());
    CHECK(as_json(std::string(limits::job_file_bytes + 1, ' ')) ==
          "expected at most 1048576 bytes of YAML, got 1048577");
}

TEST_CASE("bytes that are not text are refused") {
    CHECK(as_json("a: 1\nb: \xFF") == "line 2, column 4: not UTF-8; save the file as UTF-8");
    CHECK(as_json("gr\xC3\xBC\xC3\x9F: \xC3").starts_with("line 1, column 9: not UTF-8"));
    CHECK(as_json("\x80").starts_with("line 1, column 1: not UTF-8"));
    CHECK(as_json(std::string_view("a: \0", 4)).starts_with("line 1, column 4: a control"));
    CHECK(as_json("a: \x1b[31m").starts_with("line 1, column 4: a control"));
    CHECK(as_json("gr\xC3\xBC\xC3\x9F: \xE2\x82\xAC") ==
          "{\"gr\xC3\xBC\xC3\x9F\":\"\xE2\x82\xAC\"}");
}

TEST_CASE("what is not YAML is refused with its place") {
    CHECK(as_json("a: 1\n b: 2\n").starts_with("line 2, column 3: not valid YAML: "));
    CHECK(as_json("a: [1, 2").starts_with("line 1, column "));
    CHECK(as_json("a: \"x").find("not valid YAML") != std::string::npos);
    CHECK(as_json("\t- a").find("not valid YAML") != std::string::npos);
}

constexpr std::string_view job =
    "tasks:\n"
    "  - title: one\n"
    "  - title: two\n"
    "    resources: {cores: 1}\n"
    "environment:\n"
    "  a.b: x\n"
    "  \"c[0]\": y\n";

TEST_CASE("parts of a document have positions") {
    const Document document = parse(job).value();
    CHECK(document.position_of("") == Position{1, 1});
    CHECK(document.position_of("tasks") == Position{1, 1});
    CHECK(document.position_of("tasks[1]") == Position{3, 5});
    CHECK(document.position_of("tasks[1].resources.cores") == Position{4, 17});
    CHECK(document.position_of("environment.a.b") == Position{6, 3});
    CHECK(document.position_of("environment.c[0]") == Position{7, 3});
}

TEST_CASE("what is missing has the position of what it is missing from") {
    const Document document = parse(job).value();
    CHECK(document.position_of("tasks[1].resources.memory") == Position{4, 5});
    CHECK(document.position_of("tasks[7].title") == Position{1, 1});
    CHECK(document.position_of("tasks[x") == Position{1, 1});
    CHECK(document.position_of("....") == Position{1, 1});
}

TEST_CASE("an error of the reader says where the mistake stands") {
    CHECK(refusal("tasks:\n- title: a\n  resources:\n    memory: -1\n") ==
          "line 4, column 5: tasks[0].resources.memory: expected a size like \"4GiB\", got -1");
    CHECK(refusal("tasks:\n- titel: a\n") ==
          "line 2, column 3: tasks[0].titel: unknown; did you mean title?");
    CHECK(refusal("tasks:\n- {}\n").starts_with("line 2, column 3: tasks[0].title: missing"));
    CHECK(refusal("[1]") == "line 1, column 1: expected an object, got [1]");
    CHECK(refusal(job) == "accepted");
}

}  // namespace
}  // namespace shoal::io::yaml
