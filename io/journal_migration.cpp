#include "io/journal_migration.h"

#include <string>

#include "io/files.h"
#include "io/journal_files.h"
#include "io/sqlite.h"

namespace shoal::io {

namespace {

namespace fs = std::filesystem;

Status move_file(const fs::path& from, const fs::path& to) {
    std::error_code failed;
    fs::rename(from, to, failed);
    if (failed) return system_error("cannot move " + from.string(), failed.value());
    return Done{};
}

/// They lack what a state of this release knows, and this journal has every event: it is replayed.
Status remove_snapshots(const fs::path& copy) {
    std::error_code failed;
    std::vector<fs::path> found;
    for (fs::directory_iterator next(copy, failed), end; !failed && next != end;
         next.increment(failed)) {
        if (next->path().filename().string().starts_with("snapshot-")) {
            found.push_back(next->path());
        }
    }
    if (failed) return system_error("cannot list " + copy.string(), failed.value());
    for (const fs::path& path : found) {
        const Status removed = remove_file(path);
        if (!removed.ok()) return removed;
    }
    return Done{};
}

/// The database says of itself what a segment says.
Status mark_as_segment(const fs::path& path) {
    const auto database = TRY(sqlite::open_database(path.string(), "", sqlite::Access::existing));
    auto query = TRY(sqlite::Statement::prepare(
        database.get(), "SELECT value FROM meta WHERE key = 'format' AND value = '1'"));
    const bool is_known = TRY(query.step());
    query.reset();
    if (!is_known) {
        return Error{Code::corrupt, path.string() + ": expected a journal of format 1"};
    }
    return sqlite::execute(database.get(),
                           "BEGIN IMMEDIATE; INSERT INTO meta VALUES ('first', '1');"
                           "UPDATE meta SET value = '2' WHERE key = 'format'; COMMIT;");
}

Status run(const fs::path& copy) {
    const fs::path old = copy / "journal.db";
    const fs::path folder = journal_folder(copy);
    Status done = make_folder(folder);
    std::error_code failed;
    if (!done.ok() || !fs::exists(old, failed)) return done;  // it never came to a journal
    const fs::path table = table_path(folder, 1);
    // The index of the log (-shm) is made anew.
    done = remove_file(old.string() + "-shm");
    if (done.ok() && fs::exists(old.string() + "-wal", failed)) {
        done = move_file(old.string() + "-wal", table.string() + "-wal");
    }
    if (done.ok()) done = move_file(old, table);
    if (done.ok()) done = mark_as_segment(table);
    if (done.ok()) done = remove_snapshots(copy);
    if (done.ok()) done = sync_folder(folder);
    return done;
}

}  // namespace

Migration migrate_to_segments() {
    return {1, run};
}

}  // namespace shoal::io
