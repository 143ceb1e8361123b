#include <algorithm>
#include <cerrno>
#include <limits>

#include <fmt/format.h>
#include <stdio.h>

#include "apps/backup.h"
#include "apps/release.h"
#include "apps/words.h"
#include "io/files.h"
#include "io/folder.h"
#include "io/journal_files.h"
#include "io/journal_pack.h"
#include "io/journal_snapshots.h"
#include "io/journal_sqlite.h"

namespace shoal::apps {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t rows_at_once = 10'000;

/// Puts a folder together aside from its place.
class Restorer {
public:
    Restorer(RestoreWish wish, fs::path work, io::BackupManifest manifest, Replay replay)
        : wish_(std::move(wish)),
          work_(std::move(work)),
          journal_(io::journal_folder(work_)),
          manifest_(std::move(manifest)),
          replay_(std::move(replay)) {}

    Result<RestoreReport> run() {
        TRY(io::make_folder(journal_));
        TRY(take_base());
        for (const io::SegmentFiles& segment : TRY(io::list_segments(wish_.source / "journal"))) {
            if (is_complete_) break;
            TRY(take(segment.first));
        }
        TRY(check_end());
        TRY(replay_.check_books());
        TRY(io::SnapshotFiles(journal_).save(replay_.snapshot()));
        TRY(io::SqliteJournal::begin(journal_, std::string(release),
                                     {replay_.sequence() + 1, TRY(names())}));
        for (const char* key : {"market.key", "operator.key", "secrets.key"}) TRY(take_key(key));
        if (!expected("secrets.key")) report_.secrets_without_key = count_secrets();
        CopiedBlobs blobs = TRY(copy_blobs(replay_.market().state(), wish_.source, work_));
        report_.last = replay_.sequence();
        report_.last_time = replay_.time();
        report_.blobs = blobs.count;
        report_.missing = std::move(blobs.missing);
        return std::move(report_);
    }

private:
    /// What was committed together has one time, and belongs together: between two events of one
    /// command the market was never seen.
    bool is_wanted(const io::Row& row) const {
        const bool is_later = wish_.sequence && row.sequence > *wish_.sequence;
        if (is_later && (replay_.applied() == 0 || row.time > replay_.time())) return false;
        return !wish_.at || row.time <= *wish_.at;
    }

    std::optional<Hash> expected(const std::string& name) const {
        const auto file = std::ranges::find(manifest_.files, name, &io::BackupFile::path);
        if (file == manifest_.files.end()) return std::nullopt;
        return file->hash;
    }

    Status take_base() {
        if (manifest_.base == 0) return Done{};
        const auto name = io::SnapshotFiles("journal").path_of_base(manifest_.base).string();
        const auto copied = copy_file(wish_.source / name, work_ / name, expected(name));
        return copied.ok() ? Status(Done{}) : Status(copied.error());
    }

    /// A segment that is wanted as a whole is copied; of the one that is wanted in part, that part
    /// is packed again.
    Status take(std::uint64_t first) {
        const std::string name = io::pack_path("journal", first).string();
        const io::Pack pack = TRY(io::Pack::open(wish_.source / name));
        if (pack.facts().first != first || first > replay_.sequence() + 1) {
            return Error{Code::corrupt, fmt::format("{}: does not go on after event {}", name,
                                                    replay_.sequence())};
        }
        io::Packer part(first);
        for (std::uint64_t after = first - 1; after < pack.facts().last && !is_complete_;) {
            const auto rows = TRY(pack.read(after, rows_at_once));
            if (rows.empty()) return Error{Code::corrupt, name + ": ends before its last event"};
            TRY(take_rows(rows, part));
            after = rows.back().sequence;
        }
        if (part.next_sequence() > pack.facts().last) {
            const auto copied = copy_file(wish_.source / name, work_ / name, expected(name));
            return copied.ok() ? Status(Done{}) : Status(copied.error());
        }
        if (part.next_sequence() == first) return Done{};
        return io::write_file(work_ / name, TRY(std::move(part).finish()), 0600);
    }

    Status take_rows(const std::vector<io::Row>& rows, io::Packer& part) {
        for (const io::Row& row : rows) {
            if (!is_wanted(row)) {
                is_complete_ = true;
                return Done{};
            }
            if (row.sequence > replay_.sequence()) TRY(replay_.apply(row));
            part.add(row);
        }
        return Done{};
    }

