#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "core/result.h"
#include "core/signature.h"
#include "io/journal.h"
#include "market/market.h"

namespace shoal::apps {

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
Result<Recovered> recover(io::Journal&, const SecretKey& signer,
                          const std::function<void(std::uint64_t, const protocol::Event&)>& seen);

/// Keeps the market's state, so that the next start replays less.
Status keep_snapshot(io::Journal&, const market::Market&, std::uint64_t last_sequence);

/// The key that signs receipts: read, or made when the folder is new.
Result<SecretKey> signing_key(const std::filesystem::path& folder);

/// Makes the first operator of a new market, and writes its key to `operator.key`.
Status first_operator(const std::filesystem::path& folder, market::Market&, const market::Moment&,
                      market::Batch&);

}  // namespace shoal::apps
