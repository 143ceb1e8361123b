#include <fstream>
#include <string>

#include <doctest/doctest.h>
#include <sqlite3.h>

#include "io/files.h"
#include "io/folder.h"
#include "io/journal_files.h"
#include "io/journal_keeping.h"
#include "io/journal_migration.h"
#include "io/journal_pack.h"
#include "io/journal_reader.h"
#include "io/journal_row.h"
#include "io/journal_snapshots.h"
#include "io/journal_sqlite.h"
#include "io/journal_table.h"
#include "io/scratch.h"

namespace shoal::io {
namespace {

Row row(std::uint64_t sequence, std::size_t size = 2) {
    return {sequence, Time{Duration{static_cast<std::int64_t>(1'000 + sequence)}}, "task_queued",
            std::string(size, static_cast<char>('a' + sequence % 26))};
}

std::vector<Row> rows(std::uint64_t first, std::uint64_t last) {
    std::vector<Row> all;
    for (std::uint64_t i = first; i <= last; ++i) all.push_back(row(i));
    return all;
}

struct Folder {
    ScratchFolder scratch;
    std::size_t closed = 0;
    std::unique_ptr<SqliteJournal> journal = open().value();

    Result<std::unique_ptr<SqliteJournal>> open() {
        return SqliteJournal::open(
            scratch.path(),
            {.release = "0.1.0", .segment_age = Duration{50}, .closed = [this] { ++closed; }});
    }
    void reopen() {
        journal.reset();
        journal = open().value();
    }
    /// Rows in segments of ten, each closed but for the last one.
    void fill(std::uint64_t last) const {
        for (std::uint64_t i = journal->last_sequence().value() + 1; i <= last; ++i) {
            REQUIRE(journal->append({{row(i)}}, {}).ok());
            if (i % 10 == 0) REQUIRE(journal->close_segment().ok());
        }
    }
    /// What the keeper does with a closed segment.
    void pack(std::uint64_t first, std::uint64_t last) const {
        Packer packer(first);
        for (std::uint64_t i = first; i <= last; ++i) packer.add(row(i));
        REQUIRE(
            write_file(pack_path(scratch.path(), first), std::move(packer).finish().value()).ok());
    }
    bool has_table(std::uint64_t first) const {
        return std::filesystem::exists(table_path(scratch.path(), first));
    }
    std::vector<Row> all() const {
        std::vector<Row> found;
        for (std::uint64_t after = journal->first_sequence() - 1;;) {
            const auto more = journal->read(after, 7).value();
            if (more.empty()) return found;
            found.insert(found.end(), more.begin(), more.end());
            after = found.back().sequence;
        }
    }
};

TEST_CASE("a segment is closed at its age, and the journal goes on in the next one") {
    Folder folder;
    for (std::uint64_t i = 1; i <= 200; ++i) {
        REQUIRE(folder.journal->append({{row(i)}}, {}).ok());
    }
    CHECK(folder.closed == 3);
    for (int restart = 0; restart < 2; ++restart) {
        CHECK(folder.all() == rows(1, 200));
        CHECK(folder.journal->read(51, 2).value() == rows(52, 53));
        folder.reopen();
    }
    CHECK(folder.journal->append(rows(201, 201), {}).ok());
}

TEST_CASE("a segment is closed at its size") {
    const ScratchFolder scratch;
    const auto journal =
        SqliteJournal::open(scratch.path(), {.release = "0.1.0", .segment_bytes = 100'000}).value();
    for (std::uint64_t i = 1; i <= 30; ++i) {
        REQUIRE(journal->append({{row(i, 10'000)}}, {}).ok());
    }
    const auto segments = journal->segments().value();
    REQUIRE(segments.size() == 4);
    CHECK(segments[0].first == 1);
    CHECK(segments[0].last + 1 == segments[1].first);
    CHECK(segments[0].last_time == row(segments[0].last).time);
    CHECK(!segments[2].is_open);
    CHECK(segments[3].is_open);
    CHECK(segments[3].last == 30);
}

TEST_CASE("a closed segment is one file that never changes, and names lie in the open one alone") {
    Folder folder;
    const std::string name = "Wilhelmina Oppenshaw";
    REQUIRE(folder.journal->append(rows(1, 3), {{NameSet{AccountId{7}, name}}}).ok());
    REQUIRE(folder.journal->close_segment().ok());
    CHECK(folder.journal->names().value().at(AccountId{7}) == name);
    const auto path = table_path(folder.scratch.path(), 1);
    CHECK(is_closed_table(path));
    CHECK(!std::filesystem::exists(path.string() + "-wal"));
    const std::string content = read_file(path, 1'000'000).value();
    CHECK(content.find(name) == std::string::npos);
    folder.fill(25);
    REQUIRE(folder.journal->append({}, {{NameErased{AccountId{7}}}}).ok());
    folder.reopen();
    CHECK(read_file(path, 1'000'000).value() == content);
    folder.journal.reset();
    for (const auto& entry : std::filesystem::directory_iterator(folder.scratch.path())) {
        CHECK(read_file(entry.path(), 10'000'000).value().find(name) == std::string::npos);
    }
}

TEST_CASE("an empty segment is not closed") {
    Folder folder;
    CHECK(folder.journal->close_segment().ok());
    folder.fill(10);
    CHECK(folder.journal->close_segment().ok());
    CHECK(folder.journal->segments().value().size() == 2);
}

TEST_CASE("who reads a segment while it is closed holds up nobody, and it is finished later") {
    Folder folder;
    folder.fill(5);
    {
        auto other = JournalReader::open(folder.scratch.path(), {}).value();
        REQUIRE(other.read(0, 2).value() == rows(1, 2));
        folder.fill(10);
        CHECK(!is_closed_table(table_path(folder.scratch.path(), 1)));
        folder.fill(12);
        CHECK(folder.all() == rows(1, 12));
        CHECK(other.read(2, 100).value() == rows(3, 10));
        CHECK(other.read(10, 100).value() == rows(11, 12));
        CHECK(other.last_sequence().value() == 12);
    }
    folder.fill(20);
    CHECK(is_closed_table(table_path(folder.scratch.path(), 1)));
}

TEST_CASE("a start finishes what was cut short while a segment was closed") {
    Folder folder;
    folder.fill(5);
    REQUIRE(folder.journal->append({}, {{NameSet{AccountId{7}, "Ann"}}}).ok());
    folder.journal.reset();
    const auto next = table_path(folder.scratch.path(), 6);
    SUBCASE("the next one is only a name") {
        std::ofstream(next) << "";
    }
    SUBCASE("the next one has tables and nothing else") {
        sqlite3* database = nullptr;
        REQUIRE(sqlite3_open(next.c_str(), &database) == SQLITE_OK);
        CHECK(sqlite3_exec(database, "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT)",
                           nullptr, nullptr, nullptr) == SQLITE_OK);
        sqlite3_close(database);
    }
    SUBCASE("the next one is whole, this one still open") {
        REQUIRE(TableWriter::create({next}, {6, "0.1.0", {{AccountId{7}, "Ann"}}}).ok());
    }
    SUBCASE("this one is closed but for its log") {
        REQUIRE(TableWriter::create({next}, {6, "0.1.0", {{AccountId{7}, "Ann"}}}).ok());
        auto holder = TableReader::open({table_path(folder.scratch.path(), 1)}).value();
        REQUIRE(holder.read(0, 1).ok());
        CHECK(close_table({table_path(folder.scratch.path(), 1)}, 5).error().code ==
              Code::conflict);
    }
    folder.journal = folder.open().value();
    CHECK(folder.all() == rows(1, 5));
    CHECK(folder.journal->names().value().at(AccountId{7}) == "Ann");
    folder.fill(12);
    CHECK(folder.all() == rows(1, 12));
}

TEST_CASE("a journal without its last segment, or with a gap, is corrupt") {
    Folder folder;
    folder.fill(35);
    folder.journal.reset();
    SUBCASE("a table is missing") {
        REQUIRE(remove_table(folder.scratch.path(), 11).ok());
        CHECK(folder.open().error().code == Code::corrupt);
    }
    SUBCASE("a pack is missing") {
        folder.pack(1, 10);
        folder.journal = folder.open().value();
        REQUIRE(folder.journal->adopt().value().empty());
        REQUIRE(remove_table(folder.scratch.path(), 11).ok());
        CHECK(folder.journal->segments().error().code == Code::corrupt);
        const auto read = folder.journal->read(10, 5);
        CHECK(read.error().code == Code::corrupt);
        CHECK(read.error().what == "journal, event 11: missing");
    }
    SUBCASE("only packs are left") {
        for (const std::uint64_t first : {1U, 11U, 21U, 31U}) {
            folder.pack(first, first + 9);
            REQUIRE(remove_table(folder.scratch.path(), first).ok());
        }
        CHECK(folder.open().error().code == Code::corrupt);
    }
}

TEST_CASE("packs take the place of tables when they are sound") {
    Folder folder;
    folder.fill(35);
    folder.pack(1, 10);
    folder.pack(11, 20);
    folder.pack(21, 29);  // not all of it
    std::fstream(pack_path(folder.scratch.path(), 11), std::ios::in | std::ios::out)
        .seekp(100)
        .put('!');
    const auto damaged = folder.journal->adopt().value();
    CHECK(damaged == std::vector{pack_path(folder.scratch.path(), 11).string(),
                                 pack_path(folder.scratch.path(), 21).string()});
    CHECK(!folder.has_table(1));
    CHECK(folder.has_table(11));
    CHECK(folder.has_table(21));
    CHECK(folder.all() == rows(1, 35));
    folder.reopen();
    CHECK(folder.all() == rows(1, 35));
}

TEST_CASE("nothing is dropped while somebody wants the folder as it is") {
    Folder folder;
    folder.fill(15);
    folder.pack(1, 10);
    {
        const auto held = hold_keeping(folder.scratch.path(), Keeping::shared);
        REQUIRE(held.ok());
        CHECK(folder.journal->adopt().ok());
        CHECK(folder.has_table(1));
    }
    CHECK(folder.journal->adopt().ok());
    CHECK(!folder.has_table(1));
}

Snapshot snapshot(std::uint64_t sequence) {
    return {sequence, 1, Bytes(10, static_cast<std::uint8_t>(sequence))};
}

TEST_CASE("what the base covers is dropped, and asking for it is stale") {
    Folder folder;
    folder.fill(35);
    folder.pack(1, 10);
    const SnapshotFiles snapshots(folder.scratch.path());
    REQUIRE(snapshots.save_base(snapshot(10)).ok());
    REQUIRE(snapshots.save_base(snapshot(20)).ok());
    REQUIRE(folder.journal->adopt().ok());
    CHECK(folder.journal->first_sequence() == 21);
    CHECK(folder.journal->read(19, 5).error().code == Code::stale);
    CHECK(folder.journal->read(20, 100).value() == rows(21, 30));
    CHECK(folder.journal->load_snapshot().value().snapshot == snapshot(20));
    CHECK(!std::filesystem::exists(snapshots.path_of_base(10)));
    CHECK(!std::filesystem::exists(pack_path(folder.scratch.path(), 1)));
    folder.reopen();
    CHECK(folder.all() == rows(21, 35));
}

Segment closed(std::uint64_t first, std::uint64_t last, bool is_packed = false) {
    return {first, last, row(last).time, false, !is_packed, is_packed, 1'000};
}
Segment opened(std::uint64_t first) {
    return {first, first + 3, {}, true, true, false, 1'000};
}

TEST_CASE("the keeper's plan: a snapshot of what is closed, packs of what is covered") {
    const std::vector<Segment> segments{closed(1, 10), closed(11, 20), opened(21)};
    CHECK(plan_keeping({opened(1)}, {}, Time{}).is_empty());
    CHECK(plan_keeping(segments, {}, Time{}) == KeepingPlan{20, {1, 11}, {}});
    CHECK(plan_keeping(segments, {{10}, {}, 4'000}, Time{}) == KeepingPlan{20, {1, 11}, {}});
    // The last snapshot is too big for so little.
    CHECK(plan_keeping(segments, {{10}, {}, 4'001}, Time{}) == KeepingPlan{{}, {1}, {}});
    CHECK(
        plan_keeping({closed(1, 10, true), closed(11, 20, true), opened(21)}, {{20}, {}, 1}, Time{})
            .is_empty());
}

TEST_CASE("the keeper's plan: only what two snapshots cover and is old enough is dropped") {
    const std::vector<Segment> segments{closed(1, 10, true), closed(11, 20, true),
                                        closed(21, 30, true), opened(31)};
    const Time late = row(1'000).time;
    CHECK(plan_keeping(segments, {{30, 20}, {}, 1}, late).base_at == 20);
    CHECK(plan_keeping(segments, {{30, 20}, {}, 1}, row(20).time).base_at == 10);
    CHECK(plan_keeping(segments, {{30, 20}, 20, 1}, late).is_empty());
    CHECK(plan_keeping(segments, {{30}, {}, 1}, late).is_empty());
    CHECK(plan_keeping(segments, {{30, 5}, {}, 1}, late).is_empty());
    CHECK(plan_keeping(segments, {{20, 10}, {}, 1}, late) == KeepingPlan{30, {}, 20});
}

std::string packed(std::uint64_t first, std::uint64_t last, std::size_t size) {
    Packer packer(first);
    for (std::uint64_t i = first; i <= last; ++i) packer.add(row(i, size));
    return std::move(packer).finish().value();
}

TEST_CASE("a pack gives back its rows, in blocks") {
    const Pack pack = Pack::decode(packed(5, 300, 20'000)).value();
    CHECK(pack.facts().first == 5);
    CHECK(pack.facts().last == 300);
    CHECK(pack.facts().last_time == row(300).time);
    std::uint64_t next = 5;
    while (next <= 300) {
        const auto some = pack.read(next - 1, 11).value();
        for (const Row& one : some) REQUIRE(one == row(next++, 20'000));
    }
    CHECK(pack.read(300, 5).value().empty());
    CHECK(pack.read(0, 1).value().at(0) == row(5, 20'000));
}

TEST_CASE("every changed byte of a pack is noticed, and every cut") {
    const std::string file = packed(1, 4, 10);
    CHECK(Pack::decode(file).ok());
    for (std::size_t i = 0; i < file.size(); ++i) {
        std::string changed = file;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        CHECK(Pack::decode(changed).error().code == Code::corrupt);
        CHECK(Pack::decode(file.substr(0, i)).error().code == Code::corrupt);
    }
}

/// A pack with other bytes at a place, and the hash that fits them.
std::string forged(std::string file, std::size_t place, const std::string& bytes) {
    constexpr std::size_t hash_place = 16;
    constexpr std::size_t rest_place = 48;
    file.replace(place, bytes.size(), bytes);
    const Hash hash = sha256(std::string_view(file).substr(rest_place));
    file.replace(hash_place, hash.bytes.size(), std::string(hash.bytes.begin(), hash.bytes.end()));
    return file;
}

TEST_CASE("a pack with the right hash and wrong numbers is refused, and nothing is allocated") {
    const std::string file = packed(1, 4, 10);
    const std::string most(4, '\xFF');
    constexpr std::size_t first_entry = pack_head_size;
    CHECK(!Pack::decode(forged(file, 48, std::string(8, '\0'))).ok());         // the first
    CHECK(!Pack::decode(forged(file, 56, most + most)).ok());                  // the last
    CHECK(!Pack::decode(forged(file, 56, std::string("\x03", 1))).ok());       // one less
    CHECK(!Pack::decode(forged(file, pack_head_size - 8, most + most)).ok());  // blocks
    CHECK(!Pack::decode(forged(file, first_entry, most)).ok());                // rows
    CHECK(!Pack::decode(forged(file, first_entry + 4, most)).ok());            // size
    CHECK(!Pack::decode(forged(file, first_entry + 8, most)).ok());            // unpacked
    const auto bomb = Pack::decode(forged(file, first_entry + 8, std::string("\x50\0\0\0", 4)));
    REQUIRE(bomb.ok());  // it says that it unpacks to less than it does
    CHECK(bomb.value().read(0, 9).error().code == Code::corrupt);
}

/// A folder of the release before segments, with rows, names, a snapshot and a log not yet folded.
void make_old_folder(const std::filesystem::path& folder) {
    sqlite3* database = nullptr;
    REQUIRE(make_folder(folder).ok());
    REQUIRE(write_file(folder / "shoal.json", R"({"format":1,"release":"0.1.0"})", 0600).ok());
    REQUIRE(make_folder(folder / "blobs").ok());
    REQUIRE(write_file(folder / "blobs" / "one", "1", 0400).ok());
    const auto run = [&](const std::string& command) {
        REQUIRE(sqlite3_exec(database, command.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
    };
    REQUIRE(sqlite3_open((folder / "journal.db").c_str(), &database) == SQLITE_OK);
    run("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;"
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;"
        "CREATE TABLE events (sequence INTEGER PRIMARY KEY, time INTEGER NOT NULL,"
        " name TEXT NOT NULL, body TEXT NOT NULL, digest BLOB NOT NULL) STRICT;"
        "CREATE TABLE names (account TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT;"
        "INSERT INTO meta VALUES ('format', '1'), ('release', '0.1.0');"
        "INSERT INTO names VALUES ('" +
        to_string(AccountId{7}) + "', 'Ann')");
    for (std::uint64_t i = 1; i <= 20; ++i) {
        const Row one = row(i);
        run("INSERT INTO events VALUES (" + std::to_string(i) + ", " +
            std::to_string(one.time.time_since_epoch().count()) + ", '" + one.name + "', '" +
            one.body + "', x'" + to_hex(row_digest(one).bytes) + "')");
    }
    REQUIRE(SnapshotFiles(folder).save(snapshot(12)).ok());
    // As a crash leaves it: the log beside the database.
    for (const char* name : {"journal.db", "journal.db-wal"}) {
        std::filesystem::copy(folder / name, folder / (std::string(name) + ".kept"));
    }
    sqlite3_close(database);
    for (const char* name : {"journal.db", "journal.db-wal"}) {
        std::filesystem::rename(folder / (std::string(name) + ".kept"), folder / name);
    }
}

TEST_CASE("a folder with a journal in one database is migrated on a copy") {
    const ScratchFolder scratch;
    const auto data = scratch.path() / "data";
    make_old_folder(data);
    std::filesystem::permissions(data, std::filesystem::perms::owner_all);
    const std::string before = read_file(data / "journal.db-wal", 1'000'000).value();
    const auto folder = DataFolder::open(data, {.release = "0.2.0",
                                                .format = market_folder_format,
                                                .migrations = {migrate_to_segments()},
                                                .unchanging = {"blobs"}});
    REQUIRE_MESSAGE(folder.ok(), (folder.ok() ? "" : folder.error().what));
    const auto journal = SqliteJournal::open(journal_folder(data), {.release = "0.2.0"}).value();
    CHECK(journal->read(0, 100).value() == rows(1, 20));
    CHECK(journal->names().value().at(AccountId{7}) == "Ann");
    CHECK_FALSE(journal->load_snapshot().value().snapshot.has_value());
    CHECK(journal->append(rows(21, 21), {}).ok());
    REQUIRE(folder.value().original());
    CHECK(read_file(*folder.value().original() / "journal.db-wal", 1'000'000).value() == before);
    CHECK(std::filesystem::equivalent(data / "blobs" / "one",
                                      *folder.value().original() / "blobs" / "one"));
}

TEST_CASE("a journal that is none of the older format stays as it is") {
    const ScratchFolder scratch;
    const auto data = scratch.path() / "data";
    make_old_folder(data);
    std::filesystem::permissions(data, std::filesystem::perms::owner_all);
    REQUIRE(remove_file(data / "journal.db-wal").ok());
    REQUIRE(write_file(data / "journal.db", "nothing of ours").ok());
    const DataFolder::Options ours{
        .release = "0.2.0", .format = market_folder_format, .migrations = {migrate_to_segments()}};
    CHECK(DataFolder::open(data, ours).error().code == Code::corrupt);
    CHECK(read_file(data / "journal.db", 100).value() == "nothing of ours");
    CHECK(!std::filesystem::exists(journal_folder(data)));
}

}  // namespace
}  // namespace shoal::io
