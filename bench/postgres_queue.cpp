// A job queue as one would write it on PostgreSQL, behind the same HTTP server as the market's: the
// yardstick beside it. A lifecycle is three requests, each of them one committed statement: put,
// claim with SKIP LOCKED, end. It has no accounts, no offers, no money and no receipts.
//
//     postgres_queue serve CONNECTION    prints its port, and serves until its input ends
//     postgres_queue load URL CLIENTS SECONDS    clients that each put, claim and end; prints JSON

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <libpq-fe.h>
#include <unistd.h>

#include "bench/clock.h"
#include "core/check.h"
#include "io/http_client.h"
#include "io/http_server.h"
#include "io/loop.h"
#include "io/url.h"

namespace shoal::bench {

namespace {

constexpr int backlog = 20'000;  // jobs that lie there at the beginning: a table, not a toy
constexpr std::size_t connections = 8;

class Database {
public:
    explicit Database(const char* connection) : handle_(PQconnectdb(connection)) {
        check(PQstatus(handle_) == CONNECTION_OK);
    }
    ~Database() { PQfinish(handle_); }
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    void make_table() {
        run("CREATE TABLE jobs(id bigserial PRIMARY KEY, priority smallint NOT NULL, state "
            "smallint "
            "NOT NULL DEFAULT 0, attempt int NOT NULL DEFAULT 0, provider bigint, lease_until "
            "timestamptz, created_at timestamptz NOT NULL DEFAULT now(), finished_at timestamptz, "
            "request jsonb NOT NULL)");
        run("CREATE INDEX ON jobs(priority, id) WHERE state = 0");
        run("CREATE INDEX ON jobs(lease_until) WHERE state = 1");
        run(("INSERT INTO jobs(priority, request) SELECT i % 4, '{}' FROM generate_series(1, " +
             std::to_string(backlog) + ") i")
                .c_str());
        run("VACUUM ANALYZE jobs");
    }

    void prepare() {
        prepare("/put", "INSERT INTO jobs(priority, request) VALUES(0, $1::jsonb) RETURNING id");
        prepare("/claim",
                "UPDATE jobs SET state = 1, provider = $1::bigint, attempt = attempt + 1, "
                "lease_until = now() + interval '30 s' WHERE id = (SELECT id FROM jobs WHERE state "
                "= 0 ORDER BY priority, id FOR UPDATE SKIP LOCKED LIMIT 1) RETURNING id");
        prepare("/end",
                "UPDATE jobs SET state = 2, lease_until = NULL, finished_at = now() WHERE id = "
                "$1::bigint AND state = 1 RETURNING id");
    }

    /// The id that the statement gives.
    std::string ask(const char* statement, const std::string& word) {
        const char* words[] = {word.c_str()};
        PGresult* result = PQexecPrepared(handle_, statement, 1, words, nullptr, nullptr, 0);
        check(PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1);
        std::string id = PQgetvalue(result, 0, 0);
        PQclear(result);
        return id;
    }

private:
    void run(const char* text) {
        PGresult* result = PQexec(handle_, text);
        check(PQresultStatus(result) == PGRES_COMMAND_OK);
        PQclear(result);
    }
    void prepare(const char* name, const char* text) {
        PGresult* result = PQprepare(handle_, name, text, 1, nullptr);
        check(PQresultStatus(result) == PGRES_COMMAND_OK);
        PQclear(result);
    }

    PGconn* handle_;
};

/// Requests, and the threads that take them to the database.
class Front {
public:
    explicit Front(const std::string& connection) {
        Database(connection.c_str()).make_table();
        for (std::size_t i = 0; i < connections; ++i) {
            threads_.emplace_back([this, connection] { serve(connection); });
        }
    }
    ~Front() {
        {
            const std::lock_guard lock(mutex_);
            is_over_ = true;
        }
        changed_.notify_all();
        for (std::thread& thread : threads_) thread.join();
    }
    Front(const Front&) = delete;
    Front& operator=(const Front&) = delete;

    void take(io::Request request, io::Exchange exchange) {
        {
            const std::lock_guard lock(mutex_);
            waiting_.emplace_back(std::move(request), std::move(exchange));
        }
        changed_.notify_one();
    }

private:
    using Asked = std::pair<io::Request, io::Exchange>;

    void serve(const std::string& connection) {
        Database database(connection.c_str());
        database.prepare();
        for (;;) {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [&] { return is_over_ || !waiting_.empty(); });
            if (waiting_.empty()) return;
            const Asked asked = std::move(waiting_.front());
            waiting_.pop_front();
            lock.unlock();
            const std::string id = database.ask(asked.first.path.c_str(), asked.first.body);
            asked.second.answer(io::json_response(200, id));
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Asked> waiting_;
    bool is_over_ = false;
    std::vector<std::thread> threads_;
};

void serve(const char* connection) {
    Front front(connection);
    io::Loop loop;
    io::HttpHandlers handlers;
    handlers.request = [&](io::Request request, io::Exchange exchange) {
        front.take(std::move(request), std::move(exchange));
    };
    auto server = io::HttpServer::start(loop, {}, std::move(handlers)).value();
    std::thread thread([&] { loop.run(); });
    std::printf("%u\n", unsigned{server->port()});
    std::fflush(stdout);
    char byte = 0;
    while (::read(STDIN_FILENO, &byte, 1) > 0) continue;
    server->stop();
    loop.stop();
    thread.join();
}

std::string post(io::HttpClient& client, const char* target, const std::string& body) {
    io::Call call;
    call.method = "POST";
    call.target = target;
    call.headers = {{"Content-Type", "application/json"}};
    call.body = body;
    const io::Reply reply = client.call(std::move(call)).value();
    check(reply.status == 200);
    return reply.body;
}

void load(const char* url, std::size_t clients, double seconds) {
    const io::BaseUrl server = io::parse_base_url(url).value();
    std::vector<std::vector<double>> lives(clients);
    std::vector<std::thread> threads;
    threads.reserve(clients);
    const auto start = Clock::now();
    for (std::vector<double>& mine : lives) {
        threads.emplace_back([&] {
            io::HttpClient client(server);
            while (seconds_since(start) < seconds) {
                const auto begin = Clock::now();
                post(client, "/put", R"({"cores":1,"memory":"1GiB","command":["true"]})");
                post(client, "/end", post(client, "/claim", "7"));
                mine.push_back(seconds_since(begin));
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    const double took = seconds_since(start);
    std::vector<double> all;
    for (const auto& mine : lives) all.insert(all.end(), mine.begin(), mine.end());
    std::ranges::sort(all);
    std::printf(
        "{\"lifecycles\": %zu, \"seconds\": %.3f, \"life_p50_ms\": %.3f, "
        "\"life_p99_ms\": %.3f}\n",
        all.size(), took, all[all.size() / 2] * 1e3, all[all.size() * 99 / 100] * 1e3);
}

int run(int count, char** words) {
    const std::string_view mode = count > 1 ? words[1] : "";
    if (mode == "serve" && count == 3) {
        serve(words[2]);
        return 0;
    }
    if (mode == "load" && count == 5 && std::atoi(words[3]) > 0 && std::atof(words[4]) > 0) {
        load(words[2], static_cast<std::size_t>(std::atoi(words[3])), std::atof(words[4]));
        return 0;
    }
    std::fputs("usage: postgres_queue serve CONNECTION | load URL CLIENTS SECONDS\n", stderr);
    return 2;
}

}  // namespace

}  // namespace shoal::bench

int main(int argc, char** argv) {
    return shoal::bench::run(argc, argv);
}
