#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/time.h"
#include "io/journal_reader.h"

namespace shoal::io {

/// The snapshots of a journal, as its folder has them.
struct KeptSnapshots {
    std::vector<std::uint64_t> newest;  // the newest first
    std::optional<std::uint64_t> base;
    std::uint64_t size_bytes = 0;  // of the newest
};
KeptSnapshots kept_snapshots(const std::filesystem::path& folder);

/// What is to be done so that a start stays quick and the journal does not grow for ever.
struct KeepingPlan {
    std::optional<std::uint64_t> snapshot_at;  // make a snapshot of this event
    std::vector<std::uint64_t> to_pack;        // segments, by their first events
    std::optional<std::uint64_t> base_at;      // make the base of this event; drop what is before

    bool is_empty() const { return !snapshot_at && to_pack.empty() && !base_at; }
    friend bool operator==(const KeepingPlan&, const KeepingPlan&) = default;
};

/// Closed segments are put into a snapshot when together they are a quarter as big as the last one,
/// so that no more than four times as much is written as was journalled; what a snapshot covers is
/// packed; what both snapshots cover and ended before `drop_before` is dropped.
KeepingPlan plan_keeping(const std::vector<Segment>& segments, const KeptSnapshots& kept,
                         Time drop_before);

}  // namespace shoal::io
