#include "sandbox/collect.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace shoal::sandbox {

namespace {

using protocol::JobOutput;

/// A folder /out that a job has left.
class Left {
public:
    Left() {
        std::string name = (std::filesystem::temp_directory_path() / "shoal-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        folder = name;
    }
    ~Left() { std::filesystem::remove_all(folder); }
    Left(const Left&) = delete;
    Left& operator=(const Left&) = delete;

    void file(const std::string& path, const std::string& text = "text") const {
        std::filesystem::create_directories(std::filesystem::path(at(path)).parent_path());
        std::ofstream(at(path)) << text;
    }
    void link(const std::string& target, const std::string& path) const {
        std::filesystem::create_symlink(target, at(path));
    }
    std::string at(const std::string& path) const { return folder + "/" + path; }

    Collection take(const std::vector<JobOutput>& declared) const {
        return collect(folder, declared, limits);
    }
    std::string refusal(const std::string& path = ".") const {
        const Collection got = take({{.path = path}});
        REQUIRE(got.refusal.has_value());
        CHECK(got.files.empty());
        return std::string(protocol::to_string(got.refusal->reason)) + " " + got.refusal->detail;
    }

    std::string folder;
    CollectLimits limits;
};

}  // namespace

TEST_CASE("declared outputs are found, hashed and measured; others are left alone") {
    Left left;
    left.file("model.bin", "abc");
    left.file("plots/a/loss.csv", "1\n");
    left.file("plots/b.csv", "");
    left.file("scratch", "not declared");
    const Collection got = left.take({{.path = "model.bin"}, {.path = "plots"}});
    REQUIRE_FALSE(got.refusal.has_value());
    REQUIRE(got.files.size() == 3);
    CHECK(got.files[0].path == "model.bin");
    CHECK(got.files[0].size_bytes == 3);
    CHECK(got.files[0].source == left.at("model.bin"));
    CHECK(to_string(got.files[0].hash) ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(got.files[1].path == "plots/a/loss.csv");
    CHECK(got.files[2].path == "plots/b.csv");
}

TEST_CASE("a file that is declared twice is collected once") {
    Left left;
    left.file("plots/a");
    CHECK(left.take({{.path = "plots"}, {.path = "plots/a"}}).files.size() == 1);
}

TEST_CASE("an output that is missing is named, unless it is optional") {
    const Left left;
    CHECK(left.refusal("model.bin") == "output_missing model.bin");
    const Collection got = left.take({{.path = "model.bin", .optional = true}});
    CHECK_FALSE(got.refusal.has_value());
    CHECK(got.files.empty());
}

TEST_CASE("links are refused wherever they lead") {
    const Left left;
    left.file("real");
    for (const char* target : {"/etc/passwd", "../../etc/passwd", "/proc/self/mem", "real", "."}) {
        left.link(target, "link");
        CHECK(left.refusal("link") == "output_refused link: a symbolic link");
        CHECK(left.refusal() == "output_refused link: a symbolic link");
        std::filesystem::remove(left.at("link"));
    }
    left.link("/", "folder");
    CHECK(left.refusal("folder/etc/passwd") == "output_refused folder/etc/passwd: a symbolic link");
}

TEST_CASE("a declared path cannot lead out of the folder") {
    const Left left;
    CHECK(left.refusal("../x") == "output_refused ../x: leads out of /out");
    CHECK(left.refusal("/etc/passwd") == "output_refused /etc/passwd: leads out of /out");
}

TEST_CASE("what is not a plain file is refused, and nobody waits for it") {
    const Left left;
    SUBCASE("a pipe") {
        REQUIRE(::mkfifo(left.at("pipe").c_str(), 0600) == 0);
        CHECK(left.refusal() == "output_refused pipe: not a plain file");
    }
    SUBCASE("a socket") {
        const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string path = left.at("socket");
        REQUIRE(path.size() < sizeof address.sun_path);
        path.copy(address.sun_path, path.size());
        REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        ::close(fd);
        CHECK(left.refusal() == "output_refused socket: a socket or a device");
    }
    SUBCASE("a second name of a file") {
        left.file("one");
        REQUIRE(::link(left.at("one").c_str(), left.at("two").c_str()) == 0);
        CHECK(left.refusal("one") == "output_refused one: has more than one name (a hard link)");
    }
    SUBCASE("a file with a hole of a terabyte, whatever the limit") {
        left.file("hole");
        REQUIRE(::truncate(left.at("hole").c_str(), off_t{1} << 40) == 0);
        CHECK(left.refusal() == "output_limit hole: more than 1GiB with it");
        Left generous;
        generous.limits.size = Size{std::uint64_t{1} << 50};
        generous.file("hole");
        REQUIRE(::truncate(generous.at("hole").c_str(), off_t{1} << 40) == 0);
        CHECK(generous.refusal() == "output_refused hole: a file with holes");
    }
    SUBCASE("a name with a line end") {
        left.file("two\nlines");
        CHECK(left.refusal() == "output_refused two lines: a name that cannot be printed");
    }
    SUBCASE("a name that is not UTF-8") {
        left.file("a\xff");
        CHECK(left.refusal() == "output_refused a\uFFFD: a name that cannot be printed");
    }
}

TEST_CASE("a name in any language is plain") {
    const Left left;
    left.file("größe-数.csv");
    CHECK(left.take({{.path = "."}}).files.size() == 1);
}

TEST_CASE("too deep, too many and too large are refused") {
    Left left;
    SUBCASE("60 folders deep") {
        std::string path = "d";
        for (int i = 0; i < 60; ++i) path += "/d";
        left.file(path + "/file");
        CHECK(left.refusal("d").ends_with(": folders nested too deep"));
    }
    SUBCASE("6000 files") {
        for (int i = 0; i < 6000; ++i) left.file(std::to_string(i), "");
        CHECK(left.refusal() == "output_limit more than 5000 files");
    }
    SUBCASE("together above the limit") {
        left.limits.size = Size{10};
        left.file("a", "123456");
        left.file("b", "12345");
        CHECK(left.refusal().starts_with("output_limit "));
        left.file("b", "1234");
        CHECK(left.take({{.path = "."}}).files.size() == 2);
    }
}

}  // namespace shoal::sandbox
