#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/limits.h"
#include "io/journal.h"
#include "io/journal_keeping.h"
#include "io/journal_reader.h"

namespace shoal::io {

/// The journal of one market in a folder of its own, in segments.
///
/// The open segment is a SQLite database: write-ahead log, full synchronous, so that a batch that
/// was acknowledged survives a power cut. At a size or an age it is closed between two batches, and
/// never changes again. Another process puts closed segments into snapshots and packs them
/// (apps/journal_keeper.h); adopt() takes what it left. The names lie in the open segment alone, so
/// that one that is erased is gone. One connection writes, another one reads.
class SqliteJournal final : public Journal {
public:
    struct Options {
        std::string release;
        std::string vfs = {};  // SQLite's file layer by name; empty: the system's

        /// Called by append() when the disk is full, on its thread. True: something was freed, and
        /// the batch, of which nothing was written, is tried once more.
        std::function<bool()> make_room = {};

        std::uint64_t segment_bytes = limits::journal_segment.bytes;
        Duration segment_age = limits::journal_segment_age;

        /// Called by append() when it has closed a segment, on its thread.
        std::function<void()> closed = {};
    };

    /// Finishes what a crash left half done. unsupported: made by a newer release. corrupt: not a
    /// journal, or damaged. denied, exhausted, unavailable: the file system's reasons.
    static Result<std::unique_ptr<SqliteJournal>> open(const std::filesystem::path& folder,
                                                       const Options& options);

    /// Begins the open segment of a folder that holds packs only, as a restored one does.
    struct Beginning {
        std::uint64_t first = 1;
        std::map<AccountId, std::string> names = {};
    };
    static Status begin(const std::filesystem::path& folder, const std::string& release,
                        const Beginning& beginning);

    ~SqliteJournal() override;

    Status append(std::span<const Row> rows, std::span<const SideWrite> side) override;
    Result<std::vector<Row>> read(std::uint64_t after_sequence, std::size_t limit) override;
    std::uint64_t first_sequence() override;
    Result<std::uint64_t> last_sequence() override;
    Result<std::map<AccountId, std::string>> names() override;
    Status save_snapshot(const Snapshot& snapshot) override;
    Result<FoundSnapshot> load_snapshot() override;

    /// Closes the open segment if it holds an event. Not beside append(). exhausted: there is no
    /// room for another one, and this one stays open; all other errors are append()'s.
    Status close_segment();

    Result<std::vector<Segment>> segments();

    /// What the keeper would have to do.
    Result<KeepingPlan> plan(Time drop_before);

    /// Removes the tables of which there are sound packs, and the segments that the base covers;
    /// gives the packs that are none. Does nothing while somebody else holds the folder as it is.
    Result<std::vector<std::string>> adopt();

private:
    struct State;
    explicit SqliteJournal(std::unique_ptr<State> state);

    std::unique_ptr<State> state_;
};

}  // namespace shoal::io
