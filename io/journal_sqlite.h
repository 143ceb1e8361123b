#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "io/journal.h"

namespace shoal::io {

/// The journal of one market in a folder: a SQLite database for events and names, and files for
/// snapshots. Write-ahead log, full synchronous: a batch that was acknowledged survives a power
/// cut. One connection writes, another one reads.
class SqliteJournal final : public Journal {
public:
    struct Options {
        std::string release;
        std::string vfs = {};  // SQLite's file layer by name; empty: the system's

        /// Called by append() when the disk is full, on its thread. True: something was freed, and
        /// the batch, of which nothing was written, is tried once more.
        std::function<bool()> make_room = {};
    };

    /// unsupported: made by a newer release. corrupt: not a journal, or damaged. denied,
    /// exhausted, unavailable: the file system's reasons.
    static Result<std::unique_ptr<SqliteJournal>> open(const std::filesystem::path& folder,
                                                       const Options& options);
    ~SqliteJournal() override;

    Status append(std::span<const Row> rows, std::span<const SideWrite> side) override;
    Result<std::vector<Row>> read(std::uint64_t after_sequence, std::size_t limit) override;
    Result<std::uint64_t> last_sequence() override;
    Result<std::map<AccountId, std::string>> names() override;
    Status save_snapshot(const Snapshot& snapshot) override;
    Result<FoundSnapshot> load_snapshot() override;

private:
    struct State;
    explicit SqliteJournal(std::unique_ptr<State> state);

    std::unique_ptr<State> state_;
};

}  // namespace shoal::io
