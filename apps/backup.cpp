#include "apps/backup.h"

#include <algorithm>
#include <chrono>
#include <tuple>

#include <fmt/format.h>

#include "apps/release.h"
#include "io/files.h"
#include "io/journal_files.h"
#include "io/journal_pack.h"
#include "io/journal_reader.h"
#include "io/journal_snapshots.h"

namespace shoal::apps {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t rows_at_once = 10'000;

/// One backup in the making. Its manifest is written last: without it a folder is none.
class Maker {
public:
    Maker(BackupWish wish, io::JournalReader reader)
        : wish_(std::move(wish)),
          journal_(io::journal_folder(wish_.data)),
          reader_(std::move(reader)) {}

    Result<BackupReport> run() {
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        report_.manifest.release = release;
        report_.manifest.made = Time{std::chrono::duration_cast<Duration>(now)};
        TRY(io::make_folder(wish_.target / "journal"));
        const auto segments = TRY(reader_.segments());
        TRY(take_base(segments));
        for (const io::Segment& segment : segments) TRY(take(segment));
        TRY(take_names());
        for (const char* key : {"market.key", "operator.key"}) TRY(take_key(key));
        if (wish_.has_secrets_key) TRY(take_key("secrets.key"));
        TRY(io::sync_folder(wish_.target / "journal"));
        const Replay replay = TRY(check());
        report_.jobs = replay.market().state().jobs.size();
        if (wish_.has_blobs) TRY(take_blobs(replay.market().state()));
        TRY(io::write_file(wish_.target / io::manifest_name, io::write_manifest(report_.manifest),
                           0600));
        return std::move(report_);
    }

private:
    Status take_base(const std::vector<io::Segment>& segments) {
        io::BackupManifest& manifest = report_.manifest;
        const io::SnapshotFiles snapshots(journal_);
        manifest.base = snapshots.base().value_or(0);
        manifest.first = manifest.base + 1;
        manifest.last = segments.back().last;
        if (manifest.last == 0) return Error{Code::invalid, "the journal is empty so far"};
        if (segments.front().first > manifest.first || manifest.last < manifest.base) {
            return Error{Code::corrupt, fmt::format("the journal begins at event {}, but its base "
                                                    "is of event {}",
                                                    segments.front().first, manifest.base)};
        }
        if (manifest.base == 0) return Done{};
        const auto from = snapshots.path_of_base(manifest.base);
        return take_file(from, "journal/" + from.filename().string());
    }

    Status take_file(const fs::path& from, const std::string& name) {
        io::BackupFile file = TRY(copy_file(from, wish_.target / name, std::nullopt));
        file.path = name;
        report_.manifest.files.push_back(std::move(file));
        return Done{};
    }

    Status take_text(const std::string& name, const std::string& text) {
        TRY(io::write_file(wish_.target / name, text, 0600));
        report_.manifest.files.push_back({name, text.size(), sha256(text)});
        return Done{};
    }

    /// What is packed already is taken as it is; all else is read up to where it is now.
    Status take(const io::Segment& segment) {
        const io::BackupManifest& manifest = report_.manifest;
        if (segment.last < manifest.first || segment.last < segment.first) return Done{};
        const std::string name = io::pack_path("journal", segment.first).string();
        if (!segment.has_table) return take_file(io::pack_path(journal_, segment.first), name);
        const std::uint64_t last = std::min(segment.last, manifest.last);
        io::Packer packer(segment.first);
        while (packer.next_sequence() <= last) {
            const std::uint64_t rest = last - packer.next_sequence() + 1;
            const auto rows = TRY(reader_.read(packer.next_sequence() - 1,
                                               std::min<std::uint64_t>(rows_at_once, rest)));
            if (rows.empty()) {
                return Error{Code::corrupt,
                             fmt::format("event {}: missing", packer.next_sequence())};
            }
            for (const io::Row& row : rows) packer.add(row);
        }
        return take_text(name, TRY(std::move(packer).finish()));
    }

    Status take_names() {
        return take_text(std::string(io::names_name), io::write_names(TRY(reader_.names())));
    }

    Status take_key(const std::string& name) {
        std::error_code failed;
        if (!fs::exists(wish_.data / name, failed)) return Done{};
        return take_file(wish_.data / name, name);
    }

    /// Reads what was written as a restore would.
    Result<Replay> check() {
        io::BackupManifest& manifest = report_.manifest;
        TRY(check_files(wish_.target, manifest));
        Replay replay = TRY(begin_replay(wish_.target, manifest));
        if (manifest.last > manifest.base) {
            auto written = TRY(io::JournalReader::open(wish_.target / "journal", {}));
            TRY(replay.go_on(
                [&](std::uint64_t after, std::size_t limit) { return written.read(after, limit); },
                manifest.last, {}));
        }
        if (replay.sequence() != manifest.last) {
            return Error{Code::corrupt, fmt::format("the backup ends at event {}, expected {}",
                                                    replay.sequence(), manifest.last)};
        }
        TRY(replay.check_books());
        manifest.last_time = replay.time();
        return replay;
    }

    Status take_blobs(const market::State& state) {
        report_.manifest.has_blobs = true;
        CopiedBlobs copied = TRY(copy_blobs(state, wish_.data, wish_.target));
        report_.blobs = copied.count;
        report_.missing = std::move(copied.missing);
        return Done{};
    }

    BackupWish wish_;
    fs::path journal_;
    io::JournalReader reader_;
    BackupReport report_;
};

}  // namespace

Result<BackupReport> make_backup(const BackupWish& wish) {
    const fs::path journal = io::journal_folder(wish.data);
    std::error_code failed;
    if (!fs::is_directory(journal, failed)) {
        return Error{Code::not_found,
                     wish.data.string() + ": holds no journal of this release's format"};
    }
    if (fs::exists(fs::symlink_status(wish.target, failed))) {
        return Error{Code::conflict, wish.target.string() + ": is there already"};
    }
    const io::Descriptor held = TRY(hold_journal(journal));
    TRY(io::make_folder(wish.target));
    auto reader = io::JournalReader::open(journal, {});
    auto report = reader.ok() ? Maker(wish, std::move(reader).value()).run()
                              : Result<BackupReport>(reader.error());
    if (!report.ok()) fs::remove_all(wish.target, failed);
    return report;
}

}  // namespace shoal::apps
