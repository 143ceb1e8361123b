#include <algorithm>
#include <set>

#include <boost/describe.hpp>
#include <fmt/format.h>

#include "apps/backup.h"
#include "apps/commands.h"
#include "apps/market_recovery.h"
#include "apps/words.h"
#include "core/text.h"
#include "core/units.h"
#include "io/files.h"
#include "io/journal_files.h"
#include "io/journal_pack.h"
#include "io/journal_reader.h"
#include "io/journal_snapshots.h"

namespace shoal::apps {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t rows_at_once = 10'000;
constexpr std::size_t body_bytes_shown = 160;
constexpr Duration last_of_second{999};

Result<io::JournalReader> open_journal(const fs::path& data) {
    const fs::path folder = io::journal_folder(data);
    std::error_code failed;
    if (fs::is_directory(folder, failed)) return io::JournalReader::open(folder, {});
    return Error{Code::not_found,
                 data.string() +
                     ": holds no journal of this release's format; --data names the "
                     "folder of a market"};
}

// --- check -----------------------------------------------------------------------------------

/// A journal on its way through all that can be wrong with it.
class Checker {
public:
    Checker(Context& context, fs::path folder, io::JournalReader reader)
        : out_(context.out()),
          folder_(std::move(folder)),
          snapshots_(folder_),
          reader_(std::move(reader)) {}

    Result<Exit> run() {
        const auto segments = TRY(reader_.segments());
        const std::uint64_t last = segments.back().last;
        for (const io::Segment& segment : segments) TRY(show(segment));
        out_.print(table_.print(out_.results()));
        io::FoundSnapshot base;
        if (segments.front().first > 1) {
            base = TRY(snapshots_.load(snapshots_.base().value_or(0)));
            if (!base.snapshot) {
                return Error{Code::corrupt,
                             "the journal does not begin at event 1, and no base "
                             "says what was before"};
            }
        }
        Replay replay = TRY(Replay::begin(base.snapshot));
        auto stops = snapshots_.sequences();
        std::ranges::reverse(stops);
        for (const std::uint64_t stop : stops) {
            if (stop > last || stop < replay.sequence()) continue;
            TRY(go_on(replay, stop));
            TRY(compare(replay, stop));
        }
        TRY(go_on(replay, last));
        TRY(replay.check_books());
        const auto names = TRY(reader_.names());
        tell(replay, segments.front().first, names.size());
        return Exit::done;
    }

private:
    /// A pack's hash is checked, also when its table is still there.
    Status show(const io::Segment& segment) {
        if (segment.has_pack) {
            const io::Pack pack = TRY(io::Pack::open(io::pack_path(folder_, segment.first)));
            if (pack.facts().last != segment.last) {
                return Error{Code::corrupt,
                             fmt::format("segment {}: its pack ends at event {}, expected {}",
                                         segment.first, pack.facts().last, segment.last)};
            }
        }
        const std::string form = segment.is_open ? "open" : segment.has_table ? "closed" : "packed";
        table_.add({std::to_string(segment.first), std::to_string(segment.last),
                    segment.is_open ? "" : to_date(segment.last_time), form,
                    to_rounded(Size{segment.size_bytes})});
        return Done{};
    }

    Status go_on(Replay& replay, std::uint64_t last) {
        TRY(replay.go_on(
            [this](std::uint64_t after, std::size_t limit) { return reader_.read(after, limit); },
            last, {}));
        if (replay.sequence() >= last) return Done{};
        return Error{Code::corrupt, fmt::format("event {}: missing", replay.sequence() + 1)};
    }

    /// A snapshot says what the events before it lead to.
    Status compare(const Replay& replay, std::uint64_t sequence) {
        const auto path = snapshots_.path_of(sequence);
        const auto text = io::read_file(path, io::snapshot_size_max);
        if (!text.ok() && text.error().code == Code::not_found) return Done{};  // replaced just now
        const io::Snapshot snapshot = TRY(io::decode_snapshot(TRY(Result<std::string>(text))));
        const Replay from = TRY(Replay::begin(snapshot));
        if (!(from.market().snapshot() == replay.market().snapshot())) {
            return Error{Code::corrupt,
                         path.string() + ": is not what the events before it lead to"};
        }
        ++snapshots_checked_;
        return Done{};
    }

    void tell(const Replay& replay, std::uint64_t first, std::size_t names) const {
        const market::State& state = replay.market().state();
        out_.print(fmt::format(
            "{} to {}, the last of {}: whole and without a gap\n{}: what the events lead to\n"
            "{}, {}, {}; the books balance\n",
            counted(replay.sequence() - first + 1, "event") + fmt::format(" from {}", first),
            replay.sequence(), to_date(replay.time()), counted(snapshots_checked_, "snapshot"),
            counted(state.accounts.size(), "account"), counted(state.jobs.size(), "job"),
            counted(state.tasks.size(), "task")));
        out_.print_json(
            boost::json::object{{"first", first},
                                {"last", replay.sequence()},
                                {"last_time_ms", replay.time().time_since_epoch().count()},
                                {"snapshots", snapshots_checked_},
                                {"accounts", state.accounts.size()},
                                {"names", names},
                                {"jobs", state.jobs.size()},
                                {"tasks", state.tasks.size()}});
    }

