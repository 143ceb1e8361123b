// The process of low priority that keeps a market's journal in order.

#include <algorithm>
#include <csignal>
#include <tuple>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "apps/journal_keeper.h"
#include "apps/market_recovery.h"
#include "io/files.h"
#include "io/journal_files.h"
#include "io/journal_keeping.h"
#include "io/journal_pack.h"
#include "io/journal_reader.h"
#include "io/journal_snapshots.h"

namespace shoal::apps {

namespace {

constexpr std::size_t rows_at_once = 10'000;
constexpr int idle_class = 3 << 13;  // of ioprio_set, which glibc does not know
constexpr int one_process = 1;

/// The market goes first, for the processor, for the disk and for memory.
void stand_back() {
    std::ignore = ::setpriority(PRIO_PROCESS, 0, 19);
    std::ignore = ::syscall(SYS_ioprio_set, one_process, 0, idle_class);
    const auto file = io::open_file("/proc/self/oom_score_adj", O_WRONLY);
    if (file.ok()) std::ignore = io::write_all(file.value(), as_bytes("900"));
}

/// Whose work this is may have ended before it could be said that this process ends with it.
bool is_orphan(std::int64_t parent) {
    if (parent == 0) return false;
    return ::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent;
}

/// What an earlier one that was ended left half written.
Status remove_drafts(const std::filesystem::path& folder) {
    std::error_code failed;
    std::vector<std::filesystem::path> drafts;
    for (const auto& entry : std::filesystem::directory_iterator(folder, failed)) {
        if (entry.path().extension() == ".new") drafts.push_back(entry.path());
    }
    if (failed) return io::system_error("cannot list " + folder.string(), failed.value());
    for (const auto& draft : drafts) TRY(io::remove_file(draft));
    return Done{};
}

class Keeper {
public:
    Keeper(std::filesystem::path folder, io::JournalReader reader)
        : folder_(std::move(folder)), snapshots_(folder_), reader_(std::move(reader)) {}

    Status run(Time drop_before) {
        const auto segments = TRY(reader_.segments());
        const io::KeepingPlan plan =
            io::plan_keeping(segments, io::kept_snapshots(folder_), drop_before);
        if (plan.snapshot_at) TRY(make_snapshot(*plan.snapshot_at));
        for (const io::Segment& segment : segments) {
            const bool is_wanted =
                std::ranges::find(plan.to_pack, segment.first) != plan.to_pack.end();
            if (is_wanted) TRY(pack(segment));
        }
        if (plan.base_at) TRY(make_base(*plan.base_at));
        return Done{};
    }

private:
    Result<io::Snapshot> state_at(const io::FoundSnapshot& from, std::uint64_t last) {
        Replay replay = TRY(Replay::begin(from.snapshot));
        TRY(replay.go_on(
            [&](std::uint64_t after, std::size_t limit) { return reader_.read(after, limit); },
            last, {}));
        if (replay.sequence() != last) {
            return Error{Code::corrupt, fmt::format("event {}: missing", replay.sequence() + 1)};
        }
        TRY(replay.check_books());
        return replay.snapshot();
    }

    /// That what was written is there: a disk may say so and be wrong.
    static Status check_snapshot(const std::filesystem::path& path, const io::Snapshot& made) {
        const auto again = io::decode_snapshot(TRY(io::read_file(path, UINT64_MAX)));
        if (!again.ok()) return again.error();
        if (again.value() == made) return Done{};
        return Error{Code::corrupt, path.string() + ": holds something else than was written"};
    }

    Status make_snapshot(std::uint64_t last) {
        const io::FoundSnapshot from = TRY(snapshots_.load(last));
        const io::Snapshot made = TRY(state_at(from, last));
        TRY(snapshots_.save(made));
        return check_snapshot(snapshots_.path_of(last), made);
    }

    Status make_base(std::uint64_t last) {
        io::FoundSnapshot from;
        if (const auto base = snapshots_.base()) {
            from.snapshot = TRY(io::decode_snapshot(
                TRY(io::read_file(snapshots_.path_of_base(*base), UINT64_MAX))));
        }
        const io::Snapshot made = TRY(state_at(from, last));
        TRY(snapshots_.save_base(made));
        return check_snapshot(snapshots_.path_of_base(last), made);
    }

    Status pack(const io::Segment& segment) {
        io::Packer packer(segment.first);
        TRY(each_row(segment, [&](const io::Row& row) -> Status {
            packer.add(row);
            return Done{};
        }));
        const auto path = io::pack_path(folder_, segment.first);
        TRY(io::write_file(path, TRY(std::move(packer).finish()), 0600));
        const Status same = check_pack(path, segment);
        if (!same.ok()) std::ignore = io::remove_file(path);
        return same;
    }

    /// Row by row: the table is removed when the market has seen the pack.
    Status check_pack(const std::filesystem::path& path, const io::Segment& segment) {
        const io::Pack pack = TRY(io::Pack::open(path));
        std::vector<io::Row> rows;
        std::size_t next = 0;
        return each_row(segment, [&](const io::Row& row) -> Status {
            if (next == rows.size()) {
                rows = TRY(pack.read(row.sequence - 1, rows_at_once));
                next = 0;
            }
            const bool same = next < rows.size() && rows[next] == row;
            ++next;
            if (same) return Done{};
            return Error{Code::corrupt, fmt::format("{}: event {} is another one than was written",
                                                    path.string(), row.sequence)};
        });
    }

    Status each_row(const io::Segment& segment, const std::function<Status(const io::Row&)>& look) {
        for (std::uint64_t after = segment.first - 1; after < segment.last;) {
            const auto rows = TRY(
                reader_.read(after, std::min<std::uint64_t>(rows_at_once, segment.last - after)));
            if (rows.empty()) {
                return Error{Code::corrupt, fmt::format("event {}: missing", after + 1)};
            }
            for (const io::Row& row : rows) TRY(look(row));
            after = rows.back().sequence;
        }
        return Done{};
    }

    std::filesystem::path folder_;
    io::SnapshotFiles snapshots_;
    io::JournalReader reader_;
};

}  // namespace

Status keep_journal(const KeepOptions& options) {
    if (is_orphan(options.parent)) return Error{Code::unavailable, "the market is gone"};
    stand_back();
    const std::filesystem::path folder = options.folder;
    const io::Descriptor held = TRY(io::hold_making(folder));
    TRY(remove_drafts(folder));
    Keeper keeper(folder, TRY(io::JournalReader::open(folder, {})));
    return keeper.run(Time{Duration{options.drop_before}});
}

}  // namespace shoal::apps
