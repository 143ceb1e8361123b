#include "io/journal_keeping.h"

#include <algorithm>

#include "io/journal_snapshots.h"

namespace shoal::io {

namespace {

constexpr std::uint64_t written_per_journalled_max = 4;

std::optional<std::uint64_t> snapshot_due(const std::vector<Segment>& segments,
                                          const KeptSnapshots& kept, std::uint64_t covered) {
    std::uint64_t bytes = 0;
    std::uint64_t last = 0;
    for (const Segment& segment : segments) {
        if (segment.is_open || segment.last <= covered) continue;
        bytes += segment.size_bytes;
        last = segment.last;
    }
    if (last == 0 || bytes * written_per_journalled_max < kept.size_bytes) return std::nullopt;
    return last;
}

/// The last event of all that is old enough and that `covered` covers, from the beginning on.
std::optional<std::uint64_t> base_due(const std::vector<Segment>& segments, std::uint64_t base,
                                      std::uint64_t covered, Time drop_before) {
    std::optional<std::uint64_t> due;
    for (const Segment& segment : segments) {
        const bool is_over = !segment.is_open && segment.last <= covered &&
                             segment.last_time < drop_before && segment.last >= segment.first;
        if (!is_over) break;
        if (segment.last > base) due = segment.last;
    }
    return due;
}

}  // namespace

KeptSnapshots kept_snapshots(const std::filesystem::path& folder) {
    const SnapshotFiles files(folder);
    KeptSnapshots kept{files.sequences(), files.base(), 0};
    if (kept.newest.empty()) return kept;
    std::error_code failed;
    const auto size = std::filesystem::file_size(files.path_of(kept.newest.front()), failed);
    if (!failed) kept.size_bytes = size;
    return kept;
}

KeepingPlan plan_keeping(const std::vector<Segment>& segments, const KeptSnapshots& kept,
                         Time drop_before) {
    const std::uint64_t newest =
        std::max(kept.newest.empty() ? 0 : kept.newest.front(), kept.base.value_or(0));
    KeepingPlan plan;
    plan.snapshot_at = snapshot_due(segments, kept, newest);
    const std::uint64_t covered = plan.snapshot_at.value_or(newest);
    for (const Segment& segment : segments) {
        const bool is_ready = !segment.is_open && segment.has_table && !segment.has_pack;
        if (is_ready && segment.last <= covered) plan.to_pack.push_back(segment.first);
    }
    // Should the newest snapshot turn out to be damaged, the one before it needs what follows it.
    std::uint64_t covered_twice = kept.newest.size() > 1 ? kept.newest[1] : 0;
    if (plan.snapshot_at && !kept.newest.empty()) covered_twice = kept.newest.front();
    plan.base_at = base_due(segments, kept.base.value_or(0), covered_twice, drop_before);
    return plan;
}

}  // namespace shoal::io
