#include "io/journal_sqlite.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "core/check.h"
#include "io/files.h"
#include "io/journal_files.h"
#include "io/journal_pack.h"
#include "io/journal_row.h"
#include "io/journal_snapshots.h"
#include "io/journal_table.h"
#include "io/mutex.h"

namespace shoal::io {

struct SqliteJournal::State {
    std::filesystem::path folder;
    Options options;
    TableWriter writer;
    std::uint64_t close_at;  // bytes
    bool broken = false;

    Mutex reading;
    JournalReader reader __attribute__((guarded_by(reading)));

    SnapshotFiles snapshots;
    std::atomic<std::uint64_t> last;

    TablePlace place(std::uint64_t first) const { return {table_path(folder, first), options.vfs}; }

    Status write(std::span<const Row> rows, std::span<const SideWrite> side);
    bool is_due(Time now) const;
    Status close_open_one();
    Status continue_in(TableWriter next);
    Status fail(Status failed);
};

namespace {

/// Finishes the closing of every table but the last. One that somebody reads just now is finished
/// another time.
Status close_tables(const std::filesystem::path& folder, const std::string& vfs) {
    const auto all = TRY(list_segments(folder));
    for (std::size_t i = 0; i + 1 < all.size(); ++i) {
        if (!all[i].has_table || all[i].has_pack) continue;
        const auto path = table_path(folder, all[i].first);
        if (is_closed_table(path)) continue;
        const Status closed = close_table({path, vfs}, all[i + 1].first - 1);
        if (!closed.ok() && closed.error().code != Code::conflict) return closed;
    }
    return Done{};
}

/// The table that is written to: the last one whose making was finished.
Result<TableWriter> open_last(const std::filesystem::path& folder,
                              const SqliteJournal::Options& options) {
    auto all = TRY(list_segments(folder));
    if (all.empty()) {
        return TableWriter::create({table_path(folder, 1), options.vfs}, {1, options.release});
    }
    const auto place = [&] {
        return TablePlace{table_path(folder, all.back().first), options.vfs};
    };
    const Error no_end{Code::corrupt, folder.string() + ": the journal's last segment is missing"};
    if (!all.back().has_table) return no_end;
    const bool is_whole = TRY(is_whole_table(place(), sqlite::Access::existing));
    if (is_whole) return TableWriter::open(place(), options.release);
    if (all.size() == 1) {
        if (all.back().first != 1) return no_end;
        return TableWriter::create(place(), {1, options.release});
    }
    // It was to follow one that is still open: nothing was ever written to it.
    const Status removed = remove_table(folder, all.back().first);
    if (!removed.ok()) return removed.error();
    const Status durable = sync_folder(folder);
    if (!durable.ok()) return durable.error();
    all.pop_back();
    if (!all.back().has_table) return no_end;
    return TableWriter::open(place(), options.release);
}

}  // namespace

SqliteJournal::SqliteJournal(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqliteJournal::~SqliteJournal() = default;

Result<std::unique_ptr<SqliteJournal>> SqliteJournal::open(const std::filesystem::path& folder,
                                                           const Options& options) {
    const Status made = make_folder(folder);
    if (!made.ok()) return made.error();
    TableWriter writer = TRY(open_last(folder, options));
    const Status closed = close_tables(folder, options.vfs);
    if (!closed.ok()) return closed.error();
    const Status durable = sync_folder(folder);
    if (!durable.ok()) return durable.error();
    JournalReader reader = TRY(JournalReader::open(folder, {options.vfs}));
    TRY(reader.segments());  // there is no gap between them
    const std::uint64_t last = writer.last();
    std::unique_ptr<State> state(new State{
        .folder = folder,
        .options = options,
        .writer = std::move(writer),
        .close_at = options.segment_bytes,
        .reading = {},
        .reader = std::move(reader),
        .snapshots = SnapshotFiles(folder),
        .last = last,
    });
    return std::unique_ptr<SqliteJournal>(new SqliteJournal(std::move(state)));
}

Status SqliteJournal::begin(const std::filesystem::path& folder, const std::string& release,
                            const Beginning& beginning) {
    const auto made = TableWriter::create({table_path(folder, beginning.first)},
                                          {beginning.first, release, beginning.names});
    if (!made.ok()) return made.error();
    return sync_folder(folder);
}

Status SqliteJournal::append(std::span<const Row> rows, std::span<const SideWrite> side) {
    if (state_->broken) return Error{Code::unavailable, "journal: an earlier write failed"};
    std::uint64_t next = state_->last;
    for (const Row& row : rows) check(row.sequence == ++next && is_sound(row));
    const Status written = state_->write(rows, side);
    if (!written.ok()) return state_->fail(written);
    state_->last = next;
    if (rows.empty() || !state_->is_due(rows.back().time)) return Done{};
    Status closed = state_->close_open_one();
    if (closed.ok() || closed.error().code != Code::exhausted) return closed;
    // The batch is safe, and so is this segment: only there is no room for another one yet.
    state_->close_at = state_->writer.size_bytes() + state_->options.segment_bytes / 8;
    return Done{};
}

/// Only a write that found no space is known to have left nothing: a sync that failed may have.
Status SqliteJournal::State::write(std::span<const Row> rows, std::span<const SideWrite> side) {
    Status written = writer.write(rows, side);
    if (written.ok() || !options.make_room || !writer.take_back_if_full()) return written;
    return options.make_room() ? writer.write(rows, side) : written;
}

bool SqliteJournal::State::is_due(Time now) const {
    if (writer.size_bytes() >= close_at) return true;
    return writer.begun() && now - *writer.begun() >= options.segment_age;
}

Status SqliteJournal::State::fail(Status failed) {
    broken = true;
    return failed;
}

Status SqliteJournal::close_segment() {
    if (state_->broken) return Error{Code::unavailable, "journal: an earlier write failed"};
    if (state_->writer.last() < state_->writer.first()) return Done{};
    return state_->close_open_one();
}

/// From the moment that the next table is whole, it is the open one; before that, nothing happened.
Status SqliteJournal::State::close_open_one() {
    auto names = writer.names();
    if (!names.ok()) return fail(names.error());
    const std::uint64_t first = last + 1;
    auto next = TableWriter::create(place(first), {first, options.release, names.value()});
    const Status durable = next.ok() ? sync_folder(folder) : Done{};
    if (next.ok() && durable.ok()) return continue_in(std::move(next).value());
    const Error why = next.ok() ? durable.error() : next.error();
    if (why.code != Code::exhausted) return fail(why);
    // It must be gone for good before this one goes on.
    Status removed = remove_table(folder, first);
    if (removed.ok()) removed = sync_folder(folder);
    return removed.ok() ? Status(why) : fail(removed);
}

Status SqliteJournal::State::continue_in(TableWriter next) {
    {
        const Lock lock(reading);
        reader.let_go();
        writer = std::move(next);
        close_at = options.segment_bytes;
        // What cannot be finished now is finished later: nothing in it is needed for going on.
        std::ignore = close_tables(folder, options.vfs);
    }
    if (options.closed) options.closed();
    return Done{};
}

Result<std::vector<Row>> SqliteJournal::read(std::uint64_t after_sequence, std::size_t limit) {
    const Lock lock(state_->reading);
    return state_->reader.read(after_sequence, limit);
}

std::uint64_t SqliteJournal::first_sequence() {
    const Lock lock(state_->reading);
    return state_->reader.first_sequence();
}

Result<std::uint64_t> SqliteJournal::last_sequence() {
    return state_->last.load();
}

Result<std::map<AccountId, std::string>> SqliteJournal::names() {
    const Lock lock(state_->reading);
    return state_->reader.names();
}

Result<std::vector<Segment>> SqliteJournal::segments() {
    const Lock lock(state_->reading);
    return state_->reader.segments();
}

Result<KeepingPlan> SqliteJournal::plan(Time drop_before) {
    const auto all = TRY(segments());
    return plan_keeping(all, kept_snapshots(state_->folder), drop_before);
}

Result<std::vector<std::string>> SqliteJournal::adopt() {
    std::vector<std::string> damaged;
    const auto held = hold_keeping(state_->folder, Keeping::exclusive);
    if (!held.ok() && held.error().code == Code::conflict) return damaged;
    if (!held.ok()) return held.error();
    const std::uint64_t base = state_->snapshots.base().value_or(0);
    const auto all = TRY(segments());
    for (const Segment& segment : all) {
        if (segment.is_open) continue;
        const bool is_dropped = segment.last <= base;
        bool is_packed = segment.has_pack && segment.has_table;
        const auto path = pack_path(state_->folder, segment.first);
        if (is_packed && !is_dropped) {
            const auto pack = Pack::open(path);
            is_packed = pack.ok() && pack.value().facts().last == segment.last;
            if (!is_packed) damaged.push_back(path.string());
            if (!is_packed) TRY(remove_file(path));
        }
        if (!is_dropped && !is_packed) continue;
        const Lock lock(state_->reading);
        state_->reader.let_go();
        TRY(remove_table(state_->folder, segment.first));
        if (is_dropped) TRY(remove_file(path));
    }
    TRY(state_->snapshots.drop_older_bases());
    TRY(sync_folder(state_->folder));
    TRY(segments());  // looks at the folder anew
    return damaged;
}

Status SqliteJournal::save_snapshot(const Snapshot& snapshot) {
    check(snapshot.sequence <= state_->last);
    return state_->snapshots.save(snapshot);
}

Result<FoundSnapshot> SqliteJournal::load_snapshot() {
    FoundSnapshot found = TRY(state_->snapshots.load());
    if (found.snapshot && found.snapshot->sequence > state_->last) {
        return Error{Code::corrupt, "journal: it ends at event " + std::to_string(state_->last) +
                                        ", but there is a snapshot of event " +
                                        std::to_string(found.snapshot->sequence)};
    }
    return found;
}

}  // namespace shoal::io
