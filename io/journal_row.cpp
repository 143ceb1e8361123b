#include "io/journal_row.h"

#include <algorithm>
#include <string>

#include "core/text.h"

namespace shoal::io {

namespace {

bool is_name_character(char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '_';
}

}  // namespace

Hash row_digest(const Row& row) {
    CanonicalWriter writer("shoal journal row", 1);
    writer.number(row.sequence)
        .number(static_cast<std::uint64_t>(row.time.time_since_epoch().count()));
    writer.text(row.name).text(row.body);
    return sha256(writer.written());
}

bool is_sound(const Row& row) {
    return row.sequence > 0 && row.time >= Time{} && !row.name.empty() &&
           row.name.size() <= row_name_size_max &&
           std::ranges::all_of(row.name, is_name_character) &&
           row.body.size() <= row_body_size_max && is_utf8(row.body);
}

Result<Row> read_row(const StoredRow& stored, std::uint64_t expected_sequence) {
    const std::string where = "journal, event " + std::to_string(expected_sequence);
    if (stored.sequence < 0 || static_cast<std::uint64_t>(stored.sequence) != expected_sequence) {
        return Error{Code::corrupt,
                     where + ": missing; the next is " + std::to_string(stored.sequence)};
    }
    const Error damaged{Code::corrupt, where + ": changed since it was written"};
    if (stored.name.size() > row_name_size_max || stored.body.size() > row_body_size_max) {
        return damaged;
    }
    Row row{expected_sequence, Time{Duration{stored.time_ms}}, std::string(stored.name),
            std::string(stored.body)};
    if (!is_sound(row)) return damaged;
    if (!std::ranges::equal(row_digest(row).bytes, stored.digest)) return damaged;
    return row;
}

}  // namespace shoal::io
