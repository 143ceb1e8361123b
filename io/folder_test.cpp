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

/// An older folder with something in it, and steps that bring it to the format of `ours`.
struct Old {
    Old() {
        REQUIRE(DataFolder::open(path, {.release = "0.0.1", .format = 1}).ok());
        REQUIRE(make_folder(path / "blobs").ok());
        REQUIRE(write_file(path / "blobs" / "one", "1", 0600).ok());
        REQUIRE(write_file(path / "journal", "old").ok());
    }

    static Migration step(std::uint32_t from) {
        return {from, [from](const std::filesystem::path& copy) -> Status {
                    const std::string text = TRY(read_file(copy / "journal", 100));
                    return write_file(copy / "journal", text + std::to_string(from));
                }};
    }
    static DataFolder::Options options(std::vector<Migration> steps) {
        return {.release = "0.1.0", .format = 3, .migrations = std::move(steps)};
    }
    std::string journal(const std::filesystem::path& folder) const {
        return read_file(folder / "journal", 100).value();
    }
    bool is_old() const {
        return journal(path) == "old" && !std::filesystem::exists(copy_of(path)) &&
               read_file(path / "shoal.json", 100).value().find("0.0.1") != std::string::npos;
    }

    ScratchFolder scratch;
    std::filesystem::path path = scratch.path() / "data";
};

TEST_CASE("an older data folder is migrated on a copy, and the original is kept") {
    const Old old;
    const auto folder = DataFolder::open(old.path, Old::options({Old::step(1), Old::step(2)}));
    REQUIRE(folder.ok());
    CHECK(folder.value().original() == original_of(old.path, 1));
    CHECK(old.journal(old.path) == "old12");
    CHECK(read_file(old.path / "blobs" / "one", 10).value() == "1");
    CHECK(read_file(old.path / "shoal.json", 100).value() ==
          "{\"format\":3,\"release\":\"0.1.0\"}\n");
    CHECK(old.journal(original_of(old.path, 1)) == "old");
    CHECK_FALSE(std::filesystem::exists(copy_of(old.path)));
    CHECK(DataFolder::open(old.path, ours).error().code == Code::conflict);  // it is locked
    const auto before = DataFolder::open(original_of(old.path, 1), {.release = "0.0.1"});
    CHECK(before.ok());  // the older release still opens it
}

TEST_CASE("a migration that fails, or that is not there, changes nothing") {
    const Old old;
    const Migration fails{2, [](const auto&) -> Status { return Error{Code::corrupt, "no"}; }};
    CHECK(DataFolder::open(old.path, Old::options({Old::step(1), fails})).error().what == "no");
    CHECK(old.is_old());
    const auto no_way = DataFolder::open(old.path, Old::options({Old::step(2)}));
    CHECK(no_way.error().code == Code::unsupported);
    CHECK(no_way.error().what.find("an older release of Shoal (0.0.1)") != std::string::npos);
    CHECK(old.is_old());
    REQUIRE(make_folder(original_of(old.path, 1)).ok());
    CHECK(DataFolder::open(old.path, Old::options({Old::step(1), Old::step(2)})).error().code ==
          Code::conflict);
    CHECK(old.is_old());
}

TEST_CASE("a migration that was cut short is done again, or its end is") {
    const Old old;
    const auto options = Old::options({Old::step(1), Old::step(2)});
    SUBCASE("before the copy was whole") {
        REQUIRE(make_folder(copy_of(old.path)).ok());
        REQUIRE(write_file(copy_of(old.path) / "journal", "half").ok());
    }
    SUBCASE("when the copy stood in the folder's place") {
        REQUIRE(migrate_copy(old.path, options.migrations, 1, 3, {}).ok());
        REQUIRE(
            write_file(copy_of(old.path) / "shoal.json", R"({"format":3,"release":"0.1.0"})", 0600)
                .ok());
        REQUIRE(swap_in(old.path).ok());
    }
    REQUIRE(DataFolder::open(old.path, options).ok());
    CHECK(old.journal(old.path) == "old12");
    CHECK(old.journal(original_of(old.path, 1)) == "old");
    CHECK_FALSE(std::filesystem::exists(copy_of(old.path)));
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