    Status check_end() const {
        if (replay_.sequence() < manifest_.first) {
            return Error{Code::invalid,
                         fmt::format("the backup begins at event {}; what was before cannot be "
                                     "restored from it",
                                     manifest_.first)};
        }
        if (wish_.sequence && replay_.sequence() < *wish_.sequence) {
            return Error{Code::invalid, fmt::format("the backup ends at event {}, of {}",
                                                    replay_.sequence(), to_date(replay_.time()))};
        }
        if (is_complete_ || replay_.sequence() == manifest_.last) return Done{};
        return Error{Code::corrupt, fmt::format("event {}: missing", replay_.sequence() + 1)};
    }

    /// A backup whose names were removed is a sound one. Who was not there yet has no name yet.
    Result<std::map<AccountId, std::string>> names() {
        const auto path = wish_.source / io::names_name;
        std::error_code failed;
        std::map<AccountId, std::string> names;
        if (!fs::exists(path, failed)) return names;
        names = TRY(io::read_names(TRY(io::read_file(path, io::names_size_max))));
        const auto& accounts = replay_.market().state().accounts;
        std::erase_if(names, [&](const auto& one) { return !accounts.contains(one.first); });
        report_.has_names = true;
        return names;
    }

    std::size_t count_secrets() const {
        std::size_t count = 0;
        for (const auto& [account, own] : replay_.market().state().secrets) count += own.size();
        return count;
    }

    Status take_key(const std::string& name) const {
        if (!expected(name)) return Done{};
        const auto copied = copy_file(wish_.source / name, work_ / name, expected(name));
        return copied.ok() ? Status(Done{}) : Status(copied.error());
    }

    RestoreWish wish_;
    fs::path work_;
    fs::path journal_;
    io::BackupManifest manifest_;
    Replay replay_;
    RestoreReport report_;
    bool is_complete_ = false;  // the next event is not wanted
};

Result<io::BackupManifest> manifest_of(const fs::path& source) {
    auto text = io::read_file(source / io::manifest_name, io::manifest_size_max);
    if (!text.ok() && text.error().code == Code::not_found) {
        return Error{Code::not_found, source.string() +
                                          ": is no backup, or one that was not "
                                          "finished (it has no backup.json)"};
    }
    io::BackupManifest manifest = TRY(io::read_manifest(TRY(std::move(text))));
    // Names may be removed from a backup, one or all: what is left of them need not be as it was.
    std::erase_if(manifest.files, [](const auto& file) { return file.path == io::names_name; });
    return manifest;
}

Status check_place(const fs::path& folder, const fs::path& work) {
    std::error_code failed;
    if (fs::exists(work, failed)) {
        return Error{Code::conflict, work.string() +
                                         ": is there from a restore that was cut "
                                         "short; remove it first"};
    }
    if (!fs::exists(fs::symlink_status(folder, failed))) return Done{};
    if (fs::is_directory(folder, failed) && fs::is_empty(folder, failed) && !failed) return Done{};
    return Error{Code::conflict, folder.string() + ": is there already, and not empty"};
}

Result<RestoreReport> restore_to(const RestoreWish& wish, const fs::path& work) {
    io::BackupManifest manifest = TRY(manifest_of(wish.source));
    TRY(check_files(wish.source, manifest));
    Replay replay = TRY(begin_replay(wish.source, manifest));
    const io::DataFolder made = TRY(io::DataFolder::open(work, market_folder_options()));
    Restorer restorer(wish, work, std::move(manifest), std::move(replay));
    RestoreReport report = TRY(restorer.run());
    TRY(io::sync_folder(work));
    if (::rename(work.c_str(), wish.folder.c_str()) != 0) {
        return io::system_error("cannot put the folder to " + wish.folder.string(), errno);
    }
    TRY(io::sync_folder(fs::absolute(wish.folder).parent_path()));
    return report;
}

}  // namespace

Result<RestoreReport> restore_backup(const RestoreWish& wish) {
    RestoreWish clean = wish;
    clean.folder = fs::absolute(wish.folder).lexically_normal();
    if (!clean.folder.has_filename()) clean.folder = clean.folder.parent_path();
    const fs::path work = clean.folder.string() + ".restoring";
    TRY(check_place(clean.folder, work));
    auto report = restore_to(clean, work);
    std::error_code ignored;
    if (!report.ok()) fs::remove_all(work, ignored);
    return report;
}

}  // namespace shoal::apps
