#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "core/result.h"
#include "io/files.h"

namespace shoal::io {

/// The files of one segment: a table while it is written and until it is packed, then a pack; for a
/// moment both.
struct SegmentFiles {
    std::uint64_t first = 0;  // the sequence number of its first event
    bool has_table = false;
    bool has_pack = false;

    friend bool operator==(const SegmentFiles&, const SegmentFiles&) = default;
};

/// Where the journal of a data folder lies.
std::filesystem::path journal_folder(const std::filesystem::path& data);

/// Where a segment lies in the journal's folder: a SQLite database, or a pack (journal_pack.h).
std::filesystem::path table_path(const std::filesystem::path& folder, std::uint64_t first);
std::filesystem::path pack_path(const std::filesystem::path& folder, std::uint64_t first);

/// The segments by their first event. Errors of the file system.
Result<std::vector<SegmentFiles>> list_segments(const std::filesystem::path& folder);

/// Held exclusively while files of the folder are dropped, shared by who wants that none is.
/// conflict: another one holds it.
enum class Keeping { shared, exclusive };
Result<Descriptor> hold_keeping(const std::filesystem::path& folder, Keeping keeping);

/// Held by who makes snapshots and packs, which is one at a time. conflict: another one holds it.
Result<Descriptor> hold_making(const std::filesystem::path& folder);

/// Removes a file; one that is not there is no error.
Status remove_file(const std::filesystem::path& path);

/// Removes a segment's table, with what SQLite keeps beside it.
Status remove_table(const std::filesystem::path& folder, std::uint64_t first);

}  // namespace shoal::io
