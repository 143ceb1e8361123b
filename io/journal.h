#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/bytes.h"
#include "core/id.h"
#include "core/result.h"
#include "core/time.h"

namespace shoal::io {

/// One event as it lies in the journal: its name, and its body as JSON text.
struct Row {
    std::uint64_t sequence = 0;  // 1, 2, 3, … without a gap
    Time time{};
    std::string name;
    std::string body;

    friend bool operator==(const Row&, const Row&) = default;
};

/// Personal data lies beside the journal, where it can be deleted; events hold ids only.
struct NameSet {
    AccountId account;
    std::string name;
};
struct NameErased {
    AccountId account;
};
using SideWrite = std::variant<NameSet, NameErased>;

/// The state of the core after the event of this sequence number, in a format of the core's own.
struct Snapshot {
    std::uint64_t sequence = 0;
    std::uint32_t format = 0;
    Bytes bytes;

    friend bool operator==(const Snapshot&, const Snapshot&) = default;
};

/// The newest snapshot that is whole, and what was passed over on the way to it (to be logged).
struct FoundSnapshot {
    std::optional<Snapshot> snapshot;
    std::vector<std::string> damaged;
};

/// The one durable record of what happened: events in order, and a little beside them.
///
/// A batch is written as a whole or not at all, and is durable when append() returns. Whoever gets
/// an error from append() must end the process: what is in the journal is then known only after
/// opening it again. append() may run beside the other functions, but only one at a time of each.
class Journal {
public:
    Journal() = default;
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;
    virtual ~Journal() = default;

    /// The rows must continue the journal. exhausted: the disk is full. unavailable: the write
    /// failed, or an earlier one did.
    virtual Status append(std::span<const Row> rows, std::span<const SideWrite> side) = 0;

    /// At most `limit` rows after this one, in order; none only at the end. corrupt: a row is
    /// damaged or missing, with its sequence number. stale: these rows were dropped.
    virtual Result<std::vector<Row>> read(std::uint64_t after_sequence, std::size_t limit) = 0;

    /// The oldest row that is kept; the next one's number if there is none.
    virtual std::uint64_t first_sequence() = 0;

    /// Zero while the journal is empty.
    virtual Result<std::uint64_t> last_sequence() = 0;

    virtual Result<std::map<AccountId, std::string>> names() = 0;

    /// Keeps this snapshot and the one before it, and the base of what is kept.
    virtual Status save_snapshot(const Snapshot& snapshot) = 0;

    /// corrupt: a snapshot knows of events that the journal does not have.
    virtual Result<FoundSnapshot> load_snapshot() = 0;
};

}  // namespace shoal::io
