#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "io/clock.h"
#include "io/journal.h"
#include "io/journal_writer.h"
#include "io/loop.h"
#include "market/market.h"

namespace shoal::apps {

/// The shell around the market's decisions: one thread, group commit, nothing leaves too early.
///
/// Each input is decided at once on the core thread. What it did is appended to the open batch;
/// while one batch is being committed the next one fills. Answers and messages of an input leave
/// when everything it could have seen is durable. A commit that fails ends the process.
class CoreLoop {
public:
    /// What leaves when the input is durable; called on the core thread.
    using Release = std::function<void()>;
    /// Decides one input; on the core thread.
    using Input = std::function<Release(const market::Moment&, market::Batch&)>;

    /// What the rest of the shell does with what has become durable; on the core thread.
    struct Outlets {
        std::function<void(const market::ToProvider&)> message;
        std::function<void(std::uint64_t sequence, const protocol::Event&)> event;
    };

    /// The market has applied the journal up to `last_sequence`. All must outlive the core loop.
    CoreLoop(io::Loop&, io::Journal&, market::Market&, std::uint64_t last_sequence, Time last_time);

    void set_outlets(Outlets outlets) { outlets_ = std::move(outlets); }

    /// The first input: the market's start, before which no deadline may pass. Leases that ran out
    /// while there was no market are extended by it.
    void start(const Input&);

    /// Decides the input now. Core thread only.
    void decide(const Input&);

    /// From any thread: decide() on the core thread.
    void submit(Input);

    /// Calls `done` on the core thread when nothing waits to become durable.
    void when_idle(Release done);

    std::uint64_t last_sequence() const { return durable_; }

private:
    struct Open {
        market::Batch batch;
        std::vector<Release> releases;
    };

    market::Moment moment();
    void take(const Input&, const market::Moment&);
    void commit();
    void release_reads();
    void committed();
    void release(Open&);
    void arm();

    io::Loop& loop_;
    market::Market& market_;
    io::CoreClockSource clock_;
    Outlets outlets_;
    Open open_;
    Open in_flight_;
    bool committing_ = false;
    std::uint64_t written_;  // the sequence number of the last row that was handed to the writer
    std::uint64_t durable_;
    Time now_;
    std::optional<std::pair<Time, io::Loop::TimerId>> timer_;
    std::vector<Release> idle_;
    io::JournalWriter writer_;
};

}  // namespace shoal::apps
