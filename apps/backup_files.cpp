// The files of a backup: copied, checked, found.

#include <cerrno>
#include <chrono>
#include <set>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/backup.h"
#include "io/files.h"
#include "io/journal_files.h"
#include "io/journal_snapshots.h"

namespace shoal::apps {

namespace {

constexpr std::size_t chunk_bytes = std::size_t{1} << 20;
constexpr Duration patience{60'000};
constexpr Duration pause{200};
constexpr mode_t private_mode = 0600;

struct Copied {
    Hash hash;
    std::uint64_t size_bytes = 0;
};

Result<Copied> copy_bytes(const io::Descriptor& from, const io::Descriptor& to) {
    Sha256 sum;
    Copied copied;
    Bytes chunk(chunk_bytes);
    for (;;) {
        const ssize_t size = ::read(from.number(), chunk.data(), chunk.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return io::system_error("cannot read", errno);
        if (size == 0) break;
        const auto bytes = ByteView(chunk).first(static_cast<std::size_t>(size));
        sum.update(bytes);
        TRY(io::write_all(to, bytes));
        copied.size_bytes += bytes.size();
    }
    if (::fsync(to.number()) != 0) return io::system_error("cannot sync", errno);
    copied.hash = sum.finish();
    return copied;
}

/// A stranger's backup may hold links and pipes under any name.
Result<io::Descriptor> open_plain(const std::filesystem::path& path) {
    io::Descriptor file = TRY(io::open_file(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW));
    struct stat facts{};
    if (::fstat(file.number(), &facts) != 0) {
        return io::system_error("cannot look at " + path.string(), errno);
    }
    if (S_ISREG(facts.st_mode)) return file;
    return Error{Code::corrupt, path.string() + ": expected a regular file"};
}

Status check_file(const std::filesystem::path& backup, const io::BackupFile& file) {
    const auto path = backup / file.path;
    const io::Descriptor opened = TRY(open_plain(path));
    struct stat facts{};
    if (::fstat(opened.number(), &facts) != 0) {
        return io::system_error("cannot look at " + path.string(), errno);
    }
    const Error changed{Code::corrupt, path.string() + ": changed since it was written"};
    if (static_cast<std::uint64_t>(facts.st_size) != file.size_bytes) return changed;
    if (TRY(io::hash_rest(opened)) != file.hash) return changed;
    return Done{};
}

}  // namespace

Status check_files(const std::filesystem::path& backup, const io::BackupManifest& manifest) {
    std::set<std::string> named;
    for (const io::BackupFile& file : manifest.files) {
        TRY(check_file(backup, file));
        named.insert(file.path);
    }
    for (const io::SegmentFiles& segment : TRY(io::list_segments(backup / "journal"))) {
        const auto path = io::pack_path("journal", segment.first).string();
        if (segment.has_table || !named.contains(path)) {
            return Error{Code::corrupt, fmt::format("{}: holds a segment that the backup does not "
                                                    "name: {}",
                                                    backup.string(), segment.first)};
        }
    }
    return Done{};
}

Result<Replay> begin_replay(const std::filesystem::path& backup,
                            const io::BackupManifest& manifest) {
    if (manifest.base == 0) return Replay::begin(std::nullopt);
    const auto path = io::SnapshotFiles(backup / "journal").path_of_base(manifest.base);
    const io::Snapshot base =
        TRY(io::decode_snapshot(TRY(io::read_file(path, io::snapshot_size_max))));
    if (base.sequence != manifest.base) {
        return Error{Code::corrupt, path.string() + ": holds another snapshot than it is named"};
    }
    return Replay::begin(base);
}

Result<io::Descriptor> hold_journal(const std::filesystem::path& journal) {
    const auto end = std::chrono::steady_clock::now() + patience;
    for (;;) {
        auto held = io::hold_keeping(journal, io::Keeping::shared);
        if (held.ok() || held.error().code != Code::conflict) return held;
        if (std::chrono::steady_clock::now() > end) return held;
        std::this_thread::sleep_for(pause);  // packs take the place of tables just now
    }
}

std::filesystem::path blob_place(const std::filesystem::path& folder, const Hash& hash) {
    const std::string name = to_string(hash);
    return folder / "blobs" / name.substr(0, 2) / name.substr(2, 2) / name;
}

Result<io::BackupFile> copy_file(const std::filesystem::path& from, const std::filesystem::path& to,
                                 const std::optional<Hash>& expected) {
    const io::Descriptor source = TRY(open_plain(from));
    const io::Descriptor target =
        TRY(io::open_file(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, private_mode));
    const auto copied = copy_bytes(source, target);
    const bool is_wrong = copied.ok() && expected && copied.value().hash != *expected;
    if (!copied.ok() || is_wrong) {
        std::error_code ignored;
        std::filesystem::remove(to, ignored);
        if (!copied.ok()) return copied.error();
        return Error{Code::corrupt, from.string() + ": changed since it was written"};
    }
    return io::BackupFile{to.filename().string(), copied.value().size_bytes, copied.value().hash};
}

Result<CopiedBlobs> copy_blobs(const market::State& state, const std::filesystem::path& from,
                               const std::filesystem::path& to) {
    CopiedBlobs copied;
    for (const auto& [hash, blob] : state.blobs) {
        const auto place = blob_place(to, hash);
        TRY(io::make_folder(place.parent_path()));
        const auto done = copy_file(blob_place(from, hash), place, hash);
        if (done.ok()) {
            TRY(io::sync_folder(place.parent_path()));
            ++copied.count;
            continue;
        }
        const bool is_missing =
            done.error().code == Code::not_found || done.error().code == Code::corrupt;
        if (!is_missing) return done.error();
        copied.missing.push_back({hash, blob.size_bytes});
    }
    return copied;
}

}  // namespace shoal::apps
