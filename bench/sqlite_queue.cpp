// sqlite_queue FILE CALLERS SECONDS: the yardstick beside the market. A job queue as one would
// write it on SQLite: CALLERS threads put a job into a table, claim one and end it, one after the
// other; one thread writes, and commits whatever waits in one transaction with a full fsync. It
// has no accounts, no offers, no network and no answers to anybody but its own threads. Prints one
// JSON object.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <sqlite3.h>

#include "bench/clock.h"
#include "core/check.h"

namespace shoal::bench {

namespace {

constexpr int backlog = 20'000;  // jobs that lie there at the beginning: a table, not a toy
constexpr int long_ago = 1'700'000'000;

/// A prepared statement that answers with numbers.
class Statement {
public:
    Statement(sqlite3* database, const char* text) {
        check(sqlite3_prepare_v3(database, text, -1, SQLITE_PREPARE_PERSISTENT, &statement_,
                                 nullptr) == SQLITE_OK);
    }
    ~Statement() { sqlite3_finalize(statement_); }
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    /// The first column of the first row, or -1 if there is none.
    std::int64_t run(std::int64_t first = 0, std::int64_t second = 0) {
        const int count = sqlite3_bind_parameter_count(statement_);
        if (count > 0) sqlite3_bind_int64(statement_, 1, first);
        if (count > 1) sqlite3_bind_int64(statement_, 2, second);
        const int result = sqlite3_step(statement_);
        check(result == SQLITE_DONE || result == SQLITE_ROW);
        const std::int64_t value = result == SQLITE_ROW ? sqlite3_column_int64(statement_, 0) : -1;
        check(sqlite3_reset(statement_) == SQLITE_OK);
        return value;
    }

private:
    sqlite3_stmt* statement_ = nullptr;
};

class Database {
public:
    explicit Database(const char* file) {
        check(sqlite3_open(file, &handle_) == SQLITE_OK);
        run("PRAGMA journal_mode=WAL");
        run("PRAGMA synchronous=FULL");
        run("PRAGMA temp_store=MEMORY");
        run("PRAGMA cache_size=-65536");
        run("PRAGMA wal_autocheckpoint=4000");
        run("CREATE TABLE jobs(id INTEGER PRIMARY KEY, priority INT NOT NULL, state INT NOT NULL "
            "DEFAULT 0, attempt INT NOT NULL DEFAULT 0, provider INT, lease_until INT, created_at "
            "INT NOT NULL, finished_at INT, request TEXT NOT NULL)");
        run("CREATE INDEX jobs_ready ON jobs(priority, id) WHERE state = 0");
        run("CREATE INDEX jobs_lease ON jobs(lease_until) WHERE state = 1");
    }
    ~Database() { sqlite3_close(handle_); }
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    sqlite3* handle() const { return handle_; }
    void run(const char* text) const {
        check(sqlite3_exec(handle_, text, nullptr, nullptr, nullptr) == SQLITE_OK);
    }

private:
    sqlite3* handle_ = nullptr;
};

enum class Kind { put, claim, finish };

/// One thing a caller wants, and whether it is durable.
struct Wish {
    Kind kind = Kind::put;
    std::int64_t job = 0;
    bool done = false;
    std::mutex mutex;
    std::condition_variable changed;
};

/// The queue in the table, and the thread that writes it.
class Queue {
public:
    explicit Queue(const char* file) : database_(file) {
        begin_.run();
        for (int i = 0; i < backlog; ++i) put();
        commit_.run();
        writer_ = std::thread([this] { write(); });
    }
    ~Queue() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        changed_.notify_one();
        writer_.join();
    }
    Queue(const Queue&) = delete;
    Queue& operator=(const Queue&) = delete;

    /// Returns when it is durable.
    void ask(Wish& wish, Kind kind) {
        wish.kind = kind;
        wish.done = false;
        {
            const std::lock_guard lock(mutex_);
            waiting_.push_back(&wish);
        }
        changed_.notify_one();
        std::unique_lock lock(wish.mutex);
        wish.changed.wait(lock, [&] { return wish.done; });
    }

    std::int64_t commits() const { return commits_; }

    /// Only when nobody asks any more.
    std::int64_t finished() const {
        return Statement(database_.handle(), "SELECT count(*) FROM jobs WHERE state = 2").run();
    }

private:
    void put() { put_.run(static_cast<std::int64_t>(next_priority_++ % 4), long_ago); }

