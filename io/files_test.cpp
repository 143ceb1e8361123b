#include "io/files.h"

#include <fstream>
#include <string>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "io/scratch.h"

namespace shoal::io {
namespace {

mode_t mode_of(const std::filesystem::path& path) {
    struct stat facts{};
    REQUIRE(::stat(path.c_str(), &facts) == 0);
    return facts.st_mode & 0777U;
}

std::ptrdiff_t count(const std::filesystem::path& folder) {
    return std::distance(std::filesystem::directory_iterator(folder),
                         std::filesystem::directory_iterator());
}

TEST_CASE("a file is replaced as a whole and nothing is left beside it") {
    const ScratchFolder scratch;
    const auto path = scratch.path() / "file";
    REQUIRE(write_file(path, "first").ok());
    REQUIRE(write_file(path, "second").ok());
    CHECK(read_file(path, 6).value() == "second");
    CHECK(mode_of(path) == 0644);
    CHECK(count(scratch.path()) == 1);
}

TEST_CASE("a write that fails leaves the old file and no draft") {
    const ScratchFolder scratch;
    const auto folder = scratch.path() / "folder";
    REQUIRE(make_folder(folder / "inside").ok());
    CHECK(!write_file(folder, "content").ok());
    CHECK(count(scratch.path()) == 1);
    CHECK(write_file(scratch.path() / "none" / "file", "x").error().code == Code::not_found);
}

TEST_CASE("a file above the limit is not read") {
    const ScratchFolder scratch;
    REQUIRE(write_file(scratch.path() / "file", "12345").ok());
    CHECK(read_file(scratch.path() / "file", 5).value() == "12345");
    CHECK(read_file(scratch.path() / "file", 4).error().code == Code::invalid);
}

TEST_CASE("what is not a regular file is not read") {
    const ScratchFolder scratch;
    REQUIRE(::mkfifo((scratch.path() / "pipe").c_str(), 0600) == 0);
    CHECK(read_file(scratch.path() / "pipe", 10).error().code == Code::invalid);
    CHECK(read_file(scratch.path(), 10).error().code == Code::invalid);
    CHECK(read_file(scratch.path() / "none", 10).error().code == Code::not_found);
}

TEST_CASE("a secret that others may read is refused") {
    const ScratchFolder scratch;
    const auto path = scratch.path() / "key";
    REQUIRE(write_secret(path, "hunter2").ok());
    CHECK(mode_of(path) == 0600);
    CHECK(read_secret(path, 100).value() == "hunter2");
    for (const mode_t mode : {0640U, 0604U, 0620U}) {
        REQUIRE(::chmod(path.c_str(), mode) == 0);
        const auto refused = read_secret(path, 100);
        CHECK(refused.error().code == Code::denied);
        CHECK(refused.error().what.find("chmod 600") != std::string::npos);
    }
}

TEST_CASE("folders are made with those above them") {
    const ScratchFolder scratch;
    const auto deep = scratch.path() / "a" / "b" / "c";
    REQUIRE(make_folder(deep).ok());
    REQUIRE(make_folder(deep).ok());
    CHECK(mode_of(deep) == 0700);
    CHECK(mode_of(scratch.path() / "a") == 0700);
    REQUIRE(write_file(deep / "file", "").ok());
    CHECK(make_folder(deep / "file").error().code == Code::conflict);
}

TEST_CASE("a file's hash is that of its bytes") {
    const ScratchFolder scratch;
    REQUIRE(write_file(scratch.path() / "file", "fish").ok());
    const auto file = open_file(scratch.path() / "file", 0);
    CHECK(hash_rest(file.value()).value() == sha256("fish"));
}

}  // namespace
}  // namespace shoal::io
