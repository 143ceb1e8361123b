#pragma once

#include <cstdint>
#include <string_view>

#include "core/bytes.h"
#include "core/hash.h"
#include "io/journal.h"

namespace shoal::io {

inline constexpr std::size_t row_name_size_max = 64;
inline constexpr std::size_t row_body_size_max = std::size_t{16} << 20;  // bodies are 1 MiB at most

/// A row as a table gives it back: bytes that a disk may have changed.
struct StoredRow {
    std::int64_t sequence = 0;
    std::int64_t time_ms = 0;
    std::string_view name;
    std::string_view body;
    ByteView digest;
};

/// What is stored beside a row, so that a changed bit is noticed.
Hash row_digest(const Row& row);

/// Whether the row may be written: a name of 1 to 64 of a-z 0-9 _, a body in UTF-8 within its
/// limit, a time not before 1970.
bool is_sound(const Row& row);

/// corrupt: another row than the expected one, or changed since it was written.
Result<Row> read_row(const StoredRow& stored, std::uint64_t expected_sequence);

}  // namespace shoal::io
