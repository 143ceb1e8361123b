#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/describe.hpp>

#include "core/hash.h"
#include "core/id.h"
#include "core/json.h"
#include "core/result.h"
#include "core/time.h"

namespace shoal::io {

/// The files of a backup, in its folder.
inline constexpr std::string_view manifest_name = "backup.json";
inline constexpr std::string_view names_name = "names.json";
inline constexpr std::size_t manifest_size_max = std::size_t{64} << 20;
inline constexpr std::size_t names_size_max = std::size_t{256} << 20;

struct BackupFile {
    static constexpr std::array<std::string_view, 3> required{"path", "size_bytes", "hash"};
    std::string path;  // in the backup
    std::uint64_t size_bytes = 0;
    Hash hash;
};
BOOST_DESCRIBE_STRUCT(BackupFile, (), (path, size_bytes, hash))

/// What a backup says of itself; its blobs speak for themselves by their names.
struct BackupManifest {
    static constexpr std::array<std::string_view, 4> required{"format", "first", "last", "files"};
    std::uint32_t format = 1;
    std::string release;      // that made it
    Time made;                // when
    std::uint64_t first = 1;  // the first event in it; what is before lies in its base
    std::uint64_t last = 0;
    Time last_time;
    std::uint64_t base = 0;  // zero: it has the events from the first one on
    bool has_blobs = false;
    std::vector<BackupFile> files;
};
BOOST_DESCRIBE_STRUCT(BackupManifest, (),
                      (format, release, made, first, last, last_time, base, has_blobs, files))

/// corrupt: no manifest, or one that names a file which is none of a backup's, or one twice.
/// unsupported: of a newer release.
Result<BackupManifest> read_manifest(std::string_view text);
std::string write_manifest(const BackupManifest& manifest);

/// The side table of names. corrupt: not that.
Result<std::map<AccountId, std::string>> read_names(std::string_view text);
std::string write_names(const std::map<AccountId, std::string>& names);

}  // namespace shoal::io
