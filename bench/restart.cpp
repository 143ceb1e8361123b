// How long a market with many live tasks takes to start, and what takes that long.
//
// usage: restart FOLDER [TASKS]
//
// Makes a journal of so many waiting tasks (1,000,000) in a new folder, in jobs of 10,000. Then it
// takes the state from the journal's rows alone, and from a snapshot alone, and says what each step
// took, in milliseconds, as one line of JSON. Both must give the state that was journalled.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>

#include <fmt/format.h>
#include <sys/resource.h>

#include "apps/market_recovery.h"
#include "core/check.h"
#include "core/json.h"
#include "io/journal_snapshots.h"
#include "io/journal_sqlite.h"

namespace shoal {
namespace {

constexpr std::uint64_t tasks_per_job = 10'000;

class Stopwatch {
public:
    /// Since the last call.
    std::int64_t lap_ms() {
        const auto now = std::chrono::steady_clock::now();
        const auto lap = std::chrono::duration_cast<std::chrono::milliseconds>(now - begun_);
        begun_ = now;
        return lap.count();
    }

private:
    std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

/// A market that journals what it does.
class Maker {
public:
    explicit Maker(io::Journal& journal) : journal_(journal) {
        account_ = market_.create_account(moment(), batch_);
        check(market_.issue_credit(account_, Lamports{1'000'000'000'000}, "all", moment(), batch_)
                  .ok());
        flush();
    }

    void submit(std::uint64_t tasks) {
        protocol::JobSpec spec;
        spec.name = "sweep";
        spec.command = {"./work", "${n}"};
        auto& values = spec.tasks.matrix["n"];
        for (std::uint64_t n = 0; n < tasks; ++n) {
            values.push_back(Scalar{static_cast<std::int64_t>(n)});
        }
        spec.price.max_total = Lamports{1'000'000};
        check(market_.submit(account_, std::move(spec), moment(), batch_).ok());
        flush();
    }

    Hash state() const { return market::state_hash(market_.snapshot()); }

private:
    market::Moment moment() {
        market::Moment moment{Time{Duration{1'772'368'205'000}} + Duration{++count_}, {}};
        for (std::size_t i = 0; i < 8; ++i) {
            moment.entropy[i] =
                static_cast<std::uint8_t>(static_cast<std::uint64_t>(count_) >> (8 * i));
        }
        return moment;
    }

    void flush() {
        std::vector<io::Row> rows;
        for (const protocol::Event& event : batch_.events) {
            rows.push_back({++sequence_, moment().now, std::string(protocol::event_name(event)),
                            protocol::print_event(event)});
        }
        check(journal_.append(rows, {}).ok());
        batch_ = {};
    }

    io::Journal& journal_;
    market::Market market_{market::Settings{},
                           SecretKey(std::array<std::uint8_t, SecretKey::seed_size>{})};
    market::Batch batch_;
    AccountId account_;
    std::int64_t count_ = 0;
    std::uint64_t sequence_ = 0;
};

/// The steps of reading rows, one after another over all of them.
std::string time_rows(io::Journal& journal, const Hash& expected) {
    Stopwatch watch;
    std::vector<io::Row> rows;
    for (;;) {
        auto some = journal.read(rows.size(), 1'000).value();
        if (some.empty()) break;
        for (io::Row& row : some) rows.push_back(std::move(row));
    }
    const auto read_ms = watch.lap_ms();
    std::vector<json::Value> bodies;
    for (const io::Row& row : rows) {
        bodies.push_back(json::parse(row.body, row.body.size()).value());
    }
    const auto parse_ms = watch.lap_ms();
    std::vector<protocol::Event> events;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        events.push_back(protocol::read_event(rows[i].name, bodies[i]).value());
    }
    bodies.clear();
    const auto struct_ms = watch.lap_ms();
    auto replay = apps::Replay::begin(std::nullopt).value();
    market::Market market(market::Settings{},
                          SecretKey(std::array<std::uint8_t, SecretKey::seed_size>{}));
    watch.lap_ms();
    for (const protocol::Event& event : events) market.apply(event);
    const auto apply_ms = watch.lap_ms();
    check(market::state_hash(market.snapshot()) == expected);
    return fmt::format(R"({{"rows":{},"read":{},"json":{},"structs":{},"apply":{},"all":{}}})",
                       rows.size(), read_ms, parse_ms, struct_ms, apply_ms,
                       read_ms + parse_ms + struct_ms + apply_ms);
}

std::string time_snapshot(const std::filesystem::path& folder, io::SqliteJournal& journal,
                          const Hash& expected) {
    const io::SnapshotFiles files(folder);
    const std::uint64_t last = journal.last_sequence().value();
    auto replay = apps::Replay::begin(std::nullopt).value();
    check(replay
              .go_on([&](std::uint64_t after,
                         std::size_t limit) { return journal.read(after, limit); },
                     last, {})
              .ok());
    Stopwatch watch;
    check(files.save(replay.snapshot()).ok());
    const auto write_ms = watch.lap_ms();
    const io::FoundSnapshot found = files.load().value();
    const auto load_ms = watch.lap_ms();
    const std::string_view text(reinterpret_cast<const char*>(found.snapshot->bytes.data()),
                                found.snapshot->bytes.size());
    auto value = json::parse(text, SIZE_MAX).value();
    const auto parse_ms = watch.lap_ms();
    auto state = json::read<market::State>(value, json::Reader::tolerant).value();
    const auto struct_ms = watch.lap_ms();
    value = nullptr;
    watch.lap_ms();
    const market::Market market(market::Settings{},
                                SecretKey(std::array<std::uint8_t, SecretKey::seed_size>{}),
                                std::move(state));
    const auto index_ms = watch.lap_ms();
    check(market::state_hash(market.snapshot()) == expected);
    return fmt::format(
        R"({{"bytes":{},"write":{},"read_and_hash":{},"json":{},"structs":{},"indices":{},"all":{}}})",
        text.size(), write_ms, load_ms, parse_ms, struct_ms, index_ms,
        load_ms + parse_ms + struct_ms + index_ms);
}

int run(const std::filesystem::path& folder, std::uint64_t tasks) {
    auto journal = io::SqliteJournal::open(folder, {.release = "bench"}).value();
    check(journal->last_sequence().value() == 0);
    Hash expected;
    {
        Maker maker(*journal);
        for (std::uint64_t rest = tasks; rest > 0;) {
            const std::uint64_t some = std::min(rest, tasks_per_job);
            maker.submit(some);
            rest -= some;
        }
        expected = maker.state();
    }
    const std::string rows = time_rows(*journal, expected);
    const std::string snapshot = time_snapshot(folder, *journal, expected);
    rusage usage{};
    check(::getrusage(RUSAGE_SELF, &usage) == 0);
    fmt::print(
        "{{\"tasks\":{},\"from_rows_ms\":{},\"from_snapshot_ms\":{},\"most_memory_kib\":{}}}\n",
        tasks, rows, snapshot, usage.ru_maxrss);
    return 0;
}

}  // namespace
}  // namespace shoal

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fputs("usage: restart FOLDER [TASKS]\n", stderr);
        return 2;
    }
    return shoal::run(argv[1], argc > 2 ? std::stoull(argv[2]) : 1'000'000);
}
