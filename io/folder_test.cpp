#include "io/folder.h"

#include <string>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/scratch.h"

namespace shoal::io {
namespace {

const DataFolder::Options ours{.release = "0.1.0", .format = 3};

TEST_CASE("a data folder is made for its owner alone and remembers its release") {
    const ScratchFolder scratch;
    const auto path = scratch.path() / "a" / "data";
    const auto folder = DataFolder::open(path, ours);
    REQUIRE(folder.ok());
    CHECK(folder.value().path() == path);
    struct stat facts{};
    REQUIRE(::stat(path.c_str(), &facts) == 0);
    CHECK((facts.st_mode & 0777U) == 0700);
    CHECK(read_file(path / "shoal.json", 100).value() == "{\"format\":3,\"release\":\"0.1.0\"}\n");
}

TEST_CASE("a data folder is used by one process at a time") {
    const ScratchFolder scratch;
    {
        const auto folder = DataFolder::open(scratch.path(), ours);
        REQUIRE(folder.ok());
        const auto second = DataFolder::open(scratch.path(), ours);
        CHECK(second.error().code == Code::conflict);
        CHECK(second.error().what == "another process (pid " + std::to_string(::getpid()) +
                                         ") uses " + scratch.path().string());
    }
    CHECK(DataFolder::open(scratch.path(), ours).ok());
}

TEST_CASE("a data folder of a newer release is refused and left alone") {
    const ScratchFolder scratch;
    REQUIRE(DataFolder::open(scratch.path(), {.release = "9.9", .format = 4}).ok());
    const auto refused = DataFolder::open(scratch.path(), ours);
    CHECK(refused.error().code == Code::unsupported);
    CHECK(refused.error().what.find("newer release of Shoal (9.9)") != std::string::npos);
    CHECK(DataFolder::open(scratch.path(), {.release = "10", .format = 4}).ok());
    CHECK(read_file(scratch.path() / "shoal.json", 100).value().find("\"10\"") !=
          std::string::npos);
}

TEST_CASE("a folder that others may read, or that holds other things, is refused") {
    const ScratchFolder scratch;
    REQUIRE(::chmod(scratch.path().c_str(), 0750) == 0);
    CHECK(DataFolder::open(scratch.path(), ours).error().code == Code::denied);
    REQUIRE(::chmod(scratch.path().c_str(), 0700) == 0);
    REQUIRE(write_file(scratch.path() / "thesis.tex", "").ok());
    CHECK(DataFolder::open(scratch.path(), ours).error().code == Code::invalid);
}

TEST_CASE("an unreadable mark is corrupt") {
    for (const char* mark : {"", "{", "[]", "{\"format\":0,\"release\":\"x\"}", "{}"}) {
        const ScratchFolder scratch;
        REQUIRE(write_file(scratch.path() / "shoal.json", mark).ok());
        CHECK(DataFolder::open(scratch.path(), ours).error().code == Code::corrupt);
    }
}

TEST_CASE("the default paths follow XDG") {
    const Paths home = default_paths({{"HOME", "/srv/ann"}}).value();
    CHECK(home.data == "/srv/ann/.local/share/shoal");
    CHECK(home.config_file == "/srv/ann/.config/shoal/config.yaml");
    CHECK(home.runtime == "/srv/ann/.local/share/shoal/run");
    const Paths set = default_paths({{"HOME", "/srv/ann"},
                                     {"XDG_DATA_HOME", "/d"},
                                     {"XDG_CONFIG_HOME", "relative"},
                                     {"XDG_RUNTIME_DIR", "/run/user/7"}})
                          .value();
    CHECK(set.data == "/d/shoal");
    CHECK(set.config_file == "/srv/ann/.config/shoal/config.yaml");
    CHECK(set.runtime == "/run/user/7/shoal");
    CHECK(default_paths({}).error().code == Code::invalid);
}

}  // namespace
}  // namespace shoal::io
