#include "apps/blob_keeper.h"

#include <fstream>
#include <functional>
#include <string>

#include <doctest/doctest.h>
#include <sys/time.h>

#include "io/blobs_files.h"
#include "io/scratch.h"
#include "market/world_for_test.h"

namespace shoal::apps {
namespace {

struct Kept {
    io::ScratchFolder scratch;
    std::unique_ptr<io::FileBlobs> blobs =
        io::FileBlobs::open(scratch.path(), {.free_min = 0, .free_percent_min = 0}).value();
    market::World world;
    io::Loop loop;
    BlobKeeper keeper{loop, *blobs, world.market};

    /// The bytes lie there, whoever knows of it; gives their name.
    Hash lay(std::string_view bytes) const {
        auto upload = blobs->begin(sha256(bytes), bytes.size()).value();
        CHECK(upload->append(0, as_bytes(bytes)).ok());
        CHECK(upload->finish().ok());
        return sha256(bytes);
    }
    bool lies(const Hash& hash) const { return blobs->size(hash).ok(); }

    static void age(const std::filesystem::path& file) {
        const timeval before{::time(nullptr) - time_t{2} * 86'400, 0};
        const timeval times[] = {before, before};
        REQUIRE(::utimes(file.c_str(), times) == 0);
    }

    void run_until(const std::function<bool()>& done) {
        const std::function<void()> look = [&] {
            if (done()) return loop.stop();
            loop.after(Duration{1}, look);
        };
        loop.post(look);
        loop.run();
    }
};

TEST_CASE("the bytes go when no account has the blob any more") {
    Kept kept;
    const Hash hash = kept.lay("data");
    REQUIRE(kept.world.store("data").ok());
    kept.world.advance(limits::upload_life + limits::sweep_delay);
    kept.keeper.dropped(hash);
    kept.run_until([&] { return !kept.lies(hash); });
    CHECK(kept.blobs->list().value().empty());
}

TEST_CASE("bytes that somebody has again by then stay") {
    Kept kept;
    const Hash needed = kept.lay("needed");
    const Hash other = kept.lay("other");
    REQUIRE(kept.world.store("needed").ok());
    kept.keeper.dropped(needed);
    kept.keeper.dropped(other);
    kept.run_until([&] { return !kept.lies(other); });
    CHECK(kept.lies(needed));
}

TEST_CASE("an upload learns that its bytes were removed meanwhile") {
    Kept kept;
    const Hash hash = kept.lay("data");
    const Hash other = sha256("other");
    const BlobKeeper::Mark before = kept.keeper.mark();
    CHECK(kept.keeper.is_untouched(hash, before));
    kept.keeper.dropped(hash);
    const BlobKeeper::Mark meanwhile = kept.keeper.mark();
    CHECK_FALSE(kept.keeper.is_untouched(hash, before));
    CHECK_FALSE(kept.keeper.is_untouched(hash, meanwhile));
    kept.run_until([&] { return kept.keeper.mark() != before; });
    CHECK_FALSE(kept.lies(hash));
    CHECK_FALSE(kept.keeper.is_untouched(hash, before));
    CHECK_FALSE(kept.keeper.is_untouched(hash, meanwhile));
    CHECK(kept.keeper.is_untouched(other, before));
    CHECK(kept.keeper.is_untouched(hash, kept.keeper.mark()));
}

TEST_CASE("whoever began before the removals that are remembered has to begin again") {
    Kept kept;
    BlobKeeper forgetful(kept.loop, *kept.blobs, kept.world.market, {.remembered = 1});
    const BlobKeeper::Mark before = forgetful.mark();
    for (const char* bytes : {"one", "two"}) forgetful.dropped(kept.lay(bytes));
    kept.run_until([&] { return forgetful.mark() == before + 2; });
    CHECK_FALSE(forgetful.is_untouched(sha256("three"), before));
    CHECK(forgetful.is_untouched(sha256("three"), forgetful.mark()));
}

TEST_CASE("what nobody names is swept up when it is old, and nothing else") {
    Kept kept;
    const Hash old = kept.lay("old");
    const Hash young = kept.lay("young");
    const Hash named = kept.lay("named");
    REQUIRE(kept.world.store("named").ok());
    const auto half = kept.scratch.path() / "partial" / to_string(sha256("half"));
    std::ofstream(half) << "ha";
    Kept::age(half);
    for (const Hash& hash : {old, named}) Kept::age(kept.blobs->path(hash).value());
    kept.keeper.sweep();
    kept.run_until([&] { return !kept.lies(old); });
    CHECK(kept.lies(young));
    CHECK(kept.lies(named));
    CHECK_FALSE(std::filesystem::exists(half));
}

}  // namespace
}  // namespace shoal::apps
