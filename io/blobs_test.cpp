#include <fstream>
#include <sstream>
#include <string>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "io/blobs_files.h"
#include "io/scratch.h"

namespace shoal::io {
namespace {

// Tests must not depend on how full the machine's disk is.
constexpr FileBlobs::Options roomy{.free_min = 0, .free_percent_min = 0};

struct Store {
    ScratchFolder scratch;
    std::unique_ptr<FileBlobs> blobs = FileBlobs::open(scratch.path(), roomy).value();

    void reopen(const FileBlobs::Options& options = roomy) {
        blobs = FileBlobs::open(scratch.path(), options).value();
    }
    Status put(std::string_view content, std::string_view promised) {
        auto upload = blobs->begin(sha256(promised), content.size());
        if (!upload.ok()) return upload.error();
        const Status appended = upload.value()->append(0, as_bytes(content));
        return appended.ok() ? upload.value()->finish() : appended;
    }
    std::filesystem::path write(const std::string& name, std::string_view content) {
        const auto path = scratch.path() / name;
        std::ofstream(path) << content;
        return path;
    }
};

std::string content_of(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

TEST_CASE("a blob is found by its hash") {
    Store store;
    const Hash hash = sha256("fish");
    CHECK(store.blobs->path(hash).error().code == Code::not_found);
    REQUIRE(store.put("fish", "fish").ok());
    CHECK(content_of(store.blobs->path(hash).value()) == "fish");
    CHECK(store.blobs->size(hash).value() == 4);
    CHECK(store.blobs->partial_size(hash) == 0);
    CHECK(is_empty(store.scratch.path() / "partial"));
    const auto name = to_string(hash);
    CHECK(store.blobs->path(hash).value() ==
          store.scratch.path() / "blobs" / name.substr(0, 2) / name.substr(2, 2) / name);
    CHECK(store.blobs->begin(hash, 4).error().code == Code::conflict);
}

TEST_CASE("the empty blob can be stored") {
    Store store;
    REQUIRE(store.put("", "").ok());
    CHECK(store.blobs->size(sha256("")).value() == 0);
}

TEST_CASE("bytes with another hash than promised are removed") {
    Store store;
    const Status refused = store.put("fish", "fowl");
    REQUIRE(!refused.ok());
    CHECK(refused.error().code == Code::invalid);
    CHECK(refused.error().what == "blob: expected sha256 " + to_string(sha256("fowl")) + ", got " +
                                      to_string(sha256("fish")));
    CHECK(store.blobs->partial_size(sha256("fowl")) == 0);
    CHECK(store.blobs->list().value().empty());
    CHECK(store.put("fowl", "fowl").ok());
}

TEST_CASE("an upload goes on after a restart from what had arrived") {
    Store store;
    const Hash hash = sha256("a shoal of fish");
    {
        auto upload = store.blobs->begin(hash, 15).value();
        REQUIRE(upload->append(0, as_bytes("a shoal")).ok());
        CHECK(upload->finish().error().what == "blob: expected 15 bytes, got 7");
    }
    store.reopen();
    CHECK(store.blobs->partial_size(hash) == 7);
    auto upload = store.blobs->begin(hash, 15).value();
    CHECK(upload->size() == 7);
    CHECK(upload->append(6, as_bytes("l of fish")).error().code == Code::conflict);
    REQUIRE(upload->append(7, as_bytes(" of fish")).ok());
    REQUIRE(upload->finish().ok());
    CHECK(content_of(store.blobs->path(hash).value()) == "a shoal of fish");
}

TEST_CASE("no more bytes are taken than were announced") {
    Store store;
    auto upload = store.blobs->begin(sha256("fish"), 4).value();
    REQUIRE(upload->append(0, as_bytes("fis")).ok());
    CHECK(upload->append(3, as_bytes("hy")).error().what == "blob: expected 4 bytes, got 5");
    CHECK(upload->append(3, as_bytes("h")).ok());
    CHECK(upload->finish().ok());
}

TEST_CASE("a partial file longer than what is announced now is begun anew") {
    Store store;
    {
        auto upload = store.blobs->begin(sha256("fish"), 10).value();
        REQUIRE(upload->append(0, as_bytes("too long")).ok());
    }
    CHECK(store.put("fish", "fish").ok());
}

TEST_CASE("one blob has one upload at a time") {
    Store store;
    auto first = store.blobs->begin(sha256("fish"), 4);
    REQUIRE(first.ok());
    CHECK(store.blobs->begin(sha256("fish"), 4).error().code == Code::conflict);
    CHECK(store.blobs->begin(sha256("fowl"), 4).ok());
}

TEST_CASE("a blob above the limit is refused") {
    Store store;
    auto options = roomy;
    options.size_max = 3;
    store.reopen(options);
    CHECK(store.put("fish", "fish").error().what == "blob: expected at most 3 bytes, got 4");
    CHECK(store.blobs->put_file(store.write("file", "fish")).error().code == Code::invalid);
}

TEST_CASE("a disk that is nearly full takes no uploads") {
    Store store;
    auto upload = store.blobs->begin(sha256("fish"), 4).value();
    auto options = roomy;
    SUBCASE("by bytes") {
        options.free_min = std::uint64_t{1} << 62;
    }
    SUBCASE("by share") {
        options.free_percent_min = 100;
    }
    CHECK(store.blobs->check_space(0).ok());
    store.reopen(options);
    CHECK(store.blobs->check_space(0).error().code == Code::exhausted);
    CHECK(store.put("fowl", "fowl").error().code == Code::exhausted);
    CHECK(store.blobs->put_file(store.write("file", "fish")).error().code == Code::exhausted);
    CHECK(is_empty(store.scratch.path() / "blobs"));
}

TEST_CASE("the guard keeps the larger of a size and a share, and says what is missing") {
    Store store;
    const std::uint64_t total = free_space(store.scratch.path()).value().total_bytes;
    auto options = roomy;
    options.free_percent_min = 100;  // all of it: larger than any part
    options.free_min = total / 2;
    store.reopen(options);
    const Error refused = store.blobs->check_space(3 << 20).error();
    CHECK(refused.code == Code::exhausted);
    CHECK(refused.what.find(to_rounded(Size{total / 100 * 100}) + " have to stay free") !=
          std::string::npos);
    CHECK(refused.what.find("3 MiB more are asked for") != std::string::npos);
    options.free_percent_min = 0;
    options.free_min = total * 2;
    store.reopen(options);
    CHECK(store.blobs->check_space(0).error().what.find(to_rounded(Size{total * 2}) +
                                                        " have to stay free") != std::string::npos);
}

TEST_CASE("an upload that would fill the disk is refused before its first byte") {
    Store store;
    auto options = roomy;
    options.size_max = UINT64_MAX;
    store.reopen(options);
    CHECK(store.blobs->begin(sha256("fish"), std::uint64_t{1} << 62).error().code ==
          Code::exhausted);
}

TEST_CASE("unfinished uploads that nobody touched for a day are swept") {
    Store store;
    for (const char* content : {"old", "new"}) {
        auto upload = store.blobs->begin(sha256(content), 3).value();
        REQUIRE(upload->append(0, as_bytes("?")).ok());
    }
    const auto old = store.scratch.path() / "partial" / to_string(sha256("old"));
    const timeval yesterday{::time(nullptr) - 86'500, 0};
    const timeval times[] = {yesterday, yesterday};
    REQUIRE(::utimes(old.c_str(), times) == 0);
    store.reopen();
    CHECK(store.blobs->partial_size(sha256("old")) == 0);
    CHECK(store.blobs->partial_size(sha256("new")) == 1);
}

TEST_CASE("a file of this machine is copied into the store") {
    Store store;
    const std::string content(3'000'000, 'x');
    const auto source = store.write("file", content);
    for (int i = 0; i < 2; ++i) {
        const auto facts = store.blobs->put_file(source);
        REQUIRE(facts.ok());
        CHECK(facts.value().hash == sha256(content));
        CHECK(facts.value().size_bytes == content.size());
    }
    CHECK(content_of(store.blobs->path(sha256(content)).value()) == content);
    CHECK(is_empty(store.scratch.path() / "partial"));
    struct stat facts{};
    REQUIRE(::stat(store.blobs->path(sha256(content)).value().c_str(), &facts) == 0);
    CHECK((facts.st_mode & 0777U) == 0444);
    CHECK(store.blobs->put_file(store.scratch.path()).error().code == Code::invalid);
    CHECK(store.blobs->put_file(source / "none").error().code == Code::not_found);
}

TEST_CASE("a named pipe is refused without waiting for its writer") {
    Store store;
    const auto pipe = store.scratch.path() / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK(store.blobs->put_file(pipe).error().code == Code::invalid);
}

TEST_CASE("blobs are listed in order and can be removed") {
    Store store;
    for (const char* content : {"a", "b", "c"}) REQUIRE(store.put(content, content).ok());
    store.write("blobs/not-a-blob", "x");
    const auto all = store.blobs->list().value();
    REQUIRE(all.size() == 3);
    CHECK(all[0].hash < all[1].hash);
    CHECK(all[1].hash < all[2].hash);
    CHECK(all[0].size_bytes == 1);
    CHECK(all[0].stored > Time{std::chrono::hours(24 * 365 * 50)});
    REQUIRE(store.blobs->remove(sha256("b")).ok());
    CHECK(store.blobs->remove(sha256("b")).error().code == Code::not_found);
    CHECK(store.blobs->list().value().size() == 2);
}

}  // namespace
}  // namespace shoal::io
