#include "apps/market_recovery.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/json.h"
#include "io/entropy.h"
#include "io/files.h"

namespace shoal::apps {

namespace {

constexpr std::uint32_t snapshot_format = 1;
constexpr std::size_t rows_at_once = 10'000;

Result<std::unique_ptr<market::Market>> from_snapshot(const std::optional<io::Snapshot>& snapshot,
                                                      const SecretKey& signer) {
    if (!snapshot) return std::make_unique<market::Market>(market::Settings{}, signer);
    if (snapshot->format != snapshot_format) {
        return Error{Code::unsupported, "the snapshot is of format " +
                                            std::to_string(snapshot->format) + ", expected " +
                                            std::to_string(snapshot_format) +
                                            "; start the release that made it"};
    }
    const std::string_view text(reinterpret_cast<const char*>(snapshot->bytes.data()),
                                snapshot->bytes.size());
    market::State state = TRY(market::read_state(text));
    return std::make_unique<market::Market>(market::Settings{}, signer, std::move(state));
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

Result<Recovered> recover(io::Journal& journal, const SecretKey& signer,
                          const std::function<void(std::uint64_t, const protocol::Event&)>& seen) {
    const io::FoundSnapshot found = TRY(journal.load_snapshot());
    for (const std::string& passed_over : found.damaged) {
        fmt::print(stderr, "a damaged snapshot was passed over: {}\n", passed_over);
    }
    Recovered recovered;
    recovered.market = TRY(from_snapshot(found.snapshot, signer));
    recovered.last_sequence = found.snapshot ? found.snapshot->sequence : 0;
    recovered.last_time = recovered.market->state().now;
    for (;;) {
        const auto rows = TRY(journal.read(recovered.last_sequence, rows_at_once));
        if (rows.empty()) return recovered;
        for (const io::Row& row : rows) {
            const protocol::Event event = TRY(read_row(row));
            recovered.market->apply(event);
            recovered.last_sequence = row.sequence;
            recovered.last_time = std::max(recovered.last_time, row.time);
            ++recovered.replayed;
            seen(row.sequence, event);
        }
    }
}

Status keep_snapshot(io::Journal& journal, const market::Market& market,
                     std::uint64_t last_sequence) {
    const std::string text = market::write_state(market.snapshot());
    const ByteView bytes = as_bytes(text);
    return journal.save_snapshot(
        {last_sequence, snapshot_format, Bytes(bytes.begin(), bytes.end())});
}

Result<SecretKey> signing_key(const std::filesystem::path& folder) {
    const auto path = folder / "market.key";
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
    std::array<std::uint8_t, SecretKey::seed_size> seed{};
    if (!bytes.ok() || bytes.value().size() != seed.size()) {
        return Error{Code::corrupt, path.string() + ": expected 64 hexadecimal digits"};
    }
    std::ranges::copy(bytes.value(), seed.begin());
    const SecretKey key(seed);
    TRY(io::write_file(folder / "market.pub", to_string(key.public_key()) + "\n"));
    return key;
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
