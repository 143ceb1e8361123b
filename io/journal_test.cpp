#include <cstring>
#include <fstream>
#include <future>
#include <string>
#include <thread>

#include <doctest/doctest.h>
#include <sqlite3.h>

#include "io/files.h"
#include "io/journal_files.h"
#include "io/journal_row.h"
#include "io/journal_snapshots.h"
#include "io/journal_sqlite.h"
#include "io/journal_writer.h"
#include "io/scratch.h"

namespace shoal::io {
namespace {

Row row(std::uint64_t sequence, std::string body = "{}") {
    return {sequence, Time{Duration{static_cast<std::int64_t>(1'000 + sequence)}}, "task_queued",
            std::move(body)};
}

std::vector<Row> rows(std::uint64_t first, std::uint64_t last) {
    std::vector<Row> all;
    for (std::uint64_t i = first; i <= last; ++i) all.push_back(row(i));
    return all;
}

struct Folder {
    ScratchFolder scratch;
    std::unique_ptr<SqliteJournal> journal = open().value();

    Result<std::unique_ptr<SqliteJournal>> open(const std::string& release = "0.1.0") const {
        return SqliteJournal::open(scratch.path(), {.release = release});
    }
    Status append(const std::vector<Row>& batch, const std::vector<SideWrite>& side = {}) const {
        return journal->append(batch, side);
    }
    void reopen() {
        journal.reset();
        journal = open().value();
    }
    /// Runs SQL on the database, as a disk or a person with a tool might change it.
    void tamper(const char* command) {
        journal.reset();
        sqlite3* database = nullptr;
        REQUIRE(sqlite3_open(table_path(scratch.path(), 1).c_str(), &database) == SQLITE_OK);
        CHECK(sqlite3_exec(database, command, nullptr, nullptr, nullptr) == SQLITE_OK);
        sqlite3_close(database);
    }
};

TEST_CASE("what was appended is read back in order, also after a restart") {
    Folder folder;
    CHECK(folder.journal->last_sequence().value() == 0);
    CHECK(folder.journal->read(0, 10).value().empty());
    REQUIRE(folder.append(rows(1, 3)).ok());
    REQUIRE(folder.append({row(4, R"({"name":"größer","zero":"\u0000"})")}).ok());
    for (int restart = 0; restart < 2; ++restart) {
        CHECK(folder.journal->last_sequence().value() == 4);
        const auto all = folder.journal->read(0, 100).value();
        REQUIRE(all.size() == 4);
        CHECK(all[0] == row(1));
        CHECK(all[3].body == R"({"name":"größer","zero":"\u0000"})");
        CHECK(folder.journal->read(1, 2).value() == rows(2, 3));
        CHECK(folder.journal->read(4, 2).value().empty());
        folder.reopen();
    }
    CHECK(folder.append({row(5)}).ok());
}

TEST_CASE("a batch of side writes alone is written, and an empty batch is none") {
    Folder folder;
    CHECK(folder.append({}).ok());
    REQUIRE(folder.append({}, {NameSet{AccountId{7}, "Ann"}, NameSet{AccountId{8}, "Bo"}}).ok());
    REQUIRE(
        folder.append({row(1)}, {NameErased{AccountId{8}}, NameSet{AccountId{7}, "Anna"}}).ok());
    folder.reopen();
    CHECK(folder.journal->names().value() ==
          std::map<AccountId, std::string>{{AccountId{7}, "Anna"}});
}

TEST_CASE("an erased name is nowhere in the files") {
    Folder folder;
    const std::string name = "Wilhelmina Oppenshaw";
    REQUIRE(folder.append({}, {NameSet{AccountId{7}, name}}).ok());
    REQUIRE(folder.append({}, {NameErased{AccountId{7}}}).ok());
    folder.journal.reset();
    for (const auto& entry : std::filesystem::directory_iterator(folder.scratch.path())) {
        const std::string content = read_file(entry.path(), 10'000'000).value();
        CHECK(content.find(name) == std::string::npos);
    }
}

TEST_CASE("an event that is missing is corrupt, and named") {
    Folder folder;
    REQUIRE(folder.append(rows(1, 5)).ok());
    folder.tamper("DELETE FROM events WHERE sequence = 3");
    folder.journal = folder.open().value();
    const auto refused = folder.journal->read(0, 10);
    CHECK(refused.error().code == Code::corrupt);
    CHECK(refused.error().what == "journal, event 3: missing; the next is 4");
    CHECK(folder.journal->read(3, 10).value().size() == 2);
}

TEST_CASE("an event that was changed is corrupt, and named") {
    for (const char* change : {"UPDATE events SET body = '{\"x\":1}' WHERE sequence = 2",
                               "UPDATE events SET time = 1003 WHERE sequence = 2",
                               "UPDATE events SET time = -1 WHERE sequence = 2",
                               "UPDATE events SET name = 'task_leased' WHERE sequence = 2",
                               "UPDATE events SET name = '' WHERE sequence = 2",
                               "UPDATE events SET digest = x'00' WHERE sequence = 2",
                               "UPDATE events SET body = CAST(x'ff' AS TEXT) WHERE sequence = 2"}) {
        CAPTURE(change);
        Folder folder;
        REQUIRE(folder.append(rows(1, 3)).ok());
        folder.tamper(change);
        folder.journal = folder.open().value();
        const auto refused = folder.journal->read(0, 10);
        REQUIRE(!refused.ok());
        CHECK(refused.error().code == Code::corrupt);
        CHECK(refused.error().what == "journal, event 2: changed since it was written");
    }
}

TEST_CASE("a journal of a newer release is refused and left as it is") {
    Folder folder;
    folder.tamper(
        "UPDATE meta SET value = '3' WHERE key = 'format';"
        "UPDATE meta SET value = '9.9' WHERE key = 'release'; DROP TABLE names");
    const auto refused = folder.open();
    CHECK(refused.error().code == Code::unsupported);
    CHECK(refused.error().what.find("made by a newer release of Shoal (9.9, journal format 3)") !=
          std::string::npos);
    folder.tamper("CREATE TABLE names (its_own)");  // the refusal did not make it again
}

TEST_CASE("what is no journal is corrupt") {
    Folder folder;
    SUBCASE("an unreadable format") {
        folder.tamper("UPDATE meta SET value = 'x1' WHERE key = 'format'");
    }
    SUBCASE("another kind of file") {
        folder.journal.reset();
        std::ofstream(table_path(folder.scratch.path(), 1)) << std::string(5'000, 'x');
    }
    CHECK(folder.open().error().code == Code::corrupt);
}

TEST_CASE("a folder whose set-up was cut short is set up again") {
    Folder folder;
    folder.tamper("DELETE FROM meta");
    CHECK(folder.open().ok());
}

TEST_CASE("reading works beside writing from another thread") {
    Folder folder;
    std::thread reader([&] {
        std::uint64_t seen = 0;
        while (seen < 200) {
            const auto more = folder.journal->read(seen, 7).value();
            for (const Row& one : more) {
                if (one.sequence != ++seen) return;
            }
        }
    });
    for (std::uint64_t i = 1; i <= 200; i += 4) REQUIRE(folder.append(rows(i, i + 3)).ok());
    reader.join();
}

Snapshot snapshot(std::uint64_t sequence) {
    return {sequence, 2, Bytes(1'000 + sequence, static_cast<std::uint8_t>(sequence))};
}

TEST_CASE("the newest two snapshots are kept") {
    Folder folder;
    REQUIRE(folder.append(rows(1, 9)).ok());
    CHECK(!folder.journal->load_snapshot().value().snapshot);
    for (const std::uint64_t i : {2U, 9U, 5U})
        REQUIRE(folder.journal->save_snapshot(snapshot(i)).ok());
    folder.reopen();
    CHECK(folder.journal->load_snapshot().value().snapshot == snapshot(9));
    CHECK(!std::filesystem::exists(folder.scratch.path() / "snapshot-2"));
    CHECK(std::filesystem::exists(folder.scratch.path() / "snapshot-5"));
}

TEST_CASE("a damaged snapshot is passed over and named") {
    Folder folder;
    REQUIRE(folder.append(rows(1, 9)).ok());
    for (const std::uint64_t i : {5U, 9U}) REQUIRE(folder.journal->save_snapshot(snapshot(i)).ok());
    const auto newest = folder.scratch.path() / "snapshot-9";
    std::fstream(newest, std::ios::in | std::ios::out).seekp(200).put('!');
    const auto found = folder.journal->load_snapshot().value();
    CHECK(found.snapshot == snapshot(5));
    CHECK(found.damaged == std::vector{newest.string()});
}

TEST_CASE("a snapshot of events that the journal does not have is corrupt") {
    Folder folder;
    REQUIRE(folder.append(rows(1, 9)).ok());
    REQUIRE(folder.journal->save_snapshot(snapshot(9)).ok());
    folder.tamper("DELETE FROM events WHERE sequence > 7");
    folder.journal = folder.open().value();
    CHECK(folder.journal->load_snapshot().error().code == Code::corrupt);
}

TEST_CASE("every changed byte of a snapshot is noticed, and every cut") {
    const Snapshot whole{7, 1, Bytes{1, 2, 3, 4, 5}};
    const std::string file = encode_snapshot(whole);
    CHECK(decode_snapshot(file).value() == whole);
    for (std::size_t i = 0; i < file.size(); ++i) {
        std::string changed = file;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        CHECK(!decode_snapshot(changed).ok());
        CHECK(!decode_snapshot(file.substr(0, i)).ok());
    }
}

TEST_CASE("the writer commits on its own thread and says when it is done") {
    Folder folder;
    JournalWriter writer(*folder.journal);
    for (std::uint64_t i = 1; i <= 20; ++i) {
        std::promise<bool> done;
        std::thread::id where;
        writer.submit({{row(i)}, {}}, [&](const Status& status) {
            where = std::this_thread::get_id();
            done.set_value(status.ok());
        });
        CHECK(done.get_future().get());
        CHECK(where != std::this_thread::get_id());
        CHECK(folder.journal->last_sequence().value() == i);
    }
}

TEST_CASE("a writer that is destroyed finishes the batch in flight first") {
    Folder folder;
    for (std::uint64_t i = 1; i <= 20; ++i) {
        bool called = false;
        {
            JournalWriter writer(*folder.journal);
            writer.submit({{row(i)}, {}}, [&](const Status& status) { called = status.ok(); });
        }
        CHECK(called);
    }
    CHECK(folder.journal->last_sequence().value() == 20);
}

}  // namespace
}  // namespace shoal::io
