#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"
#include "core/signature.h"
#include "io/folder.h"
#include "io/journal.h"
#include "market/market.h"

namespace shoal::apps {

/// A market's state, carried on by the rows of a journal: the one way in which a start, the keeper,
/// a backup and a check read a journal.
class Replay {
public:
    using Read =
        std::function<Result<std::vector<io::Row>>(std::uint64_t after, std::size_t limit)>;
    using Seen = std::function<void(const io::Row&, const protocol::Event&)>;

    /// From a snapshot, or from nothing. unsupported: a snapshot of another format. corrupt.
    static Result<Replay> begin(const std::optional<io::Snapshot>&, const SecretKey& signer,
                                const market::Settings& settings = {});

    /// Likewise, for who only looks: it can sign nothing.
    static Result<Replay> begin(const std::optional<io::Snapshot>&);

    /// Applies what follows, up to this event or to the end. unsupported: an event of a newer
    /// release. corrupt: a row that is damaged, missing, or no event. `seen` may be null.
    Status go_on(const Read&, std::uint64_t last, const Seen& seen);

    /// Applies one row, which must be the next one. Errors as those of go_on.
    Result<protocol::Event> apply(const io::Row&);

    /// corrupt: the ledger contradicts itself, or the sum of all balances is not zero.
    Status check_books() const;

    io::Snapshot snapshot() const;
    const market::Market& market() const { return *market_; }
    std::uint64_t sequence() const { return sequence_; }
    Time time() const { return time_; }
    std::uint64_t applied() const { return applied_; }
    std::unique_ptr<market::Market> take() && { return std::move(market_); }

private:
    std::unique_ptr<market::Market> market_;
    std::uint64_t sequence_ = 0;
    Time time_{};
    std::uint64_t applied_ = 0;
};

/// What only the market has: it signs receipts, and seals secrets.
struct MarketKeys {
    SecretKey signer;
    SealKey seal;
};

/// A market as its folder has it.
struct Recovered {
    std::unique_ptr<market::Market> market;
    std::uint64_t last_sequence = 0;
    Time last_time{};
    std::uint64_t replayed = 0;  // events since the snapshot
};

/// The event of a row. unsupported: one of a newer release. corrupt: not that event's body.
Result<protocol::Event> read_row(const io::Row&);

/// Snapshot plus journal. `seen` is told of every replayed event. unsupported: an event of a newer
/// release. corrupt: a damaged row, or a snapshot that is none.
Result<Recovered> recover(io::Journal&, const MarketKeys&,
                          const std::function<void(std::uint64_t, const protocol::Event&)>& seen);

/// Keeps the market's state, so that the next start replays less.
Status keep_snapshot(io::Journal&, const market::Market&, std::uint64_t last_sequence);

/// How a market's folder is opened: of this release, an older one migrated.
io::DataFolder::Options market_folder_options();

/// The key that signs receipts: read, or made when the folder is new.
Result<SecretKey> signing_key(const std::filesystem::path& folder);

/// The key that seals secrets, `secrets.key`: read, or made where there is none yet.
Result<SealKey> sealing_key(const std::filesystem::path& folder);

/// Makes the first operator of a new market, and writes its key to `operator.key`.
Status first_operator(const std::filesystem::path& folder, market::Market&, const market::Moment&,
                      market::Batch&);

}  // namespace shoal::apps
