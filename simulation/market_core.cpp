#include "simulation/market_core.h"

#include <utility>

#include <fmt/format.h>

#include "core/json.h"
#include "protocol/events.h"

namespace shoal::simulation {

namespace {

constexpr std::array<std::uint8_t, SecretKey::seed_size> signer_seed{77};
constexpr std::uint64_t books_every = 512;  // inputs; each event's accounts are looked at anyway

}  // namespace

MarketCore::MarketCore(Stage& stage, Disk& disk)
    : stage_(stage), disk_(disk), signer_(signer_seed) {}

market::Settings MarketCore::settings() const {
    const World& world = stage_.world();
    market::Settings settings;
    settings.lease_term = world.lease_term;
    settings.retry_delay = world.retry_delay;
    settings.fee_basis_points = world.fee_basis_points;
    settings.retention.upload = world.keep_upload;
    settings.retention.blob = world.keep_blob;
    settings.retention.log = world.keep_blob / 2;
    settings.retention.delay = world.keep_upload;
    settings.seal_key = SealKey({88, seal_});
    return settings;
}

// --- life and death ------------------------------------------------------------------------------

bool MarketCore::dies_here() {
    if (!stage_.strikes(Fault::market_crash)) return false;
    die();
    return true;
}

void MarketCore::die() {
    stage_.tell("the market's process dies");
    ++life_;
    disk_.lose_writer();
    market_.reset();
    open_ = {};
    in_flight_ = {};
    noted_ = messages_ = 0;
    committing_ = false;
    armed_for_.reset();
    around_.died();
    constexpr unsigned quick = 80;
    const bool is_quick = stage_.random().percent(quick);
    stage_.later(is_quick ? stage_.between(100, 5'000) : stage_.between(5'000, 900'000),
                 [this, life = life_] {
                     if (life == life_) boot();
                 });
}

void MarketCore::boot() {
    if (is_up()) return;
    if (stage_.strikes(Fault::key_lost)) {
        stage_.tell("the key that sealed secrets is lost");
        ++seal_;
    }
    recover();
    if (stage_.failed()) return;
    around_.born();
    starting_ = true;
    take(
        [this](const market::Moment& moment, market::Batch& batch) -> Release {
            found(moment, batch);
            market_->start("simulated", moment, batch);
            return [this] { around_.serves(); };
        },
        stage_.market_moment());
    starting_ = false;
}

/// An empty market gets its first operator, whose key is kept beside it.
void MarketCore::found(const market::Moment& moment, market::Batch& batch) {
    if (!market_->state().accounts.empty()) return;
    const AccountId account = market_->create_account(moment, batch);
    const auto key = market_->create_key(account, protocol::Role::operator_, moment, batch);
    operator_secret_ = key.value().secret;
}

void MarketCore::recover() {
    const std::vector<protocol::Event>& rows = disk_.recover();
    if (rows.size() < disk_.promised() || rows.size() < durable_.events()) {
        return stage_.fail(fmt::format("what is durable stays: {} rows were, {} are there",
                                       std::max(disk_.promised(), durable_.events()), rows.size()));
    }
    auto snapshot = disk_.load_snapshot();
    const std::size_t from = snapshot ? snapshot->sequence : 0;
    market_ =
        snapshot ? std::make_unique<market::Market>(settings(), signer_, std::move(snapshot->state))
                 : std::make_unique<market::Market>(settings(), signer_);
    stage_.tell(fmt::format("the market begins with {} rows, {} of them from a snapshot",
                            rows.size(), from));
    replay(*market_, from);
    for (std::size_t i = durable_.events(); i < rows.size(); ++i) {
        stage_.came_to(rows[i]);
        durable_.on(rows[i]);
    }
    facts_ = durable_;
    if (!facts_.broken().empty()) return stage_.fail(facts_.broken());
    market_->check_invariants();
    check_books();
    if (rows.size() < from + stage_.world().snapshot_after) return;
    const std::size_t known = stage_.has_bug(Bug::snapshot_ahead) ? rows.size() - 1 : rows.size();
    disk_.save_snapshot(known, market::write_state(market_->snapshot()));
}

void MarketCore::replay(market::Market& market, std::size_t from) {
    const std::vector<protocol::Event>& rows = disk_.recover();
    for (std::size_t i = from; i < rows.size(); ++i) market.apply(as_read(rows[i]));
    const bool twice = stage_.has_bug(Bug::row_applied_twice) && !rows.empty();
    if (twice) market.apply(rows.back());
}

protocol::Event MarketCore::as_read(const protocol::Event& event) const {
    if (!stage_.world().as_text) return event;
    const std::string body = protocol::print_event(event);
    return protocol::read_event(protocol::event_name(event), json::parse(body, body.size()).value())
        .value();
}

// --- decisions -----------------------------------------------------------------------------------

void MarketCore::decide(const Input& input) {
    if (!is_up() || dies_here()) return;
    const market::Moment moment = stage_.market_moment();
    const auto deadline = market_->next_deadline();
    const bool is_due = deadline && *deadline <= moment.now;
    if (is_due && !stage_.has_bug(Bug::tick_forgotten)) market_->tick(moment, open_.batch);
    take(input, moment);
}

void MarketCore::take(const Input& input, const market::Moment& moment) {
    Release release = input(moment, open_.batch);
    note_events();
    if (stage_.failed()) return;
    if (stage_.has_bug(Bug::message_before_commit)) {
        for (; messages_ < open_.batch.messages.size(); ++messages_) {
            around_.message(open_.batch.messages[messages_]);
        }
    }
    if (release && stage_.has_bug(Bug::answer_before_commit) && !starting_) {
        std::exchange(release, {})();
    }
    if (release) open_.releases.push_back(std::move(release));
    if (dies_here()) return;
    const std::uint64_t life = life_;
    commit();
    // A crash now leaves a batch on its way.
    if (life == life_ && is_up() && !dies_here()) arm();
}

void MarketCore::note_events() {
    for (; noted_ < open_.batch.events.size(); ++noted_) {
        const protocol::Event& event = open_.batch.events[noted_];
        facts_.on(event);
        if (stage_.is_told()) {
            stage_.tell(fmt::format("  {} {}", protocol::event_name(event),
                                    protocol::print_event(event).substr(0, 400)));
        }
    }
    if (!facts_.broken().empty()) return stage_.fail(facts_.broken());
    for (const auto& [account, balance] : facts_.take_touched()) {
        if (market_->ledger().balance(account) == balance) continue;
        stage_.fail("the market's books are those of its events: " + to_string(account));
    }
    const auto deadline = market_->next_deadline();
    if (starting_ && !market_->lost_secrets().empty())
        stage_.fail("what cannot be opened is dropped");
    // More blobs may be due than one moment drops, and a job's end makes some due. What came due
    // while there was no market is done by its first tick.
    const bool is_late = !starting_ && deadline && *deadline < stage_.now() - Duration{60'000};
    if (is_late) stage_.fail("what is due is done");
    if (++decisions_ % books_every == 0) check_books();
}

void MarketCore::check_books() {
    if (market_->ledger().sum() != Lamports{}) return stage_.fail("the books sum to zero");
    Lamports sum;
    for (const auto& [account, balance] : facts_.balances()) {
        sum = sum + balance;
        if (market_->ledger().balance(account) == balance) continue;
        return stage_.fail("the market's books are those of its events: " + to_string(account));
    }
    if (sum != Lamports{}) stage_.fail("the events' transfers sum to zero");
}

void MarketCore::commit() {
    if (committing_) return;
    if (open_.batch.events.empty()) {
        Open asked = std::exchange(open_, {});
        messages_ = 0;
        return release(asked);
    }
    committing_ = true;
    in_flight_ = std::exchange(open_, {});
    noted_ = 0;
    if (std::exchange(messages_, 0) > 0) in_flight_.batch.messages.clear();
    disk_.append(in_flight_.batch.events, [this](const Status& status) { committed(status); });
}

void MarketCore::committed(const Status& status) {
    if (!status.ok()) {
        stage_.tell("the journal cannot be written: " + status.error().what);
        return die();
    }
    for (const protocol::Event& event : in_flight_.batch.events) {
        stage_.came_to(event);
        durable_.on(event);
    }
    committing_ = false;
    const std::uint64_t life = life_;
    Open done = std::exchange(in_flight_, {});
    release(done);
    if (life == life_) commit();
}

void MarketCore::release(Open& done) {
    const std::uint64_t life = life_;
    for (const protocol::Event& event : done.batch.events) around_.event(event);
    for (const market::ToProvider& message : done.batch.messages) {
        if (dies_here()) return;
        around_.message(message);
    }
    for (const Release& one : done.releases) {
        if (life != life_ || dies_here()) return;
        one();
    }
}

void MarketCore::arm() {
    const auto next = market_->next_deadline();
    if (next == armed_for_) return;
    armed_for_ = next;
    if (!next) return;
    const Duration wait = std::max(*next - stage_.now(), Duration{1});
    stage_.later(wait, [this, next, life = life_] {
        if (life != life_ || armed_for_ != next) return;
        armed_for_.reset();
        decide([](const market::Moment&, market::Batch&) { return Release(); });
    });
}

/// The newest snapshot and the rows behind it give the same state, too.
void MarketCore::check_snapshot(const market::State& state) {
    auto kept = disk_.load_snapshot();
    if (!kept) return;
    const std::vector<protocol::Event>& rows = disk_.recover();
    market::Market again(settings(), signer_, std::move(kept->state));
    for (std::size_t i = kept->sequence; i < rows.size(); ++i) again.apply(rows[i]);
    if (again.snapshot() != state) stage_.fail("a snapshot and the journal give the same state");
}

Hash MarketCore::check_at_end() {
    market_->check_invariants();
    check_books();
    const market::State state = market_->snapshot();
    market::Market again(settings(), signer_);
    for (const protocol::Event& row : disk_.recover()) again.apply(as_read(row));
    if (again.snapshot() != state) stage_.fail("the journal gives the same state again");
    check_snapshot(state);
    const Hash hash = market::state_hash(state);
    const auto read = market::read_state(market::write_state(state));
    if (!read.ok() || market::state_hash(read.value()) != hash) {
        stage_.fail("a snapshot is read as it was written");
    }
    return hash;
}

}  // namespace shoal::simulation
