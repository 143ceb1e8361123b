#include "io/journal_reader.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "io/files.h"
#include "io/journal_files.h"
#include "io/journal_pack.h"
#include "io/journal_table.h"

namespace shoal::io {

namespace {

constexpr std::size_t segments_max = 1'000'000;

Result<PackFacts> pack_facts(const std::filesystem::path& path) {
    const std::string head = TRY(read_start(path, pack_head_size));
    auto facts = read_pack_facts(head);
    if (facts.ok()) return facts;
    return Error{facts.error().code, path.string() + ": " + facts.error().what};
}

std::uint64_t size_of(const std::filesystem::path& path) {
    std::error_code failed;
    const std::uintmax_t size = std::filesystem::file_size(path, failed);
    return failed ? 0 : size;
}

}  // namespace

struct JournalReader::State {
    using Content = std::variant<TableReader, Pack>;

    std::filesystem::path folder;
    Options options;
    std::vector<SegmentFiles> files;
    std::optional<std::uint64_t> opened;  // the first event of what `content` is
    std::optional<Content> content;

    TablePlace table(std::uint64_t first) const { return {table_path(folder, first), options.vfs}; }

    Status list();
    Result<Content> open(const SegmentFiles& segment) const;
    Status take(std::uint64_t first);
    Result<std::vector<Row>> read(std::uint64_t after, std::size_t limit);
    Result<Segment> look_at(const SegmentFiles& segment) const;
    const SegmentFiles* holder(std::uint64_t sequence) const;
};

JournalReader::JournalReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
JournalReader::JournalReader(JournalReader&&) noexcept = default;
JournalReader& JournalReader::operator=(JournalReader&&) noexcept = default;
JournalReader::~JournalReader() = default;

Result<JournalReader> JournalReader::open(const std::filesystem::path& folder,
                                          const Options& options) {
    auto state = std::make_unique<State>();
    state->folder = folder;
    state->options = options;
    const Status listed = state->list();
    if (!listed.ok()) return listed.error();
    return JournalReader(std::move(state));
}

Status JournalReader::State::list() {
    auto found = TRY(list_segments(folder));
    if (found.empty()) return Error{Code::not_found, folder.string() + ": holds no journal"};
    if (found.size() > segments_max) return Error{Code::corrupt, "journal: too many segments"};
    // One that is being made just now holds nothing yet.
    const SegmentFiles& last = found.back();
    if (found.size() > 1 && !last.has_pack &&
        !TRY(is_whole_table(table(last.first), sqlite::Access::read))) {
        found.pop_back();
    }
    files = std::move(found);
    return Done{};
}

Result<JournalReader::State::Content> JournalReader::State::open(
    const SegmentFiles& segment) const {
    const auto path = pack_path(folder, segment.first);
    std::error_code failed;
    if (!segment.has_table || !std::filesystem::exists(table(segment.first).path, failed)) {
        Pack pack = TRY(Pack::open(path));
        if (pack.facts().first != segment.first) {
            return Error{Code::corrupt, path.string() + ": holds another segment than it is named"};
        }
        return Content(std::move(pack));
    }
    return Content(TRY(TableReader::open(table(segment.first))));
}

/// The last segment that begins at or before this event.
const SegmentFiles* JournalReader::State::holder(std::uint64_t sequence) const {
    const auto after = std::ranges::upper_bound(files, sequence, {}, &SegmentFiles::first);
    return after == files.begin() ? nullptr : &*std::prev(after);
}

Status JournalReader::State::take(std::uint64_t first) {
    if (opened == first) return Done{};
    content.reset();
    opened.reset();
    const auto segment = std::ranges::find(files, first, &SegmentFiles::first);
    content = TRY(open(*segment));
    opened = first;
    return Done{};
}

Result<std::vector<Row>> JournalReader::State::read(std::uint64_t after, std::size_t limit) {
    const SegmentFiles* segment = holder(after + 1);
    if (!segment) {
        return Error{Code::stale, "the journal keeps no events before " +
                                      std::to_string(files.front().first) + " any more"};
    }
    Status taken = take(segment->first);
    if (!taken.ok() && taken.error().code == Code::not_found) {
        taken = list();  // packed or dropped meanwhile
        segment = taken.ok() ? holder(after + 1) : nullptr;
        if (taken.ok() && !segment) return Error{Code::stale, "these events were dropped just now"};
        if (taken.ok()) taken = take(segment->first);
    }
    if (!taken.ok()) return taken.error();
    return std::visit([&](auto& it) { return it.read(after, limit); }, *content);
}

Result<std::vector<Row>> JournalReader::read(std::uint64_t after_sequence, std::size_t limit) {
    auto rows = state_->read(after_sequence, limit);
    if (!rows.ok() || !rows.value().empty() || limit == 0) return rows;
    // At the end of a segment that was the last one, or that has lost its own end.
    const std::uint64_t known = state_->files.back().first;
    const Status listed = state_->list();
    if (!listed.ok()) return listed.error();
    const std::uint64_t newest = state_->files.back().first;
    const SegmentFiles* holder = state_->holder(after_sequence + 1);
    const bool is_last = holder && holder->first == newest;
    if (is_last && newest == known) return rows;
    rows = state_->read(after_sequence, limit);
    if (!rows.ok() || !rows.value().empty() || is_last) return rows;
    return Error{Code::corrupt,
                 "journal, event " + std::to_string(after_sequence + 1) + ": missing"};
}

std::uint64_t JournalReader::first_sequence() const {
    return state_->files.front().first;
}

Result<std::uint64_t> JournalReader::last_sequence() {
    const auto all = TRY(segments());
    return all.back().last;
}

Result<Segment> JournalReader::State::look_at(const SegmentFiles& files_of) const {
    Segment segment;
    segment.first = files_of.first;
    segment.has_table = files_of.has_table;
    segment.has_pack = files_of.has_pack;
    segment.size_bytes =
        size_of(files_of.has_table ? table(files_of.first).path : pack_path(folder, segment.first));
    std::uint64_t begins = 0;
    if (files_of.has_table) {
        TableReader reader = TRY(TableReader::open(table(files_of.first)));
        begins = reader.facts().first;
        segment.is_open = !reader.facts().last;
        segment.last = TRY(reader.last_sequence());
        segment.last_time = reader.facts().last_time;
    } else {
        const PackFacts facts = TRY(pack_facts(pack_path(folder, files_of.first)));
        begins = facts.first;
        segment.last = facts.last;
        segment.last_time = facts.last_time;
    }
    if (begins == segment.first) return segment;
    return Error{Code::corrupt, "journal: the segment named " + std::to_string(segment.first) +
                                    " begins at event " + std::to_string(begins)};
}

Result<std::vector<Segment>> JournalReader::segments() {
    const Status listed = state_->list();
    if (!listed.ok()) return listed.error();
    std::vector<Segment> all;
    for (const SegmentFiles& files : state_->files) {
        auto segment = state_->look_at(files);
        if (!segment.ok() && segment.error().code == Code::not_found) {
            SegmentFiles packed = files;
            packed.has_table = false;
            packed.has_pack = true;
            segment = state_->look_at(packed);
        }
        if (!segment.ok()) return segment.error();
        if (!all.empty() && all.back().last + 1 != segment.value().first) {
            return Error{Code::corrupt, "journal, event " + std::to_string(all.back().last + 1) +
                                            ": missing; the next segment begins at event " +
                                            std::to_string(segment.value().first)};
        }
        all.push_back(std::move(segment).value());
    }
    return all;
}

Result<std::map<AccountId, std::string>> JournalReader::names() {
    const Status listed = state_->list();
    if (!listed.ok()) return listed.error();
    const SegmentFiles& last = state_->files.back();
    if (!last.has_table) return std::map<AccountId, std::string>();
    auto reader = TRY(TableReader::open(state_->table(last.first)));
    return reader.names();
}

void JournalReader::let_go() {
    state_->content.reset();
    state_->opened.reset();
}

}  // namespace shoal::io
