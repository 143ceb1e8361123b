// market_load MARKET BUYER_KEY PROVIDER_KEY CLIENTS SECONDS: the load that a market is put under.
// CLIENTS threads each submit a job by HTTP and wait until it is over, one after the other. Eight
// providers are made by hand: each speaks a provider's session and says of each lease at once that
// its job has run and ended well. Nothing is run: what is measured is the market. Prints one JSON
// object.

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/clock.h"
#include "core/check.h"
#include "core/json.h"
#include "core/limits.h"
#include "io/entropy.h"
#include "io/http_client.h"
#include "io/loop.h"
#include "io/url.h"
#include "io/websocket_client.h"
#include "protocol/api.h"
#include "protocol/session.h"

namespace shoal::bench {

namespace {

namespace session = protocol::session;

constexpr std::chrono::seconds patience{30};
constexpr Lamports start_price{1'000};  // so that every job costs the same, however long it took

[[noreturn]] void give_up(const std::string& why) {
    std::fprintf(stderr, "market_load: %s\n", why.c_str());
    std::_Exit(EXIT_FAILURE);
}

template <class T>
T must(Result<T> result) {
    if (!result.ok()) give_up(result.error().what);
    return std::move(result).value();
}

/// Which jobs are over, for those who wait for them.
class Board {
public:
    void post(JobId job) {
        const std::lock_guard lock(mutex_);
        over_.insert(job);
        const auto waiter = waiting_.find(job);
        if (waiter != waiting_.end()) waiter->second->notify_one();
    }

    void wait(JobId job) {
        std::condition_variable changed;
        std::unique_lock lock(mutex_);
        waiting_.emplace(job, &changed);
        const auto is_over = [&] { return over_.erase(job) > 0; };
        if (!changed.wait_for(lock, patience, is_over)) give_up(to_string(job) + " is not over");
        waiting_.erase(job);
    }

private:
    std::mutex mutex_;
    std::set<JobId> over_;
    std::map<JobId, std::condition_variable*> waiting_;
};

constexpr std::size_t machines = 8;  // what one session says is read at a bounded pace
constexpr JobId session_open{};      // names no job: posted when the provider is online

protocol::Offer make_offer() {
    protocol::Offer offer;
    offer.name = "load";
    offer.capacity = {1'000, Size{1'000 * (1_GiB).bytes}, Size{1'000 * (1_GiB).bytes}};
    offer.attempts_max = 1'000;
    offer.price.start = start_price;
    offer.tier = protocol::Tier::b;
    return offer;
}

/// The session of the provider that runs nothing.
class Provider {
public:
    Provider(const io::BaseUrl& market, const std::string& key, Board& board)
        : board_(board), key_(io::entropy()) {
        io::WebSocketCall call;
        call.server = market;
        call.target = "/v1/session";
        call.headers = {{"Authorization", "Bearer " + key}};
        io::WebSocketClientEvents events;
        events.opened = [this] { hello(); };
        events.failed = [](const Error& why) { give_up(why.what); };
        events.events.message = [this](const std::string& text, const io::Receipt&) {
            const session::FromMarket message = must(session::read_market_frame(text));
            std::visit([this](const auto& it) { this->hear(it); }, message);
        };
        events.events.closed = [this](std::uint16_t, const std::string& reason) {
            if (!leaving_) give_up("the session was closed: " + reason);
        };
        socket_ = io::open_websocket(loop_, std::move(call), std::move(events));
        thread_ = std::thread([this] { loop_.run(); });
    }
    ~Provider() {
        loop_.post([this] {
            leaving_ = true;
            socket_->close(1000, "");
            socket_.reset();
        });
        loop_.stop();
        thread_.join();
    }
    Provider(const Provider&) = delete;
    Provider& operator=(const Provider&) = delete;

private:
    void say(session::FromProvider message, std::uint64_t sequence) {
        socket_->send(session::print(session::ProviderFrame{sequence, std::move(message)}));
    }
    void say_for_sure(session::FromProvider message) { say(std::move(message), ++sequence_); }

    void hello() {
        say(session::Hello{session::protocol_min, session::protocol_max, "load", key_.public_key()},
            0);
    }
    void hear(const session::Challenge& challenge) {
        const Bytes bytes = session::challenge_bytes(challenge, key_.public_key());
        say(session::Proof{key_.sign(bytes), make_offer()}, 0);
    }
    void hear(const session::Welcome&) {
        board_.post(session_open);
        beat();
    }
    void hear(const session::Refused& refused) { give_up("refused: " + refused.message); }
    void hear(const session::Granted& granted) {
        const LeaseId lease = granted.order.lease;
        jobs_.emplace(lease, granted.order.job);
        protocol::AttemptOutcome outcome;
        outcome.reason = protocol::Reason::completed;
        outcome.started = true;
        say_for_sure(session::Started{lease});
        say_for_sure(session::Exited{lease, outcome});
        say_for_sure(session::Finished{lease, protocol::Reason::completed, {}, {}, {}, {}});
    }
    void hear(const session::Ended& ended) {
        const auto job = jobs_.extract(ended.lease);
        if (job.empty()) return;  // told again: it had ended when the last beat was under way
        if (ended.reason != protocol::Reason::completed) give_up("a lease did not end well");
        board_.post(job.mapped());
    }
    static void hear(const session::Renewed&) {}
    static void hear(const session::Ack&) {}

    void beat() {
        session::Alive alive;
        for (const auto& [lease, job] : jobs_) alive.leases.push_back(lease);
        say(std::move(alive), 0);
        loop_.after(limits::heartbeat, [this] { beat(); });
    }

    Board& board_;
    SecretKey key_;
    io::Loop loop_;
    std::shared_ptr<io::WebSocket> socket_;
    std::uint64_t sequence_ = 0;
    std::map<LeaseId, JobId> jobs_;
    bool leaving_ = false;
    std::thread thread_;
};

/// How long jobs took, in seconds: until the submission was answered, and until they were over.
struct Lives {
    std::vector<double> answered;
    std::vector<double> over;
};

io::Call submission(const std::string& key) {
    io::Call call;
    call.method = "POST";
    call.target = "/v1/jobs";
    call.headers = {{"Authorization", "Bearer " + key}, {"Content-Type", "application/json"}};
    call.body = R"({"name":"nothing","command":["true"],"resources":{"cores":1,"memory":"64MiB",)"
                R"("disk":"64MiB"},"limits":{"time":"1m"}})";
    return call;
}

Lives submit(const io::BaseUrl& market, const std::string& key, Board& board,
             Clock::time_point start, double seconds) {
    Lives lives;
    io::HttpClient client(market);
    const io::Call call = submission(key);
    while (seconds_since(start) < seconds) {
        const auto begin = Clock::now();
        const io::Reply reply = must(client.call(call));
        if (reply.status != 201) give_up("refused: " + reply.body);
        lives.answered.push_back(seconds_since(begin));
        const auto value = must(json::parse(reply.body, limits::body_bytes));
        const auto view = must(json::read<protocol::JobView>(value, json::Reader::tolerant));
        board.wait(view.job);
        lives.over.push_back(seconds_since(begin));
    }
    return lives;
}

double quantile_ms(std::vector<double>& times, std::size_t percent) {
    std::ranges::sort(times);
    return times[times.size() * percent / 100] * 1e3;
}

void measure(const io::BaseUrl& market, char** words) {
    const std::string buyer = words[2];
    const auto clients = static_cast<std::size_t>(std::atoi(words[4]));
    const double seconds = std::atof(words[5]);
    Board board;
    std::vector<std::unique_ptr<Provider>> providers;
    for (std::size_t i = 0; i < machines; ++i) {
        providers.push_back(std::make_unique<Provider>(market, words[3], board));
        board.wait(session_open);
    }

    std::vector<Lives> lives(clients);
    std::vector<std::thread> threads;
    threads.reserve(clients);
    const double cpu_before = cpu_seconds();
    const auto start = Clock::now();
    for (Lives& mine : lives) {
        threads.emplace_back([&] { mine = submit(market, buyer, board, start, seconds); });
    }
    for (std::thread& thread : threads) thread.join();
    const double took = seconds_since(start);
    const double cpu = cpu_seconds() - cpu_before;

    Lives all;
    for (const Lives& mine : lives) {
        all.answered.insert(all.answered.end(), mine.answered.begin(), mine.answered.end());
        all.over.insert(all.over.end(), mine.over.begin(), mine.over.end());
    }
    const std::size_t count = all.over.size();
    std::printf(
        "{\"lifecycles\": %zu, \"seconds\": %.3f, \"start_price\": %lld, "
        "\"load_cpu_us\": %.2f, \"answer_p50_ms\": %.3f, \"answer_p99_ms\": %.3f, "
        "\"life_p50_ms\": %.3f, \"life_p99_ms\": %.3f}\n",
        count, took, static_cast<long long>(start_price.value),
        cpu * 1e6 / static_cast<double>(count), quantile_ms(all.answered, 50),
        quantile_ms(all.answered, 99), quantile_ms(all.over, 50), quantile_ms(all.over, 99));
}

}  // namespace

}  // namespace shoal::bench

int main(int argc, char** argv) {
    if (argc != 6 || std::atoi(argv[4]) <= 0 || std::atof(argv[5]) <= 0) {
        std::fputs("usage: market_load MARKET BUYER_KEY PROVIDER_KEY CLIENTS SECONDS\n", stderr);
        return 2;
    }
    shoal::bench::measure(shoal::bench::must(shoal::io::parse_base_url(argv[1])), argv);
    return 0;
}
