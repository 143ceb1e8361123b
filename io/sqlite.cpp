#include "io/sqlite.h"

#include <filesystem>

#include <sqlite3.h>

#include "core/check.h"

namespace shoal::io::sqlite {

namespace {

constexpr int busy_timeout_ms = 10'000;  // the other connection may hold the file for a checkpoint

Code code_of(int result) {
    switch (result & 0xFF) {
        case SQLITE_FULL:
        case SQLITE_NOMEM:
            return Code::exhausted;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return Code::corrupt;
        case SQLITE_PERM:
        case SQLITE_READONLY:
        case SQLITE_AUTH:
            return Code::denied;
        default:
            return Code::unavailable;
    }
}

/// Who writes is alone with its connection, and need not lock each step; readers may be several.
int flags_of(Access access) {
    switch (access) {
        case Access::write:
            return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
        case Access::existing:
            return SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
        case Access::read:
            return SQLITE_OPEN_READONLY | SQLITE_OPEN_FULLMUTEX;
    }
    return SQLITE_OPEN_READONLY | SQLITE_OPEN_FULLMUTEX;
}

}  // namespace

void CloseDatabase::operator()(sqlite3* database) const {
    sqlite3_close_v2(database);
}

Error database_error(sqlite3* database, std::string_view doing) {
    return {code_of(sqlite3_extended_errcode(database)),
            std::string(doing) + ": " + sqlite3_errmsg(database)};
}

Result<Database> open_database(const std::string& path, const std::string& vfs, Access access) {
    sqlite3* opened = nullptr;
    const int result = sqlite3_open_v2(path.c_str(), &opened, flags_of(access),
                                       vfs.empty() ? nullptr : vfs.c_str());
    Database database(opened);
    if (!database) return Error{Code::exhausted, "cannot open " + path + ": out of memory"};
    std::error_code failed;
    if (result != SQLITE_OK && access != Access::write && !std::filesystem::exists(path, failed)) {
        return Error{Code::not_found, "cannot open " + path + ": there is no such file"};
    }
    if (result != SQLITE_OK) return database_error(opened, "cannot open " + path);
    sqlite3_extended_result_codes(opened, 1);
    sqlite3_busy_timeout(opened, busy_timeout_ms);
    sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(opened, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    return database;
}

Status execute(sqlite3* database, const char* statements) {
    if (sqlite3_exec(database, statements, nullptr, nullptr, nullptr) != SQLITE_OK) {
        return database_error(database, "journal");
    }
    return Done{};
}

Status fold_log(sqlite3* database) {
    sqlite3_busy_timeout(database, 0);
    const int result =
        sqlite3_exec(database, "PRAGMA journal_mode = DELETE", nullptr, nullptr, nullptr);
    sqlite3_busy_timeout(database, busy_timeout_ms);
    const Error in_use{Code::conflict, "journal: a segment is being read"};
    if (result != SQLITE_OK) {
        const int kind = result & 0xFF;
        const bool is_busy = kind == SQLITE_BUSY || kind == SQLITE_LOCKED;
        return is_busy ? in_use : database_error(database, "journal");
    }
    if (has_log(database)) return in_use;
    return Done{};
}

bool has_log(sqlite3* database) {
    auto mode = Statement::prepare(database, "PRAGMA journal_mode");
    if (!mode.ok()) return true;
    Statement statement = std::move(mode).value();
    const auto found = statement.step();
    return !found.ok() || !found.value() || statement.text(0) == "wal";
}

bool is_disk_full(sqlite3* database) {
    return (sqlite3_extended_errcode(database) & 0xFF) == SQLITE_FULL;
}

Status roll_back(sqlite3* database) {
    if (sqlite3_get_autocommit(database) != 0) return Done{};
    return execute(database, "ROLLBACK");
}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
    sqlite3_finalize(statement);
}

Result<Statement> Statement::prepare(sqlite3* database, std::string_view text) {
    sqlite3_stmt* statement = nullptr;
    const int result = sqlite3_prepare_v3(database, text.data(), static_cast<int>(text.size()),
                                          SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (result != SQLITE_OK) return database_error(database, "journal");
    return Statement(statement);
}

Statement& Statement::bind(int place, std::int64_t number) {
    check(sqlite3_bind_int64(statement_.get(), place + 1, number) == SQLITE_OK);
    return *this;
}

Statement& Statement::bind(int place, std::string_view text) {
    check(sqlite3_bind_text64(statement_.get(), place + 1, text.empty() ? "" : text.data(),
                              text.size(), SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK);
    return *this;
}

Statement& Statement::bind(int place, ByteView bytes) {
    check(sqlite3_bind_blob64(statement_.get(), place + 1, bytes.data(), bytes.size(),
                              SQLITE_STATIC) == SQLITE_OK);
    return *this;
}

Result<bool> Statement::step() {
    const int result = sqlite3_step(statement_.get());
    if (result == SQLITE_ROW) return true;
    if (result == SQLITE_DONE) return false;
    return database_error(sqlite3_db_handle(statement_.get()), "journal");
}

Status Statement::run() {
    const auto stepped = step();
    reset();
    if (!stepped.ok()) return stepped.error();
    check(!stepped.value());
    return Done{};
}

void Statement::reset() {
    sqlite3_reset(statement_.get());
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::int64_t Statement::number(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
}

std::string_view Statement::text(int column) const {
    const ByteView view = bytes(column);
    return {reinterpret_cast<const char*>(view.data()), view.size()};
}

ByteView Statement::bytes(int column) const {
    // The order matters: the size is that of the last conversion.
    const void* data = sqlite3_column_blob(statement_.get(), column);
    const int size = sqlite3_column_bytes(statement_.get(), column);
    return {static_cast<const std::uint8_t*>(data), static_cast<std::size_t>(size)};
}

}  // namespace shoal::io::sqlite
