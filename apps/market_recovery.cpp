#include "apps/market_recovery.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "apps/release.h"
#include "core/json.h"
#include "io/entropy.h"
#include "io/files.h"
#include "io/journal_migration.h"
#include "ledger/ledger.h"

namespace shoal::apps {

namespace {

constexpr std::uint32_t snapshot_format = 2;  // 1 had no use of accounts
constexpr std::size_t rows_at_once = 10'000;

Result<std::unique_ptr<market::Market>> from_snapshot(const std::optional<io::Snapshot>& snapshot,
                                                      const SecretKey& signer,
                                                      const market::Settings& settings) {
    if (!snapshot) return std::make_unique<market::Market>(settings, signer);
    if (snapshot->format != snapshot_format) {
        return Error{Code::unsupported, "the snapshot is of format " +
                                            std::to_string(snapshot->format) + ", expected " +
                                            std::to_string(snapshot_format) +
                                            "; start the release that made it"};
    }
    const std::string_view text(reinterpret_cast<const char*>(snapshot->bytes.data()),
                                snapshot->bytes.size());
    market::State state = TRY(market::read_state(text));
    return std::make_unique<market::Market>(settings, signer, std::move(state));
}

/// 32 bytes that only this folder has: read, or made where there are none.
Result<std::array<std::uint8_t, 32>> own_bytes(const std::filesystem::path& path) {
    constexpr std::size_t size_max = 256;
    auto text = io::read_secret(path, size_max);
    if (!text.ok() && text.error().code != Code::not_found) return std::move(text).error();
    if (!text.ok()) {
        const std::string fresh = to_hex(io::entropy());
        TRY(io::write_secret(path, fresh + "\n"));
        text = fresh;
    }
    std::string digits = std::move(text).value();
    std::erase(digits, '\n');
    const auto bytes = from_hex(digits);
    std::array<std::uint8_t, 32> own{};
    if (!bytes.ok() || bytes.value().size() != own.size()) {
        return Error{Code::corrupt, path.string() + ": expected 64 hexadecimal digits"};
    }
    std::ranges::copy(bytes.value(), own.begin());
    return own;
}

}  // namespace

Result<protocol::Event> read_row(const io::Row& row) {
    const json::Value body = TRY(json::parse(row.body, row.body.size()));
    auto event = protocol::read_event(row.name, body);
    if (event.ok()) return event;
    Error error = std::move(event).error();
    error.what = "event " + std::to_string(row.sequence) + ": " + error.what;
    if (error.code != Code::unsupported) error.code = Code::corrupt;
    return error;
}

Result<Replay> Replay::begin(const std::optional<io::Snapshot>& snapshot, const SecretKey& signer,
                             const market::Settings& settings) {
    Replay replay;
    replay.market_ = TRY(from_snapshot(snapshot, signer, settings));
    replay.sequence_ = snapshot ? snapshot->sequence : 0;
    replay.time_ = replay.market_->state().now;
    return replay;
}

Result<Replay> Replay::begin(const std::optional<io::Snapshot>& snapshot) {
    return begin(snapshot, SecretKey(std::array<std::uint8_t, SecretKey::seed_size>{}));
}

Result<protocol::Event> Replay::apply(const io::Row& row) {
    if (row.sequence != sequence_ + 1) {
        return Error{Code::corrupt,
                     fmt::format("event {}: missing; the next is {}", sequence_ + 1, row.sequence)};
    }
    auto event = read_row(row);
    if (!event.ok()) return event;
    market_->apply(event.value());
    sequence_ = row.sequence;
    time_ = std::max(time_, row.time);
    ++applied_;
    return event;
}

Status Replay::go_on(const Read& read, std::uint64_t last, const Seen& seen) {
    while (sequence_ < last) {
        const std::uint64_t more = std::min<std::uint64_t>(rows_at_once, last - sequence_);
        const auto rows = TRY(read(sequence_, more));
        if (rows.empty()) return Done{};
        for (const io::Row& row : rows) {
            const protocol::Event event = TRY(apply(row));
            if (seen) seen(row, event);
        }
    }
    return Done{};
}

Status Replay::check_books() const {
    const auto again = ledger::Ledger::restore(market_->ledger().state());
    if (!again.ok()) return again.error();
    if (market_->ledger().sum() != Lamports{}) {
        return Error{Code::corrupt, "the sum of all balances is not zero"};
    }
    market_->check_invariants();
    return Done{};
}

io::Snapshot Replay::snapshot() const {
    const std::string text = market::write_state(market_->snapshot());
    const ByteView bytes = as_bytes(text);
    return {sequence_, snapshot_format, Bytes(bytes.begin(), bytes.end())};
}

Result<Recovered> recover(io::Journal& journal, const MarketKeys& keys,
                          const std::function<void(std::uint64_t, const protocol::Event&)>& seen) {
    io::FoundSnapshot found = TRY(journal.load_snapshot());
    for (const std::string& passed_over : found.damaged) {
        fmt::print(stderr, "a damaged snapshot was passed over: {}\n", passed_over);
    }
    market::Settings settings;
    settings.seal_key = keys.seal;
    Replay replay = TRY(Replay::begin(found.snapshot, keys.signer, settings));
    found.snapshot.reset();
    TRY(replay.go_on(
        [&](std::uint64_t after, std::size_t limit) { return journal.read(after, limit); },
        UINT64_MAX,
        [&](const io::Row& row, const protocol::Event& event) { seen(row.sequence, event); }));
    const std::uint64_t last = TRY(journal.last_sequence());
    if (replay.sequence() != last) {
        return Error{Code::corrupt, fmt::format("the journal ends at event {}, but only {} can be "
                                                "read",
                                                last, replay.sequence())};
    }
    Recovered recovered;
    recovered.last_sequence = replay.sequence();
    recovered.last_time = replay.time();
    recovered.replayed = replay.applied();
    recovered.market = std::move(replay).take();
    return recovered;
}

io::DataFolder::Options market_folder_options() {
    return {.release = std::string(release),
            .format = io::market_folder_format,
            .migrations = {io::migrate_to_segments()},
            .unchanging = {"blobs"},
            .passing = {"reserve"}};
}

Status keep_snapshot(io::Journal& journal, const market::Market& market,
                     std::uint64_t last_sequence) {
    const std::string text = market::write_state(market.snapshot());
    const ByteView bytes = as_bytes(text);
    return journal.save_snapshot(
        {last_sequence, snapshot_format, Bytes(bytes.begin(), bytes.end())});
}

Result<SecretKey> signing_key(const std::filesystem::path& folder) {
    const SecretKey key(TRY(own_bytes(folder / "market.key")));
    TRY(io::write_file(folder / "market.pub", to_string(key.public_key()) + "\n"));
    return key;
}

Result<SealKey> sealing_key(const std::filesystem::path& folder) {
    return SealKey(TRY(own_bytes(folder / "secrets.key")));
}

Status first_operator(const std::filesystem::path& folder, market::Market& market,
                      const market::Moment& moment, market::Batch& batch) {
    if (!market.state().accounts.empty()) return Done{};
    const AccountId account = market.create_account(moment, batch);
    const market::NewKey key =
        TRY(market.create_key(account, protocol::Role::operator_, moment, batch));
    return io::write_secret(folder / "operator.key", key.secret + "\n");
}

}  // namespace shoal::apps
