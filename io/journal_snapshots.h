#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "io/journal.h"

namespace shoal::io {

inline constexpr std::uint64_t snapshot_size_max = std::uint64_t{8}
                                                   << 30;  // of 1,000,000 tasks: 1 GiB

/// Snapshots as files of a folder, the newest two, each with its SHA-256.
class SnapshotFiles {
public:
    explicit SnapshotFiles(std::filesystem::path folder);

    /// exhausted, denied, unavailable: the disk's reasons. The older snapshots stay then.
    Status save(const Snapshot& snapshot) const;

    /// The newest one that is whole.
    Result<FoundSnapshot> load() const;

private:
    std::vector<std::uint64_t> sequences() const;  // newest first
    std::filesystem::path path_of(std::uint64_t sequence) const;

    std::filesystem::path folder_;
};

/// A snapshot's file: magic, sequence, format, size and SHA-256 in front of the bytes.
std::string encode_snapshot(const Snapshot& snapshot);

/// corrupt: cut short, or changed since it was written.
Result<Snapshot> decode_snapshot(std::string_view file);

}  // namespace shoal::io
