#include "io/reserve.h"

#include <filesystem>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "io/files.h"
#include "io/scratch.h"

namespace shoal::io {
namespace {

std::uint64_t occupied_bytes(const std::filesystem::path& path) {
    struct stat facts{};
    if (::stat(path.c_str(), &facts) != 0) return 0;
    constexpr std::uint64_t block_bytes = 512;
    return static_cast<std::uint64_t>(facts.st_blocks) * block_bytes;
}

TEST_CASE("a reserve occupies the disk until it is given back, once") {
    const ScratchFolder scratch;
    const auto file = scratch.path() / "reserve";
    CHECK_FALSE(give_back_reserve(scratch.path()));
    REQUIRE(make_reserve(scratch.path(), 4_MiB).ok());
    CHECK(occupied_bytes(file) >= (4_MiB).bytes);
    REQUIRE(make_reserve(scratch.path(), 4_MiB).ok());  // at the next start
    CHECK(give_back_reserve(scratch.path()));
    CHECK_FALSE(std::filesystem::exists(file));
    CHECK_FALSE(give_back_reserve(scratch.path()));
}

TEST_CASE("a reserve of which a part is missing is made whole") {
    const ScratchFolder scratch;
    const auto file = scratch.path() / "reserve";
    REQUIRE(write_file(file, "cut short").ok());
    REQUIRE(make_reserve(scratch.path(), 4_MiB).ok());
    CHECK(occupied_bytes(file) >= (4_MiB).bytes);
}

TEST_CASE("a reserve that the disk has no room for leaves nothing behind") {
    const ScratchFolder scratch;
    const Status made = make_reserve(scratch.path(), Size{std::uint64_t{1} << 55});
    REQUIRE_FALSE(made.ok());
    CHECK_FALSE(std::filesystem::exists(scratch.path() / "reserve"));
}

}  // namespace
}  // namespace shoal::io