    const Output& out_;
    fs::path folder_;
    io::SnapshotFiles snapshots_;
    io::JournalReader reader_;
    Table table_{{{"FIRST", Table::Align::right},
                  {"LAST", Table::Align::right},
                  {"UNTIL"},
                  {"FORM"},
                  {"SIZE", Table::Align::right}}};
    std::size_t snapshots_checked_ = 0;
};

// --- show ------------------------------------------------------------------------------------

/// Which events are wanted.
struct Filter {
    std::uint64_t first = 1;
    std::uint64_t last = UINT64_MAX;
    std::optional<Time> from;
    std::optional<Time> to;
    std::string type;
    std::string account;
    std::set<std::string, std::less<>> ids;  // a job, and what is known to belong to it
};

/// Whether a text of the value is one of the ids.
bool speaks_of(const json::Value& value, const auto& is_one) {
    if (const auto* text = value.if_string()) return is_one(std::string_view(*text));
    if (const auto* list = value.if_array()) {
        return std::ranges::any_of(*list, [&](const auto& one) { return speaks_of(one, is_one); });
    }
    if (const auto* object = value.if_object()) {
        return std::ranges::any_of(*object, [&](const auto& field) {
            return speaks_of(field.value(), is_one) || is_one(std::string_view(field.key()));
        });
    }
    return false;
}

/// What an event of a wanted job says of its task and its lease is that job's for good.
void learn(Filter& filter, const json::Value& body) {
    const auto* object = body.if_object();
    if (!object) return;
    for (const char* field : {"task", "lease"}) {
        const auto* id = object->if_contains(field);
        if (id && id->is_string()) filter.ids.emplace(id->as_string().c_str());
    }
    const auto* tasks = object->if_contains("tasks");
    if (!tasks || !tasks->is_array()) return;
    for (const auto& task : tasks->as_array()) {
        const auto* planned = task.if_object();
        const auto* id = planned ? planned->if_contains("task") : nullptr;
        if (id && id->is_string()) filter.ids.emplace(id->as_string().c_str());
    }
}

bool is_wanted(Filter& filter, const io::Row& row, const json::Value& body) {
    if (!filter.ids.empty()) {
        const auto is_one = [&](std::string_view text) { return filter.ids.contains(text); };
        if (!speaks_of(body, is_one)) return false;
        learn(filter, body);  // also of what is not shown
    }
    if (row.sequence < filter.first || (filter.from && row.time < *filter.from)) return false;
    if (!filter.type.empty() && row.name != filter.type) return false;
    if (filter.account.empty()) return true;
    return speaks_of(body, [&](std::string_view text) { return text == filter.account; });
}

bool is_past(const Filter& filter, const io::Row& row) {
    return row.sequence > filter.last || (filter.to && row.time > *filter.to);
}

/// A sequence number, or a time.
Status read_bound(std::string_view flag, const std::string& text, std::uint64_t& sequence,
                  std::optional<Time>& time) {
    if (text.empty()) return Done{};
    const bool is_number =
        text.size() <= 18 && text.find_first_not_of("0123456789") == std::string::npos;
    if (is_number) {
        sequence = std::stoull(text);
        return Done{};
    }
    const auto date = parse_date(text);
    if (!date.ok()) return in_flag(flag, date.error());
    time = date.value();
    return Done{};
}

Result<Filter> filter_of(const JournalOptions& options) {
    Filter filter;
    TRY(read_bound("--from", options.from, filter.first, filter.from));
    TRY(read_bound("--to", options.to, filter.last, filter.to));
    if (filter.to) *filter.to += last_of_second;  // dates are shown without parts of a second
    filter.type = options.type;
    if (!options.job.empty()) filter.ids.insert(to_string(TRY(id_of<JobTag>(options.job))));
    if (!options.account.empty()) {
        filter.account = to_string(TRY(id_of<AccountTag>(options.account)));
    }
    return filter;
}

void print(const Output& out, const io::Row& row, const json::Value& body) {
    if (out.json()) {
        return out.print_json(boost::json::object{{"sequence", row.sequence},
                                                  {"at_ms", row.time.time_since_epoch().count()},
                                                  {"name", row.name},
                                                  {"body", body}});
    }
    out.print(fmt::format("{} {} {} {}\n", row.sequence, to_date(row.time), row.name,
                          to_display(shorten(std::string_view(row.body), body_bytes_shown))));
}

Result<bool> show_rows(const Output& out, Filter& filter, const std::vector<io::Row>& rows) {
    for (const io::Row& row : rows) {
        if (is_past(filter, row)) return false;
        const json::Value body = TRY(json::parse(row.body, row.body.size()));
        if (is_wanted(filter, row, body)) print(out, row, body);
    }
    return true;
}

}  // namespace

Result<Exit> check_journal(Context& context, const JournalOptions& options) {
    auto reader = TRY(open_journal(options.data));
    const fs::path folder = io::journal_folder(options.data);
    const io::Descriptor held = TRY(hold_journal(folder));
    return Checker(context, folder, std::move(reader)).run();
}

Result<Exit> show_journal(Context& context, const JournalOptions& options) {
    Filter filter = TRY(filter_of(options));
    auto reader = TRY(open_journal(options.data));
    // The events of a job lie between its own: to know them the journal is read from its beginning.
    std::uint64_t after = reader.first_sequence() - 1;
    if (filter.ids.empty()) after = std::max(after, filter.first == 0 ? 0 : filter.first - 1);
    for (;;) {
        const auto rows = TRY(reader.read(after, rows_at_once));
        if (rows.empty()) return Exit::done;
        const bool goes_on = TRY(show_rows(context.out(), filter, rows));
        if (!goes_on) return Exit::done;
        after = rows.back().sequence;
    }
}

}  // namespace shoal::apps
