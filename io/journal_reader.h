#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/journal.h"

namespace shoal::io {

/// One segment of a journal. `last` and `last_time` of the open one are those of this moment.
struct Segment {
    std::uint64_t first = 0;
    std::uint64_t last = 0;  // first - 1: it is empty
    Time last_time{};        // of its last event; of the open one it is not said
    bool is_open = false;    // written to just now
    bool has_table = false;
    bool has_pack = false;
    std::uint64_t size_bytes = 0;

    friend bool operator==(const Segment&, const Segment&) = default;
};

/// The events of a journal's folder, whether they lie in tables or packs, and whether a market
/// writes to it meanwhile or not. It changes nothing there. For one thread.
class JournalReader {
public:
    struct Options {
        std::string vfs = {};  // SQLite's file layer by name; empty: the system's
    };

    /// `folder` is that of the journal itself. not_found: there is no segment.
    static Result<JournalReader> open(const std::filesystem::path& folder, const Options& options);
    JournalReader(JournalReader&&) noexcept;
    JournalReader& operator=(JournalReader&&) noexcept;
    ~JournalReader();

    /// As Journal::read.
    Result<std::vector<Row>> read(std::uint64_t after_sequence, std::size_t limit);

    /// The oldest event that is kept; the next one, if there is none.
    std::uint64_t first_sequence() const;
    Result<std::uint64_t> last_sequence();

    /// In order; looked at anew each time. corrupt: there is a gap between two.
    Result<std::vector<Segment>> segments();

    /// Of the open segment; nothing if all are packed.
    Result<std::map<AccountId, std::string>> names();

    /// Lets go of every file, so that one may be replaced or removed.
    void let_go();

private:
    struct State;
    explicit JournalReader(std::unique_ptr<State> state);

    std::unique_ptr<State> state_;
};

}  // namespace shoal::io
