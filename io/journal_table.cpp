#include "io/journal_table.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/check.h"
#include "io/journal_row.h"

namespace shoal::io {

namespace {

using sqlite::Statement;

constexpr std::int64_t format_known = 2;
constexpr std::size_t answer_size_max = std::size_t{64} << 20;  // bounds what one read() may hold
constexpr std::uint64_t row_overhead_bytes = 64;                // digest, numbers, the tree

// secure_delete: an erased name is overwritten, not only forgotten. A checkpoint each 16 MiB: the
// log's pages are then written into the table once for many batches.
constexpr const char* settings =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
    "PRAGMA cell_size_check = ON; PRAGMA wal_autocheckpoint = 4000;";

constexpr const char* closing_settings =
    "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA cell_size_check = ON;";

constexpr const char* schema =
    "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS events (sequence INTEGER PRIMARY KEY, time INTEGER NOT NULL,"
    " name TEXT NOT NULL, body TEXT NOT NULL, digest BLOB NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS names (account TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT;";

Result<std::optional<std::string>> meta(sqlite3* database, std::string_view key) {
    auto query = TRY(Statement::prepare(database, "SELECT value FROM meta WHERE key = ?"));
    const bool found = TRY(query.bind(0, key).step());
    if (!found) return std::optional<std::string>();
    return std::optional<std::string>(query.text(0));
}

Result<std::optional<std::int64_t>> number_in_meta(sqlite3* database, std::string_view key) {
    const auto text = TRY(meta(database, key));
    if (!text) return std::optional<std::int64_t>();
    std::int64_t number = 0;
    const char* end = text->data() + text->size();
    const auto parsed = std::from_chars(text->data(), end, number);
    if (parsed.ec != std::errc{} || parsed.ptr != end || number < 0) {
        return Error{Code::corrupt, "journal: its " + std::string(key) + " is unreadable"};
    }
    return std::optional(number);
}

Status set_meta(sqlite3* database, std::string_view key, std::string_view value) {
    auto command = TRY(
        Statement::prepare(database,
                           "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = "
                           "excluded.value WHERE value <> excluded.value"));
    return command.bind(0, key).bind(1, value).run();
}

/// Whether there is a table of ours already.
Result<bool> has_meta(sqlite3* database) {
    auto query = TRY(Statement::prepare(
        database, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'meta'"));
    return query.step();
}

/// Whether it was made to the end, and by a release that we follow.
Result<bool> check_format(sqlite3* database, const std::filesystem::path& path) {
    const bool present = TRY(has_meta(database));
    if (!present) return false;
    const auto format = TRY(number_in_meta(database, "format"));
    if (!format) return false;  // the process ended while it was made
    if (*format == format_known) return true;
    const auto release = TRY(meta(database, "release"));
    const bool is_newer = *format > format_known;
    return Error{is_newer ? Code::unsupported : Code::corrupt,
                 path.string() + ": made by " + (is_newer ? "a newer" : "an older") +
                     " release of Shoal (" + release.value_or("unnamed") + ", journal format " +
                     std::to_string(*format) + ")" +
                     (is_newer ? "; install that release or a later one" : "")};
}

Result<TableFacts> facts_of(sqlite3* database) {
    const auto first = TRY(number_in_meta(database, "first"));
    const auto last = TRY(number_in_meta(database, "last"));
    const auto last_time = TRY(number_in_meta(database, "last_time"));
    if (!first || *first == 0) return Error{Code::corrupt, "journal: a segment without a first"};
    TableFacts facts{static_cast<std::uint64_t>(*first), {}, Time{Duration{last_time.value_or(0)}}};
    if (last) facts.last = static_cast<std::uint64_t>(*last);
    return facts;
}

struct Range {
    std::uint64_t last = 0;  // first - 1: it is empty
    Time last_time{};
};

Result<Range> range_in(sqlite3* database, std::uint64_t first) {
    auto query = TRY(Statement::prepare(
        database, "SELECT sequence, time FROM events ORDER BY sequence DESC LIMIT 1"));
    const bool found = TRY(query.step());
    if (!found) return Range{first - 1, {}};
    const std::int64_t last = query.number(0);
    if (last < 0 || static_cast<std::uint64_t>(last) < first) {
        return Error{Code::corrupt, "journal: a sequence number below its segment's first"};
    }
    return Range{static_cast<std::uint64_t>(last), Time{Duration{query.number(1)}}};
}

Result<Names> names_in(sqlite3* database) {
    auto query = TRY(Statement::prepare(database, "SELECT account, name FROM names"));
    Names names;
    for (;;) {
        const bool more = TRY(query.step());
        if (!more) return names;
        const auto account = parse_id<AccountTag>(query.text(0));
        if (!account.ok()) return Error{Code::corrupt, "journal: a name of no account"};
        names.emplace(account.value(), std::string(query.text(1)));
    }
}

Status put_name(Statement& command, AccountId account, std::string_view name) {
    const std::string id = to_string(account);
    return command.bind(0, std::string_view(id)).bind(1, name).run();
}

constexpr const char* put_name_text =
    "INSERT INTO names VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET name = excluded.name";

Status fill(sqlite3* database, const TableWriter::Beginning& beginning) {
    Status done = sqlite::execute(database, schema);
    if (!done.ok()) return done;
    auto put = TRY(Statement::prepare(database, put_name_text));
    for (const auto& [account, name] : beginning.names) {
        done = put_name(put, account, name);
        if (!done.ok()) return done;
    }
    done = set_meta(database, "first", std::to_string(beginning.first));
    if (done.ok()) done = set_meta(database, "release", beginning.release);
    if (done.ok()) done = set_meta(database, "format", std::to_string(format_known));
    return done;
}

Status set_closed(sqlite3* database, std::uint64_t last, Time last_time) {
    Status done = sqlite::execute(database, "BEGIN IMMEDIATE; DELETE FROM names;");
    const std::string milliseconds = std::to_string(last_time.time_since_epoch().count());
    if (done.ok()) done = set_meta(database, "last_time", milliseconds);
    if (done.ok()) done = set_meta(database, "last", std::to_string(last));
    if (done.ok()) done = sqlite::execute(database, "COMMIT");
    return done;
}

}  // namespace

Result<bool> is_whole_table(const TablePlace& place, sqlite::Access access) {
    const auto database = TRY(sqlite::open_database(place.path.string(), place.vfs, access));
    return check_format(database.get(), place.path);
}

Result<TableWriter> TableWriter::create(const TablePlace& place, const Beginning& beginning) {
    TableWriter table;
    table.database_ =
        TRY(sqlite::open_database(place.path.string(), place.vfs, sqlite::Access::write));
    sqlite3* database = table.database_.get();
    Status done = sqlite::execute(database, settings);
    if (done.ok()) done = sqlite::execute(database, "BEGIN IMMEDIATE");
    if (done.ok()) done = fill(database, beginning);
    if (done.ok()) done = sqlite::execute(database, "COMMIT");
    if (done.ok()) done = table.prepare();
    if (!done.ok()) return done.error();
    return table;
}

Result<TableWriter> TableWriter::open(const TablePlace& place, const std::string& release) {
    TableWriter table;
    table.database_ =
        TRY(sqlite::open_database(place.path.string(), place.vfs, sqlite::Access::existing));
    Status done = sqlite::execute(table.database_.get(), settings);
    if (done.ok()) done = set_meta(table.database_.get(), "release", release);
    if (done.ok()) done = table.prepare();
    if (!done.ok()) return done.error();
    return table;
}

Status TableWriter::prepare() {
    sqlite3* database = database_.get();
    begin_ = TRY(Statement::prepare(database, "BEGIN IMMEDIATE"));
    commit_ = TRY(Statement::prepare(database, "COMMIT"));
    insert_ = TRY(Statement::prepare(database, "INSERT INTO events VALUES (?, ?, ?, ?, ?)"));
    set_name_ = TRY(Statement::prepare(database, put_name_text));
    erase_name_ = TRY(Statement::prepare(database, "DELETE FROM names WHERE account = ?"));
    return look();
}

/// What is in it already.
Status TableWriter::look() {
    const TableFacts facts = TRY(facts_of(database_.get()));
    if (facts.last) return Error{Code::corrupt, "journal: its last segment is closed"};
    first_ = facts.first;
    last_ = TRY(range_in(database_.get(), first_)).last;
    auto query = TRY(
        Statement::prepare(database_.get(), "SELECT time FROM events ORDER BY sequence LIMIT 1"));
    const bool found = TRY(query.step());
    if (found) begun_ = Time{Duration{query.number(0)}};
    auto size = TRY(Statement::prepare(
        database_.get(), "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"));
    const bool known = TRY(size.step());
    if (known) size_ = static_cast<std::uint64_t>(size.number(0));
    return Done{};
}

Status TableWriter::write(std::span<const Row> rows, std::span<const SideWrite> side) {
    const Status begun = begin_->run();
    if (!begun.ok()) return begun;
    std::uint64_t size = 0;
    for (const Row& row : rows) {
        const Status written = write_row(row);
        if (!written.ok()) return written;
        size += row.name.size() + row.body.size() + row_overhead_bytes;
    }
    for (const SideWrite& one : side) {
        const Status written = write_side(one);
        if (!written.ok()) return written;
    }
    const Status done = commit_->run();
    if (!done.ok()) return done;
    last_ += rows.size();
    size_ += size;
    if (!begun_ && !rows.empty()) begun_ = rows.front().time;
    return done;
}

bool TableWriter::take_back_if_full() {
    return sqlite::is_disk_full(database_.get()) && sqlite::roll_back(database_.get()).ok();
}

Status TableWriter::write_row(const Row& row) {
    const Hash digest = row_digest(row);
    insert_->bind(0, static_cast<std::int64_t>(row.sequence));
    insert_->bind(1, std::int64_t{row.time.time_since_epoch().count()});
    insert_->bind(2, std::string_view(row.name)).bind(3, std::string_view(row.body));
    return insert_->bind(4, ByteView(digest.bytes)).run();
}

Status TableWriter::write_side(const SideWrite& write) {
    if (const auto* set = std::get_if<NameSet>(&write)) {
        return put_name(*set_name_, set->account, set->name);
    }
    const std::string account = to_string(std::get<NameErased>(write).account);
    return erase_name_->bind(0, std::string_view(account)).run();
}

Result<Names> TableWriter::names() const {
    return names_in(database_.get());
}

Status close_table(const TablePlace& place, std::uint64_t last) {
    const auto database =
        TRY(sqlite::open_database(place.path.string(), place.vfs, sqlite::Access::existing));
    Status done = sqlite::execute(database.get(), closing_settings);
    if (!done.ok()) return done;
    const TableFacts facts = TRY(facts_of(database.get()));
    const Range range = TRY(range_in(database.get(), facts.first));
    if (range.last != last || facts.last.value_or(last) != last) {
        return Error{Code::corrupt, place.path.string() + ": it ends at event " +
                                        std::to_string(range.last) + ", but the next one begins " +
                                        "after event " + std::to_string(last)};
    }
    if (!facts.last) done = set_closed(database.get(), last, range.last_time);
    // Only when nobody else has it open does the log go; nobody is waited for.
    if (done.ok()) done = sqlite::fold_log(database.get());
    return done;
}

bool is_closed_table(const std::filesystem::path& path) {
    const auto database = sqlite::open_database(path.string(), "", sqlite::Access::read);
    if (!database.ok()) return false;
    std::error_code failed;
    if (std::filesystem::exists(path.string() + "-wal", failed) || failed) return false;
    const auto facts = facts_of(database.value().get());
    return facts.ok() && facts.value().last && !sqlite::has_log(database.value().get());
}

TableReader::TableReader(sqlite::Database database, Statement select)
    : database_(std::move(database)), select_(std::move(select)) {}

Result<TableReader> TableReader::open(const TablePlace& place) {
    auto database =
        TRY(sqlite::open_database(place.path.string(), place.vfs, sqlite::Access::read));
    const bool is_whole = TRY(check_format(database.get(), place.path));
    if (!is_whole) return Error{Code::corrupt, place.path.string() + ": holds no segment"};
    auto select = TRY(Statement::prepare(
        database.get(),
        "SELECT sequence, time, name, body, digest FROM events WHERE sequence > ? "
        "ORDER BY sequence LIMIT ?"));
    const TableFacts facts = TRY(facts_of(database.get()));
    TableReader reader(std::move(database), std::move(select));
    reader.facts_ = facts;
    return reader;
}

Result<std::vector<Row>> TableReader::read(std::uint64_t after_sequence, std::size_t limit) {
    select_.bind(0, static_cast<std::int64_t>(after_sequence));
    select_.bind(1, static_cast<std::int64_t>(std::min<std::size_t>(limit, INT64_MAX)));
    std::vector<Row> rows;
    std::size_t size = 0;
    for (std::uint64_t expected = after_sequence + 1; size < answer_size_max; ++expected) {
        const auto more = select_.step();
        if (!more.ok() || !more.value()) {
            select_.reset();
            if (!more.ok()) return more.error();
            return rows;
        }
        auto row = read_row({select_.number(0), select_.number(1), select_.text(2), select_.text(3),
                             select_.bytes(4)},
                            expected);
        if (!row.ok()) {
            select_.reset();
            return row.error();
        }
        size += row.value().body.size();
        rows.push_back(std::move(row).value());
    }
    select_.reset();
    return rows;
}

Result<std::uint64_t> TableReader::last_sequence() {
    return TRY(range_in(database_.get(), facts_.first)).last;
}

Result<Names> TableReader::names() {
    return names_in(database_.get());
}

}  // namespace shoal::io
