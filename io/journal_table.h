#pragma once

// A segment of the journal as a SQLite database. Included by .cpp files only.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "io/journal.h"
#include "io/sqlite.h"

namespace shoal::io {

using Names = std::map<AccountId, std::string>;

/// What a table says of itself.
struct TableFacts {
    std::uint64_t first = 0;
    std::optional<std::uint64_t> last;  // once it is closed
    Time last_time{};                   // likewise
};

/// Where the files of SQLite lie, and by which of its file layers (empty: the system's).
struct TablePlace {
    std::filesystem::path path;
    std::string vfs = {};
};

/// Whether the table was made to the end; one whose making was cut short holds nothing.
/// unsupported: of a newer release. corrupt: no segment. Changes nothing.
Result<bool> is_whole_table(const TablePlace& place, sqlite::Access access);

/// A table that events are written to: the last one of a journal.
class TableWriter {
public:
    struct Beginning {
        std::uint64_t first = 1;
        std::string release;
        Names names = {};
    };

    /// Makes the table, durably but for its name; finishes one whose making was cut short.
    static Result<TableWriter> create(const TablePlace& place, const Beginning& beginning);

    /// Takes up one that is whole.
    static Result<TableWriter> open(const TablePlace& place, const std::string& release);

    /// As a whole or not at all, durable when it returns.
    Status write(std::span<const Row> rows, std::span<const SideWrite> side);

    /// Whether the last write failed as it found no space; it is taken back then, to be tried
    /// again.
    bool take_back_if_full();

    std::uint64_t first() const { return first_; }
    std::uint64_t last() const { return last_; }
    std::optional<Time> begun() const { return begun_; }  // the time of its first event
    std::uint64_t size_bytes() const { return size_; }    // about
    Result<Names> names() const;

private:
    TableWriter() = default;
    Status prepare();
    Status look();
    Status write_row(const Row& row);
    Status write_side(const SideWrite& write);

    sqlite::Database database_;
    std::optional<sqlite::Statement> begin_;
    std::optional<sqlite::Statement> commit_;
    std::optional<sqlite::Statement> insert_;
    std::optional<sqlite::Statement> set_name_;
    std::optional<sqlite::Statement> erase_name_;
    std::uint64_t first_ = 0;
    std::uint64_t last_ = 0;
    std::optional<Time> begun_;
    std::uint64_t size_ = 0;
};

/// Closes a table that another one continues: its names go, its write-ahead log is folded into it,
/// and it never changes again. May be repeated after a crash at any point. conflict: somebody reads
/// it just now, so that its log stays for this time. corrupt: it does not end at `last`.
Status close_table(const TablePlace& place, std::uint64_t last);

/// Whether close_table() has nothing left to do.
bool is_closed_table(const std::filesystem::path& path);

/// Reads a table beside its writer.
class TableReader {
public:
    static Result<TableReader> open(const TablePlace& place);

    const TableFacts& facts() const { return facts_; }

    /// As Journal::read, within this table.
    Result<std::vector<Row>> read(std::uint64_t after_sequence, std::size_t limit);

    /// One below its first, while it is empty.
    Result<std::uint64_t> last_sequence();

    Result<Names> names();

private:
    TableReader(sqlite::Database database, sqlite::Statement select);

    sqlite::Database database_;
    sqlite::Statement select_;
    TableFacts facts_;
};

}  // namespace shoal::io
