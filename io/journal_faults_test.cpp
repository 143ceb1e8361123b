// Fault tables for the journal: the n-th operation on the disk fails, or the power goes with it,
// for every n of a run. Afterwards the journal must open again and hold exactly the batches that
// were acknowledged, or those and the one in flight, whole.

#include <cstring>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <sqlite3.h>

#include "core/random.h"
#include "io/files.h"
#include "io/journal_files.h"
#include "io/journal_sqlite.h"
#include "io/scratch.h"

namespace shoal::io {
namespace {

/// What a cut of the power leaves of the writes that were not synced.
enum class Survivors { none, all, some };

/// A disk that can fail, below SQLite. A file is written through to the real one, whose content at
/// the last sync is remembered: that is what a cut of the power goes back to.
struct Disk {
    std::size_t count = 0;     // of writes, cuts, syncs and removals so far
    std::size_t fails_at = 0;  // the operation that fails; zero: none
    int error = SQLITE_IOERR_WRITE;
    bool loses_power = false;
    bool is_dead = false;  // the process has ended: nothing reaches the disk any more
    Survivors survivors = Survivors::none;
    std::map<std::string, std::string> durable = {};
    std::map<std::string, std::vector<std::pair<sqlite3_int64, std::string>>> unsynced = {};

    /// Whether the next operation is carried out.
    bool allows() {
        if (is_dead) return false;
        if (++count != fails_at) return true;
        is_dead = loses_power;
        return false;
    }

    static std::string content(const std::string& path) {
        const auto read = read_file(path, 100'000'000);
        return read.ok() ? read.value() : "";
    }

    void synced(const std::string& path) {
        durable[path] = content(path);
        unsynced.erase(path);
    }

    static void put(std::string& bytes, std::size_t start, const std::string& written) {
        if (bytes.size() < start + written.size()) bytes.resize(start + written.size());
        std::memcpy(bytes.data() + start, written.data(), written.size());
    }

