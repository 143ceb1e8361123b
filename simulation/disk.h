#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "market/state.h"
#include "protocol/events.h"
#include "simulation/stage.h"

namespace shoal::simulation {

/// The market's journal on a disk that may fail. A batch is durable as a whole or not at all; what
/// a write that was cut off left behind is found, and passed over, when the journal is read.
class Disk {
public:
    using Done = std::function<void(const Status&)>;

    explicit Disk(Stage& stage) : stage_(stage) {}

    /// One at a time. `done` is called when the batch is durable, or with why it may not be:
    /// exhausted: the disk is full. unavailable: the write failed.
    void append(std::vector<protocol::Event> rows, Done done);

    /// The process that writes is gone: what was on its way is there, or a part of it, or nothing.
    void lose_writer();

    /// The rows that are there, without what a torn write left.
    const std::vector<protocol::Event>& recover();

    /// How many of the first rows are there for ever, as their writer was told.
    std::size_t promised() const { return promised_; }

    void save_snapshot(std::uint64_t sequence, std::string text);

    struct Snapshot {
        std::uint64_t sequence = 0;
        market::State state;
    };
    /// The newest that is whole.
    std::optional<Snapshot> load_snapshot();

    /// Below its reserve: the market takes no new jobs and uploads.
    bool is_full() const { return !stage_.healed() && stage_.now() < full_until_; }

private:
    struct Written {
        std::uint64_t sequence = 0;
        std::string text;
    };

    void complete();
    void keep(std::size_t rows);

    Stage& stage_;
    std::vector<protocol::Event> rows_;
    std::size_t whole_ = 0;  // rows of whole batches; those behind are torn
    std::size_t promised_ = 0;
    std::vector<protocol::Event> in_flight_;
    Done done_;
    std::uint64_t writes_ = 0;
    Time full_until_{};
    std::vector<Written> snapshots_;  // the last two
};

}  // namespace shoal::simulation
