#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/journal.h"

namespace shoal::io {

inline constexpr std::uint64_t snapshot_size_max = std::uint64_t{8}
                                                   << 30;  // of 1,000,000 tasks: 1 GiB

/// Snapshots as files of a folder, each with its SHA-256: the newest two, from which a start goes
/// on, and the base, which the oldest kept event continues once older ones were dropped.
class SnapshotFiles {
public:
    explicit SnapshotFiles(std::filesystem::path folder);

    /// exhausted, denied, unavailable: the disk's reasons. The older snapshots stay then.
    Status save(const Snapshot& snapshot) const;

    /// Beside an older base, until drop_older_bases().
    Status save_base(const Snapshot& snapshot) const;
    Status drop_older_bases() const;

    /// The newest one that is whole, of those not after this event.
    Result<FoundSnapshot> load(std::uint64_t at_most = UINT64_MAX) const;

    /// Of which events there are snapshots, newest first.
    std::vector<std::uint64_t> sequences() const;
    std::optional<std::uint64_t> base() const;

    std::filesystem::path path_of(std::uint64_t sequence) const;
    std::filesystem::path path_of_base(std::uint64_t sequence) const;

private:
    std::filesystem::path folder_;
};

/// A snapshot's file: magic, sequence, format, size and SHA-256 in front of the bytes.
std::string encode_snapshot(const Snapshot& snapshot);

/// corrupt: cut short, or changed since it was written.
Result<Snapshot> decode_snapshot(std::string_view file);

}  // namespace shoal::io
