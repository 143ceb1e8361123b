#pragma once

// The little of SQLite that the journal needs, with errors as values. Included by .cpp files only.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace shoal::io::sqlite {

struct CloseDatabase {
    void operator()(sqlite3* database) const;
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;

/// exhausted: disk full. corrupt: damaged, or no database. denied: may not be read or written.
/// unavailable: all else.
Error database_error(sqlite3* database, std::string_view doing);

/// `write` makes the database if it is missing; the others give not_found.
enum class Access { write, existing, read };
Result<Database> open_database(const std::string& path, const std::string& vfs, Access access);

/// Statements without rows, for set-up.
Status execute(sqlite3* database, const char* statements);

/// Ends the write-ahead log of a database, which then is one file alone. conflict: another
/// connection has it open; it is not waited for.
Status fold_log(sqlite3* database);

/// Whether the database is written with a write-ahead log.
bool has_log(sqlite3* database);

/// Whether the last call failed because a write found no space.
bool is_disk_full(sqlite3* database);

/// Ends a transaction that failed, if it is still open, as if it had not begun.
Status roll_back(sqlite3* database);

/// A prepared statement. Parameters and columns count from zero.
class Statement {
public:
    static Result<Statement> prepare(sqlite3* database, std::string_view text);

    Statement& bind(int place, std::int64_t number);
    Statement& bind(int place, std::string_view text);
    Statement& bind(int place, ByteView bytes);

    /// Whether there is a row to look at.
    Result<bool> step();

    /// Runs a statement that gives no rows, and makes it ready for the next use.
    Status run();
    void reset();

    bool is_null(int column) const;
    std::int64_t number(int column) const;
    /// Valid until the next step.
    std::string_view text(int column) const;
    ByteView bytes(int column) const;

private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };
    explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

}  // namespace shoal::io::sqlite