    void obey(Wish& wish) {
        switch (wish.kind) {
            case Kind::put:
                put();
                return;
            case Kind::claim:
                wish.job = first_.run();
                claim_.run(wish.job, long_ago + 30);
                return;
            case Kind::finish:
                finish_.run(wish.job, long_ago + 1);
                return;
        }
    }

    bool next(std::deque<Wish*>& batch) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
        batch.swap(waiting_);
        return !batch.empty();
    }

    void write() {
        for (std::deque<Wish*> batch; next(batch); batch.clear()) {
            begin_.run();
            for (Wish* wish : batch) obey(*wish);
            commit_.run();
            ++commits_;
            for (Wish* wish : batch) {
                const std::lock_guard lock(wish->mutex);
                wish->done = true;
                wish->changed.notify_one();
            }
        }
    }

    Database database_;
    Statement begin_{database_.handle(), "BEGIN IMMEDIATE"};
    Statement commit_{database_.handle(), "COMMIT"};
    Statement put_{database_.handle(),
                   "INSERT INTO jobs(priority, created_at, request) VALUES(?1, ?2, "
                   "'{\"cores\":1,\"memory\":\"1GiB\",\"command\":[\"true\"]}')"};
    Statement first_{database_.handle(),
                     "SELECT id FROM jobs WHERE state = 0 ORDER BY priority, id LIMIT 1"};
    Statement claim_{database_.handle(),
                     "UPDATE jobs SET state = 1, provider = 7, attempt = attempt + 1, lease_until "
                     "= ?2 WHERE id = ?1 AND state = 0"};
    Statement finish_{database_.handle(),
                      "UPDATE jobs SET state = 2, lease_until = NULL, finished_at = ?2 WHERE id = "
                      "?1 AND state = 1"};
    std::uint64_t next_priority_ = 0;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Wish*> waiting_;
    bool stopping_ = false;
    std::atomic<std::int64_t> commits_{0};
    std::thread writer_;
};

/// Puts, claims and ends jobs until the time is over; gives how long each of them took.
std::vector<double> call(Queue& queue, Clock::time_point start, double seconds) {
    std::vector<double> lives;
    Wish wish;
    while (seconds_since(start) < seconds) {
        const auto begin = Clock::now();
        queue.ask(wish, Kind::put);
        queue.ask(wish, Kind::claim);
        queue.ask(wish, Kind::finish);
        lives.push_back(seconds_since(begin));
    }
    return lives;
}

void measure(const char* file, std::size_t callers, double seconds) {
    Queue queue(file);
    std::vector<std::vector<double>> lives(callers);
    std::vector<std::thread> threads;
    threads.reserve(callers);
    const double cpu_before = cpu_seconds();
    const auto start = Clock::now();
    for (auto& mine : lives) {
        threads.emplace_back([&] { mine = call(queue, start, seconds); });
    }
    for (std::thread& thread : threads) thread.join();
    const double took = seconds_since(start);
    const double cpu = cpu_seconds() - cpu_before;

    std::vector<double> all;
    for (const auto& mine : lives) all.insert(all.end(), mine.begin(), mine.end());
    std::ranges::sort(all);
    const auto count = static_cast<double>(all.size());
    check(queue.finished() == static_cast<std::int64_t>(all.size()));
    std::printf(
        "{\"lifecycles\": %zu, \"seconds\": %.3f, \"commits\": %lld, \"cpu_us\": %.2f, "
        "\"life_p50_ms\": %.3f, \"life_p99_ms\": %.3f}\n",
        all.size(), took, static_cast<long long>(queue.commits()), cpu * 1e6 / count,
        all[all.size() / 2] * 1e3, all[all.size() * 99 / 100] * 1e3);
}

}  // namespace

}  // namespace shoal::bench

int main(int argc, char** argv) {
    const int callers = argc == 4 ? std::atoi(argv[2]) : 0;
    const double seconds = argc == 4 ? std::atof(argv[3]) : 0;
    if (callers <= 0 || seconds <= 0) {
        std::fputs("usage: sqlite_queue FILE CALLERS SECONDS\n", stderr);
        return 2;
    }
    shoal::bench::measure(argv[1], static_cast<std::size_t>(callers), seconds);
    return 0;
}
