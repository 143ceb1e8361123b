#include "io/journal_sqlite.h"

#include <atomic>
#include <charconv>
#include <utility>

#include "core/check.h"
#include "io/files.h"
#include "io/journal_row.h"
#include "io/journal_snapshots.h"
#include "io/mutex.h"
#include "io/sqlite.h"

namespace shoal::io {

namespace {

constexpr std::int64_t format_known = 1;
constexpr std::size_t answer_size_max = std::size_t{64} << 20;  // bounds what one read() may hold

// secure_delete: an erased name is overwritten, not only forgotten.
constexpr const char* settings =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
    "PRAGMA cell_size_check = ON;";

constexpr const char* schema =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS events (sequence INTEGER PRIMARY KEY, time INTEGER NOT NULL,"
    " name TEXT NOT NULL, body TEXT NOT NULL, digest BLOB NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS names (account TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT;"
    "COMMIT;";

Result<std::optional<std::string>> meta(sqlite3* database, std::string_view key) {
    auto query = TRY(sqlite::Statement::prepare(database, "SELECT value FROM meta WHERE key = ?"));
    const bool found = TRY(query.bind(0, key).step());
    if (!found) return std::optional<std::string>();
    return std::optional<std::string>(query.text(0));
}

Status set_meta(sqlite3* database, std::string_view key, std::string_view value) {
    auto command = TRY(sqlite::Statement::prepare(
        database,
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = "
        "excluded.value WHERE value <> excluded.value"));
    return command.bind(0, key).bind(1, value).run();
}

/// Whether there is a table of ours already; a folder of a newer release must not be touched.
Result<bool> has_meta(sqlite3* database) {
    auto query = TRY(sqlite::Statement::prepare(
        database, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'meta'"));
    return query.step();
}

Status check_format(sqlite3* database, const std::filesystem::path& folder) {
    const bool present = TRY(has_meta(database));
    if (!present) return Done{};
    const auto text = TRY(meta(database, "format"));
    if (!text) return Done{};  // the process ended between making the tables and this line
    std::int64_t format = 0;
    const char* end = text->data() + text->size();
    const auto parsed = std::from_chars(text->data(), end, format);
    if (parsed.ec != std::errc{} || parsed.ptr != end || format < 1) {
        return Error{Code::corrupt, folder.string() + ": the journal's format is unreadable"};
    }
    if (format == format_known) return Done{};
    const auto release = TRY(meta(database, "release"));
    return Error{Code::unsupported, folder.string() + ": made by a newer release of Shoal (" +
                                        release.value_or("unnamed") + ", journal format " + *text +
                                        "); install that release or a later one"};
}

Status prepare_tables(sqlite3* database, const std::filesystem::path& folder,
                      const std::string& release) {
    const Status known = check_format(database, folder);
    if (!known.ok()) return known;
    const Status set = sqlite::execute(database, settings);
    if (!set.ok()) return set;
    const Status made = sqlite::execute(database, schema);
    if (!made.ok()) return made;
    const Status marked = set_meta(database, "format", std::to_string(format_known));
    if (!marked.ok()) return marked;
    return set_meta(database, "release", release);
}

Result<std::uint64_t> last_in(sqlite3* database) {
    auto query = TRY(sqlite::Statement::prepare(database, "SELECT max(sequence) FROM events"));
    const bool found = TRY(query.step());
    if (!found || query.is_null(0)) return std::uint64_t{0};
    if (query.number(0) < 1) return Error{Code::corrupt, "journal: a sequence number below 1"};
    return static_cast<std::uint64_t>(query.number(0));
}

}  // namespace

struct SqliteJournal::State {
    sqlite::Database writer;
    sqlite::Statement begin;
    sqlite::Statement commit;
    sqlite::Statement insert;
    sqlite::Statement set_name;
    sqlite::Statement erase_name;
    std::function<bool()> make_room;
    bool broken = false;

    Mutex reading;
    sqlite::Database reader __attribute__((guarded_by(reading)));
    sqlite::Statement select __attribute__((guarded_by(reading)));

    SnapshotFiles snapshots;
    std::atomic<std::uint64_t> last;

    Status write(std::span<const Row> rows, std::span<const SideWrite> side);
    bool can_try_again();
    Status write_row(const Row& row);
    Status write_side(const SideWrite& write);
};

namespace {

struct Statements {
    sqlite::Statement begin;
    sqlite::Statement commit;
    sqlite::Statement insert;
    sqlite::Statement set_name;
    sqlite::Statement erase_name;
};

Result<Statements> prepare_writing(sqlite3* writer) {
    using sqlite::Statement;
    return Statements{
        TRY(Statement::prepare(writer, "BEGIN IMMEDIATE")),
        TRY(Statement::prepare(writer, "COMMIT")),
        TRY(Statement::prepare(writer, "INSERT INTO events VALUES (?, ?, ?, ?, ?)")),
        TRY(Statement::prepare(writer,
                               "INSERT INTO names VALUES (?, ?) ON CONFLICT (account) DO "
                               "UPDATE SET name = excluded.name")),
        TRY(Statement::prepare(writer, "DELETE FROM names WHERE account = ?"))};
}

}  // namespace

SqliteJournal::SqliteJournal(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqliteJournal::~SqliteJournal() = default;

Result<std::unique_ptr<SqliteJournal>> SqliteJournal::open(const std::filesystem::path& folder,
                                                           const Options& options) {
    const Status made = make_folder(folder);
    if (!made.ok()) return made.error();
    const std::string path = (folder / "journal.db").string();
    auto writer = TRY(sqlite::open_database(path, options.vfs, sqlite::Access::write));
    const Status prepared = prepare_tables(writer.get(), folder, options.release);
    if (!prepared.ok()) return prepared.error();
    const Status durable = sync_folder(folder);
    if (!durable.ok()) return durable.error();
    const std::uint64_t last = TRY(last_in(writer.get()));
    auto writing = TRY(prepare_writing(writer.get()));
    auto reader = TRY(sqlite::open_database(path, options.vfs, sqlite::Access::read));
    auto select = TRY(sqlite::Statement::prepare(
        reader.get(),
        "SELECT sequence, time, name, body, digest FROM events WHERE sequence > ? "
        "ORDER BY sequence LIMIT ?"));
    std::unique_ptr<State> state(new State{
        .writer = std::move(writer),
        .begin = std::move(writing.begin),
        .commit = std::move(writing.commit),
        .insert = std::move(writing.insert),
        .set_name = std::move(writing.set_name),
        .erase_name = std::move(writing.erase_name),
        .make_room = options.make_room,
        .reading = {},
        .reader = std::move(reader),
        .select = std::move(select),
        .snapshots = SnapshotFiles(folder),
        .last = last,
    });
    return std::unique_ptr<SqliteJournal>(new SqliteJournal(std::move(state)));
}

Status SqliteJournal::append(std::span<const Row> rows, std::span<const SideWrite> side) {
    if (state_->broken) return Error{Code::unavailable, "journal: an earlier write failed"};
    std::uint64_t next = state_->last;
    for (const Row& row : rows) check(row.sequence == ++next && is_sound(row));
    Status written = state_->write(rows, side);
    if (!written.ok() && state_->can_try_again()) written = state_->write(rows, side);
    if (!written.ok()) {
        state_->broken = true;
        return written;
    }
    state_->last = next;
    return Done{};
}

Status SqliteJournal::State::write(std::span<const Row> rows, std::span<const SideWrite> side) {
    const Status begun = begin.run();
    if (!begun.ok()) return begun;
    for (const Row& row : rows) {
        const Status written = write_row(row);
        if (!written.ok()) return written;
    }
    for (const SideWrite& one : side) {
        const Status written = write_side(one);
        if (!written.ok()) return written;
    }
    return commit.run();
}

/// Only a write that found no space is known to have left nothing: a sync that failed may have.
bool SqliteJournal::State::can_try_again() {
    return sqlite::is_disk_full(writer.get()) && make_room &&
           sqlite::roll_back(writer.get()).ok() && make_room();
}

Status SqliteJournal::State::write_row(const Row& row) {
    const Hash digest = row_digest(row);
    insert.bind(0, static_cast<std::int64_t>(row.sequence));
    insert.bind(1, std::int64_t{row.time.time_since_epoch().count()});
    insert.bind(2, std::string_view(row.name)).bind(3, std::string_view(row.body));
    return insert.bind(4, ByteView(digest.bytes)).run();
}

Status SqliteJournal::State::write_side(const SideWrite& write) {
    if (const auto* set = std::get_if<NameSet>(&write)) {
        const std::string account = to_string(set->account);
        return set_name.bind(0, std::string_view(account))
            .bind(1, std::string_view(set->name))
            .run();
    }
    const std::string account = to_string(std::get<NameErased>(write).account);
    return erase_name.bind(0, std::string_view(account)).run();
}

Result<std::vector<Row>> SqliteJournal::read(std::uint64_t after_sequence, std::size_t limit) {
    const Lock lock(state_->reading);
    sqlite::Statement& select = state_->select;
    select.bind(0, static_cast<std::int64_t>(after_sequence));
    select.bind(1, static_cast<std::int64_t>(limit));
    std::vector<Row> rows;
    std::size_t size = 0;
    for (std::uint64_t expected = after_sequence + 1; size < answer_size_max; ++expected) {
        const auto more = select.step();
        if (!more.ok() || !more.value()) {
            select.reset();
            if (!more.ok()) return more.error();
            return rows;
        }
        auto row = read_row(
            {select.number(0), select.number(1), select.text(2), select.text(3), select.bytes(4)},
            expected);
        if (!row.ok()) {
            select.reset();
            return row.error();
        }
        size += row.value().body.size();
        rows.push_back(std::move(row).value());
    }
    select.reset();
    return rows;
}

Result<std::uint64_t> SqliteJournal::last_sequence() {
    return state_->last.load();
}

Result<std::map<AccountId, std::string>> SqliteJournal::names() {
    const Lock lock(state_->reading);
    auto query =
        TRY(sqlite::Statement::prepare(state_->reader.get(), "SELECT account, name FROM names"));
    std::map<AccountId, std::string> names;
    for (;;) {
        const bool more = TRY(query.step());
        if (!more) return names;
        const auto account = parse_id<AccountTag>(query.text(0));
        if (!account.ok()) return Error{Code::corrupt, "journal: a name of no account"};
        names.emplace(account.value(), std::string(query.text(1)));
    }
}

Status SqliteJournal::save_snapshot(const Snapshot& snapshot) {
    check(snapshot.sequence <= state_->last);
    return state_->snapshots.save(snapshot);
}

Result<FoundSnapshot> SqliteJournal::load_snapshot() {
    FoundSnapshot found = TRY(state_->snapshots.load());
    if (found.snapshot && found.snapshot->sequence > state_->last) {
        return Error{Code::corrupt, "journal: it ends at event " + std::to_string(state_->last) +
                                        ", but there is a snapshot of event " +
                                        std::to_string(found.snapshot->sequence)};
    }
    return found;
}

}  // namespace shoal::io
