#pragma once

// A market's backup: a folder with its journal in packs, its base, its names, its keys and, if
// wanted, its blobs. It is read as a stranger's: hashes, names and lengths are checked first.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "apps/market_recovery.h"
#include "core/hash.h"
#include "core/result.h"
#include "io/backup_manifest.h"

namespace shoal::apps {

struct MissingBlob {
    Hash blob;
    std::uint64_t size_bytes = 0;
};

struct BackupWish {
    std::filesystem::path data;    // the market's folder; it may serve meanwhile
    std::filesystem::path target;  // must not exist
    bool has_blobs = false;
    bool has_secrets_key = false;  // with it, whoever has the backup can read accounts' secrets
};

struct BackupReport {
    io::BackupManifest manifest;
    std::size_t jobs = 0;
    std::size_t blobs = 0;  // copied
    std::vector<MissingBlob> missing;
};

/// The journal as it was at one moment of the call, read again and replayed before it is called
/// done; nothing is left of one that failed. conflict: the target exists, or the journal is being
/// kept for too long. not_found: the folder holds no journal. corrupt: the journal is damaged.
Result<BackupReport> make_backup(const BackupWish&);

struct RestoreWish {
    std::filesystem::path source;
    std::filesystem::path folder;           // must not exist, or be empty
    std::optional<Time> at;                 // events up to then;
    std::optional<std::uint64_t> sequence;  // up to this one; neither: all
};

struct RestoreReport {
    std::uint64_t last = 0;
    Time last_time;
    bool has_names = false;
    std::size_t blobs = 0;
    std::vector<MissingBlob> missing;     // the state names them, the backup has them not
    std::size_t secrets_without_key = 0;  // which the backup has not
};

/// A market's folder as it was then, made aside and put in its place when it is whole. conflict:
/// there is something in the place. invalid: the backup does not reach back, or forward, so far.
/// corrupt: the backup is damaged. unsupported: it is a newer release's.
Result<RestoreReport> restore_backup(const RestoreWish&);

/// A backup's files are all there and have their hashes, and no other segment lies beside them.
Status check_files(const std::filesystem::path& backup, const io::BackupManifest&);

/// From the backup's base, or from nothing.
Result<Replay> begin_replay(const std::filesystem::path& backup, const io::BackupManifest&);

/// That nothing of the journal is dropped. conflict: for too long something is.
Result<io::Descriptor> hold_journal(const std::filesystem::path& journal);

/// Where a blob lies below a market's folder or a backup.
std::filesystem::path blob_place(const std::filesystem::path& folder, const Hash&);

/// Copies a file durably. conflict: there is one. corrupt: it is not what was expected.
Result<io::BackupFile> copy_file(const std::filesystem::path& from, const std::filesystem::path& to,
                                 const std::optional<Hash>& expected);

/// Copies the blobs that a state names from one folder to another; gives those that are missing
/// or damaged.
struct CopiedBlobs {
    std::size_t count = 0;
    std::vector<MissingBlob> missing;
};
Result<CopiedBlobs> copy_blobs(const market::State&, const std::filesystem::path& from,
                               const std::filesystem::path& to);

}  // namespace shoal::apps