    /// The files as the next start finds them.
    void come_back(const std::filesystem::path& folder) {
        Random random(fails_at);
        for (const auto& entry : std::filesystem::directory_iterator(folder)) {
            std::filesystem::remove(entry.path());
        }
        std::set<std::string> paths;
        for (const auto& [path, unused] : durable) paths.insert(path);
        for (const auto& [path, unused] : unsynced) paths.insert(path);
        for (const std::string& path : paths) {
            std::string bytes = durable[path];
            for (const auto& [offset, written] : unsynced[path]) {
                if (survivors == Survivors::none) continue;
                if (survivors == Survivors::some && random.percent(50)) continue;
                put(bytes, static_cast<std::size_t>(offset), written);
            }
            REQUIRE(write_file(path, bytes).ok());
        }
    }
};

// SQLite calls back with its own structures only, so the disk of a test has to be a global.
Disk* disk = nullptr;
sqlite3_vfs* below = nullptr;

struct File {
    sqlite3_file base;
    const char* path;
    sqlite3_file* real;
};

File* file_of(sqlite3_file* file) {
    return reinterpret_cast<File*>(file);
}
sqlite3_file* real(sqlite3_file* file) {
    return file_of(file)->real;
}
const sqlite3_io_methods& methods(sqlite3_file* file) {
    return *real(file)->pMethods;
}

int write_through(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
    if (!disk->allows()) return disk->error;
    const auto* text = static_cast<const char*>(bytes);
    disk->unsynced[file_of(file)->path].emplace_back(
        offset, std::string(text, static_cast<std::size_t>(size)));
    return methods(file).xWrite(real(file), bytes, size, offset);
}

int cut(sqlite3_file* file, sqlite3_int64 size) {
    if (!disk->allows()) return SQLITE_IOERR_TRUNCATE;
    const int result = methods(file).xTruncate(real(file), size);
    disk->synced(file_of(file)->path);  // a shorter file is taken to be durable: the worse case
    return result;
}

int sync(sqlite3_file* file, int /*flags*/) {
    if (!disk->allows()) return disk->error == SQLITE_FULL ? SQLITE_FULL : SQLITE_IOERR_FSYNC;
    disk->synced(file_of(file)->path);
    return SQLITE_OK;  // the real disk may take its time: what survives is decided here
}

int close_file(sqlite3_file* file) {
    const int result = methods(file).xClose(real(file));
    sqlite3_free(real(file));
    return result;
}

const sqlite3_io_methods* shim_methods() {
    static const sqlite3_io_methods all{
        .iVersion = 2,
        .xClose = close_file,
        .xRead = [](sqlite3_file* f, void* to, int size,
                    sqlite3_int64 from) { return methods(f).xRead(real(f), to, size, from); },
        .xWrite = write_through,
        .xTruncate = cut,
        .xSync = sync,
        .xFileSize = [](sqlite3_file* f,
                        sqlite3_int64* size) { return methods(f).xFileSize(real(f), size); },
        .xLock = [](sqlite3_file* f, int kind) { return methods(f).xLock(real(f), kind); },
        .xUnlock = [](sqlite3_file* f, int kind) { return methods(f).xUnlock(real(f), kind); },
        .xCheckReservedLock =
            [](sqlite3_file* f, int* held) { return methods(f).xCheckReservedLock(real(f), held); },
        .xFileControl = [](sqlite3_file* f, int what,
                           void* with) { return methods(f).xFileControl(real(f), what, with); },
        .xSectorSize = [](sqlite3_file* f) { return methods(f).xSectorSize(real(f)); },
        .xDeviceCharacteristics = [](sqlite3_file*) { return 0; },  // no promises of atomic writes
        .xShmMap =
            [](sqlite3_file* f, int page, int size, int extend, void volatile** at) {
                return methods(f).xShmMap(real(f), page, size, extend, at);
            },
        .xShmLock = [](sqlite3_file* f, int from, int count,
                       int flags) { return methods(f).xShmLock(real(f), from, count, flags); },
        .xShmBarrier = [](sqlite3_file* f) { methods(f).xShmBarrier(real(f)); },
        .xShmUnmap = [](sqlite3_file* f,
                        int remove) { return methods(f).xShmUnmap(real(f), remove); },
        .xFetch = nullptr,
        .xUnfetch = nullptr,
    };
    return &all;
}

int open_file_below(sqlite3_vfs* /*vfs*/, const char* path, sqlite3_file* file, int flags,
                    int* flags_out) {
    auto* real_file = static_cast<sqlite3_file*>(sqlite3_malloc(below->szOsFile));
    std::memset(real_file, 0, static_cast<std::size_t>(below->szOsFile));
    const int result = below->xOpen(below, path, real_file, flags, flags_out);
    if (result != SQLITE_OK) {
        sqlite3_free(real_file);
        file->pMethods = nullptr;
        return result;
    }
    *file_of(file) = {{shim_methods()}, path, real_file};  // SQLite keeps the path as long
    return SQLITE_OK;
}

int remove_file(sqlite3_vfs* /*vfs*/, const char* path, int sync_folder) {
    if (!disk->allows()) return SQLITE_IOERR_DELETE;
    disk->durable.erase(path);
    disk->unsynced.erase(path);
    return below->xDelete(below, path, sync_folder);
}

const char* faulty_disk() {
    static sqlite3_vfs vfs = [] {
        below = sqlite3_vfs_find(nullptr);
        sqlite3_vfs shim = *below;
        shim.szOsFile = sizeof(File);
        shim.zName = "faulty";
        shim.pNext = nullptr;
        shim.xOpen = open_file_below;
        shim.xDelete = remove_file;
        return shim;
    }();
    REQUIRE(sqlite3_vfs_register(&vfs, 0) == SQLITE_OK);
    return "faulty";
}

constexpr std::uint64_t batch_count = 6;
constexpr std::uint64_t rows_per_batch = 3;

std::vector<Row> batch(std::uint64_t number) {
    std::vector<Row> rows;
    for (std::uint64_t i = 1; i <= rows_per_batch; ++i) {
        rows.push_back({number * rows_per_batch + i, Time{Duration{5}}, "task_queued",
                        std::string(1'500, static_cast<char>('a' + number))});
    }
    return rows;
}

std::string name_after(std::uint64_t batches) {
    return "name " + std::to_string(batches);
}

struct Outcome {
    std::uint64_t acknowledged = 0;
    std::optional<Error> failure;
};

/// How a market lives.
struct Life {
    std::function<bool()> make_room = {};
    std::uint64_t segment_bytes = limits::journal_segment.bytes;
    std::uint64_t batches = batch_count;
};

/// It opens its journal and appends batches until one fails.
Outcome live(const std::filesystem::path& folder, const Life& life = {}) {
    Outcome outcome;
    auto journal = SqliteJournal::open(folder, {.release = "0.1.0",
                                                .vfs = faulty_disk(),
                                                .make_room = life.make_room,
                                                .segment_bytes = life.segment_bytes});
    if (!journal.ok()) {
        outcome.failure = journal.error();
        return outcome;
    }
    for (std::uint64_t i = 0; i < life.batches; ++i) {
        const SideWrite side = NameSet{AccountId{1}, name_after(i + 1)};
        const Status appended = journal.value()->append(batch(i), std::span(&side, 1));
        if (!appended.ok()) {
            outcome.failure = appended.error();
            const Status again = journal.value()->append(batch(i), {});
            REQUIRE(!again.ok());  // a journal that failed once takes nothing more
            disk->is_dead = true;  // the process ends here
            return outcome;
        }
        ++outcome.acknowledged;
    }
    return outcome;
}

void require_whole(const std::filesystem::path& folder, const Outcome& outcome) {
    const auto journal = SqliteJournal::open(folder, {.release = "0.1.0"});
    REQUIRE_MESSAGE(journal.ok(), (journal.ok() ? "" : journal.error().what));
    std::vector<Row> rows;
    for (bool is_more = true; is_more;) {
        const auto some = journal.value()->read(rows.size(), 1'000).value();
        rows.insert(rows.end(), some.begin(), some.end());
        is_more = !some.empty();
    }
    const std::uint64_t batches = rows.size() / rows_per_batch;
    REQUIRE(rows.size() == batches * rows_per_batch);
    REQUIRE(batches >= outcome.acknowledged);
    REQUIRE(batches <= outcome.acknowledged + (outcome.failure ? 1 : 0));
    for (std::uint64_t i = 0; i < batches; ++i) {
        for (std::uint64_t j = 0; j < rows_per_batch; ++j) {
            REQUIRE(rows[i * rows_per_batch + j] == batch(i)[j]);
        }
    }
    const auto names = journal.value()->names().value();
    REQUIRE(names.size() == (batches == 0 ? 0 : 1));
    if (batches > 0) REQUIRE(names.at(AccountId{1}) == name_after(batches));
    REQUIRE(journal.value()->append(batch(batches), {}).ok());
}

/// Runs the life with a fault at every operation in turn; gives the number of operations.
std::size_t for_every_operation(const Disk& kind, const std::function<void(const Outcome&)>& look,
                                const Life& life = {}) {
    for (std::size_t n = 1;; ++n) {
        CAPTURE(n);
        const ScratchFolder scratch;
        Disk faulty = kind;
        faulty.fails_at = n;
        disk = &faulty;
        const Outcome outcome = live(scratch.path(), life);
        const bool reached = faulty.count >= n;
        if (kind.loses_power && reached) faulty.come_back(scratch.path());
        require_whole(scratch.path(), outcome);
        look(outcome);
        if (!reached) {
            REQUIRE(outcome.acknowledged == life.batches);
            return n;
        }
    }
}

TEST_CASE("without faults every batch is acknowledged") {
    const ScratchFolder scratch;
    Disk sound;
    disk = &sound;
    const Outcome outcome = live(scratch.path());
    CHECK(outcome.acknowledged == batch_count);
    require_whole(scratch.path(), outcome);
}

TEST_CASE("a write or sync that fails loses no acknowledged batch and tears none") {
    std::size_t failed = 0;
    const auto count = for_every_operation(Disk{}, [&](const Outcome& outcome) {
        failed += outcome.failure ? 1 : 0;
        if (outcome.failure) CHECK(outcome.failure->code == Code::unavailable);
    });
    CHECK(count > 40);
    CHECK(failed > 30);
}

TEST_CASE("a full disk is exhausted, and loses no acknowledged batch") {
    std::size_t full = 0;
    for_every_operation(Disk{.error = SQLITE_FULL}, [&](const Outcome& outcome) {
        full += outcome.failure && outcome.failure->code == Code::exhausted ? 1 : 0;
    });
    CHECK(full > 30);
}

TEST_CASE("a full disk on which room can be made takes the batch at the second try") {
    std::size_t asked = 0;
    std::size_t failed = 0;
    const auto make_room = [&] {
        ++asked;
        return true;
    };
    const auto look = [&](const Outcome& outcome) {
        // What failed then was the opening of the journal, which nobody tries again.
        if (outcome.failure) CHECK(outcome.acknowledged == 0);
        failed += outcome.failure ? 1 : 0;
    };
    for_every_operation(Disk{.error = SQLITE_FULL}, look, {make_room});
    CHECK(asked > 20);
    CHECK(failed < asked);
}

TEST_CASE("room that cannot be made leaves the batch failed") {
    std::size_t full = 0;
    for_every_operation(Disk{.error = SQLITE_FULL},
                        [&](const Outcome& outcome) {
                            full +=
                                outcome.failure && outcome.failure->code == Code::exhausted ? 1 : 0;
                        },
                        {[] { return false; }});
    CHECK(full > 30);
}

TEST_CASE("a cut of the power loses no acknowledged batch and tears none") {
    for (const Survivors survivors : {Survivors::none, Survivors::all, Survivors::some}) {
        CAPTURE(static_cast<int>(survivors));
        const auto count = for_every_operation(Disk{.loses_power = true, .survivors = survivors},
                                               [](const Outcome&) {});
        CHECK(count > 40);
    }
}

/// Each batch closes its segment.
const Life in_segments{.segment_bytes = 9'000, .batches = 2};

TEST_CASE("without faults a life in segments leaves several of them") {
    const ScratchFolder scratch;
    Disk sound;
    disk = &sound;
    const Outcome outcome = live(scratch.path(), in_segments);
    CHECK(outcome.acknowledged == in_segments.batches);
    CHECK(list_segments(scratch.path()).value().size() == 3);
    require_whole(scratch.path(), outcome);
}

TEST_CASE("a write or sync that fails while a segment is closed loses nothing") {
    const auto count = for_every_operation(Disk{}, [](const Outcome&) {}, in_segments);
    CHECK(count > 60);
}

TEST_CASE("a disk that is full while a segment is closed loses nothing") {
    for_every_operation(Disk{.error = SQLITE_FULL}, [](const Outcome&) {}, in_segments);
}

TEST_CASE("a cut of the power at every step of closing a segment loses nothing") {
    for (const Survivors survivors : {Survivors::none, Survivors::all, Survivors::some}) {
        CAPTURE(static_cast<int>(survivors));
        const auto count = for_every_operation(
            Disk{.loses_power = true, .survivors = survivors}, [](const Outcome&) {}, in_segments);
        CHECK(count > 60);
    }
}

}  // namespace
}  // namespace shoal::io
