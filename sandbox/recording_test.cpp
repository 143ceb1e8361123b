#include "sandbox/recording.h"

#include <cstdlib>
#include <filesystem>

#include <doctest/doctest.h>
#include <unistd.h>

#include "sandbox/disk_use.h"
#include "sandbox/filter.h"
#include "sandbox/plan.h"

namespace shoal::sandbox {

namespace {

class Scratch {
public:
    Scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "shoal-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        folder = name;
    }
    ~Scratch() { std::filesystem::remove_all(folder); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    std::string text() const { return read_text(folder + "/file").value(); }

    std::string folder;
};

void say(Recording& recording, std::string_view text) {
    REQUIRE(::write(recording.writer(), text.data(), text.size()) ==
            static_cast<ssize_t>(text.size()));
    CHECK(recording.take() == Recording::Take::some);
}

}  // namespace

TEST_CASE("a log keeps what fits, in order, and counts the rest") {
    const Scratch scratch;
    Recording log = Recording::of_bytes(scratch.folder + "/file", 10).value();
    CHECK(log.take() == Recording::Take::nothing);
    say(log, "1234567");
    say(log, "890abc");
    say(log, "def");
    CHECK(scratch.text() == "1234567890");
    CHECK(log.kept_bytes() == 10);
    CHECK(log.dropped_bytes() == 6);
    log.close_writer();
    CHECK(log.take() == Recording::Take::closed);
    CHECK(log.reader() == -1);
}

TEST_CASE("a line that was said elsewhere stands in the log on a line of its own") {
    const Scratch scratch;
    Recording log = Recording::of_bytes(scratch.folder + "/file", 20).value();
    log.add_line("first");
    say(log, "half");
    log.add_line("second\n");
    CHECK(scratch.text() == "first\nhalf\nsecond\n");
    log.add_line("third");
    CHECK(log.kept_bytes() == 20);
    CHECK(log.dropped_bytes() == 4);
}

TEST_CASE("each whole line of the reports is heard, also one that is not kept") {
    const Scratch scratch;
    Recording reports = Recording::of_lines(scratch.folder + "/file", 4, 8).value();
    std::string heard;
    reports.on_line([&](std::string_view line) { heard += line; });
    say(reports, "one\ntw");
    CHECK(heard == "one\n");
    say(reports, "o\nthis is too long\nend\nrest");
    CHECK(heard == "one\ntwo\nend\n");
    CHECK(scratch.text() == "one\n");
}

TEST_CASE("reports are kept by whole lines") {
    const Scratch scratch;
    Recording reports = Recording::of_lines(scratch.folder + "/file", 20, 8).value();
    say(reports, "one\nt");
    CHECK(scratch.text() == "one\n");
    say(reports, "wo\nmuch too long");
    say(reports, " to keep\nthree\n");
    CHECK(scratch.text() == "one\ntwo\nthree\n");
    say(reports, "1234567\n1\nno end");
    CHECK(scratch.text() == "one\ntwo\nthree\n1\n");
    CHECK(reports.dropped_bytes() == 22 + 8);
}

TEST_CASE("the disk is measured in blocks: a hole takes no room, two names of a file are one") {
    const Scratch scratch;
    const std::uint64_t empty = disk_use(scratch.folder).value().size_bytes;
    const std::string path = scratch.folder + "/hole";
    {
        const Recording hole = Recording::of_bytes(path, 1).value();
    }
    REQUIRE(::truncate(path.c_str(), off_t{1} << 40) == 0);
    CHECK(disk_use(scratch.folder).value().size_bytes == empty);
    Recording file = Recording::of_bytes(scratch.folder + "/file", 1 << 20).value();
    say(file, std::string(60'000, 'x'));
    const std::uint64_t once = disk_use(scratch.folder).value().size_bytes;
    CHECK(once >= empty + 60'000);
    CHECK(once < empty + 70'000);
    std::filesystem::create_hard_link(scratch.folder + "/file", scratch.folder + "/again");
    CHECK(disk_use(scratch.folder).value().size_bytes <= once);
    CHECK(disk_use(scratch.folder).value().entries == 3);
}

TEST_CASE("folders nested too deep are not measured but refused") {
    const Scratch scratch;
    std::string path = scratch.folder;
    for (int i = 0; i < 70; ++i) path += "/d";
    std::filesystem::create_directories(path);
    CHECK(disk_use(scratch.folder).error().code == Code::exhausted);
}

TEST_CASE("a filter is the same after it was saved and loaded") {
    const Scratch scratch;
    const Filter filter = compile_filter().value();
    REQUIRE(save_filter(filter, scratch.folder, "filter").ok());
    CHECK(load_filter(scratch.folder + "/filter").value().instructions == filter.instructions);
    REQUIRE(replace_file(scratch.folder, "filter", "seven b").ok());
    CHECK(load_filter(scratch.folder + "/filter").error().code == Code::invalid);
    CHECK(load_filter(scratch.folder + "/none").error().code == Code::not_found);
}

TEST_CASE("a program is looked for in the inputs, then along the job's own PATH") {
    using Paths = std::vector<std::string>;
    CHECK(program_candidates("run", {"PATH=/a::/b"}) == Paths{"/in/run", "/a/run", "/b/run"});
    CHECK(program_candidates("run", {}) ==
          Paths{"/in/run", "/usr/local/bin/run", "/usr/bin/run", "/bin/run"});
    CHECK(program_candidates("./run", {}) == Paths{"./run", "/in/run"});
    CHECK(program_candidates("/in/x/run", {}) == Paths{"/in/x/run"});
    CHECK(program_candidates("x/run", {}) == Paths{"x/run"});
}

}  // namespace shoal::sandbox
