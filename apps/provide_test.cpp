#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>

#include <doctest/doctest.h>

#include "apps/hardware.h"
#include "apps/provide_offer.h"
#include "apps/provide_shell.h"
#include "io/http_server.h"
#include "io/scratch.h"
#include "protocol/session.h"
#include "sandbox/filter.h"
#include "sandbox/shim.h"

namespace shoal::apps {

using protocol::Reason;
using protocol::session::Ack;
using protocol::session::Challenge;
using protocol::session::Exited;
using protocol::session::Finished;
using protocol::session::FromMarket;
using protocol::session::FromProvider;
using protocol::session::Hello;
using protocol::session::Order;
using protocol::session::print;
using protocol::session::Proof;
using protocol::session::read_provider_frame;
using protocol::session::Said;
using protocol::session::Started;
using protocol::session::Welcome;

namespace {

/// The shell starts the program it runs in as `… shim FOLDER`: then this process is a shim.
const bool is_no_shim = [] {
    std::ifstream file("/proc/self/cmdline");
    std::vector<std::string> words;
    for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
    if (words.size() == 3 && words[1] == "shim") std::_Exit(sandbox::run_shim(words[2]));
    return true;
}();

/// A market of one provider, that gives out the orders it was made with and remembers what it
/// hears.
class TinyMarket {
public:
    explicit TinyMarket(std::vector<Order> orders) : orders_(std::move(orders)) {
        io::HttpHandlers handlers;
        handlers.request = [this](const io::Request& request, const io::Exchange& exchange) {
            answer(request, exchange);
        };
        auto started = io::HttpServer::start(loop_, {}, std::move(handlers));
        REQUIRE(started.ok());
        server_ = std::move(started).value();
    }
    ~TinyMarket() { server_->stop(); }
    TinyMarket(const TinyMarket&) = delete;
    TinyMarket& operator=(const TinyMarket&) = delete;

    io::BaseUrl url() const { return {false, "127.0.0.1", server_->port(), {}}; }

    void put_blob(const std::string& bytes) { blobs_[to_string(sha256(bytes))] = bytes; }
    std::string blob(const Hash& hash) {
        const std::lock_guard lock(mutex_);
        return blobs_[to_string(hash)];
    }

    template <class T>
    std::vector<T> heard() {
        const std::lock_guard lock(mutex_);
        std::vector<T> found;
        for (const FromProvider& message : heard_) {
            if (const T* one = std::get_if<T>(&message)) found.push_back(*one);
        }
        return found;
    }

    /// Called on the market's thread when all its orders are finished.
    std::function<void()> when_done;
    std::function<void()> when_started;

private:
    void answer(const io::Request& request, const io::Exchange& exchange) {
        const std::string* key = io::find(request.headers, "authorization");
        if (key == nullptr || *key != "Bearer test-key") {
            return exchange.answer(io::refusal(Error{Code::denied, "wrong key"}, ""));
        }
        if (request.wants_websocket) {
            const std::lock_guard lock(mutex_);
            io::WebSocketEvents events;
            events.message = [this](const std::string& text, const io::Receipt&) { hear(text); };
            events.closed = [](std::uint16_t, const std::string&) {};
            socket_ = exchange.accept(std::move(events));
            return;
        }
        const std::string name = request.path.substr(request.path.rfind('/') + 1);
        const std::lock_guard lock(mutex_);
        if (request.method == "PUT") {
            blobs_[name] = request.body;
            return exchange.answer(io::json_response(201, "{}"));
        }
        const auto found = blobs_.find(name);
        if (found == blobs_.end()) {
            return exchange.answer(io::refusal(Error{Code::not_found, "no such blob"}, ""));
        }
        io::Response response;
        response.body = found->second;
        exchange.answer(std::move(response));
    }

    void say(const FromMarket& message) { socket_->send(print(message)); }

    void hear(const std::string& text) {
        const auto frame = read_provider_frame(text);
        const std::lock_guard lock(mutex_);
        if (!frame.ok()) return;
        const FromProvider& message = frame.value().message;
        heard_.push_back(message);
        if (std::holds_alternative<Hello>(message)) say(Challenge{std::string(64, 'a'), "market"});
        if (std::holds_alternative<Proof>(message)) {
            say(Welcome{1, "test", ProviderId{7}, Duration{60'000}, orders_});
        }
        if (frame.value().sequence != 0) say(Ack{frame.value().sequence});
        if (std::holds_alternative<Started>(message) && when_started) when_started();
        if (!std::holds_alternative<Finished>(message)) return;
        ++finished_;
        if (finished_ == orders_.size() && when_done) when_done();
    }

    std::mutex mutex_;
    std::vector<Order> orders_;
    std::vector<FromProvider> heard_;
    std::map<std::string, std::string> blobs_;
    std::size_t finished_ = 0;
    std::shared_ptr<io::WebSocket> socket_;
    io::Loop loop_;
    std::unique_ptr<io::HttpServer> server_;
};

Order make_order(std::uint64_t lease, const std::string& script) {
    Order order;
    order.lease = LeaseId{lease};
    order.job = JobId{1};
    order.task = TaskId{lease};
    order.command = {"/bin/sh", "-c", script};
    order.environment = {{"PATH", "/usr/bin:/bin"}};
    order.resources = {1, 64_MiB, 64_MiB};
    order.time_max = Duration{60'000};
    order.left = Duration{60'000};
    return order;
}

protocol::JobInput make_input(std::string as, const std::string& bytes, bool executable) {
    protocol::JobInput input;
    input.as = std::move(as);
    input.blob = sha256(bytes);
    input.size_bytes = bytes.size();
    input.executable = executable;
    return input;
}

ProviderShell::Setup make_setup(const std::filesystem::path& data, const TinyMarket& market) {
    auto folder = ProviderFolder::open(data);
    REQUIRE(folder.ok());
    auto identity = folder.value().identity();
    REQUIRE(identity.ok());
    const auto filter = sandbox::compile_filter();
    REQUIRE(filter.ok());
    REQUIRE(sandbox::save_filter(filter.value(), data, "filter").ok());
    protocol::Offer offer;
    offer.name = "test";
    offer.capacity = {2, 256_MiB, 256_MiB};
    offer.attempts_max = 2;
    return {market.url(),
            io::Secret("test-key"),
            std::move(folder).value(),
            std::move(identity).value(),
            std::move(offer),
            "/proc/self/exe",
            -1};
}

io::Log make_log() {
    io::Log::Options options;
    options.write = [](std::string_view line) { MESSAGE(std::string(line)); };
    return io::Log(options);
}

/// Provides until all orders of the market are finished.
int provide_all(const std::filesystem::path& data, TinyMarket& market) {
    io::Loop loop;
    const io::Log log = make_log();
    ProviderShell shell(loop, log, make_setup(data, market));
    market.when_done = [&] { loop.post([&shell] { shell.drain(); }); };
    const int code = shell.run();
    market.when_done = nullptr;
    return code;
}

TEST_CASE("a job runs, and its log, its metrics and its outputs arrive") {
    const io::ScratchFolder scratch;
    const std::string tool = "#!/bin/sh\necho tool says $1\n";
    Order order = make_order(1,
                             "echo hello; /in/tool hi; cat /in/folder/sub/word; "
                             "echo '{\"metric\":{\"step\":1,\"loss\":0.25}}' >&3; "
                             "echo result > /out/answer");
    order.outputs = {{"answer", false}};
    order.inputs = {make_input("tool", tool, true)};
    protocol::JobInput folder;
    folder.as = "folder";
    folder.files = {{"sub/word", sha256("deep\n"), 5, false}};
    order.inputs.push_back(folder);
    TinyMarket market({order});
    market.put_blob(tool);
    market.put_blob("deep\n");

    CHECK(provide_all(scratch.path(), market) == 0);
    const auto finished = market.heard<Finished>();
    REQUIRE(finished.size() == 1);
    CHECK_MESSAGE(finished[0].reason == Reason::completed, finished[0].detail);
    CHECK(market.heard<Started>().size() == 1);
    REQUIRE(market.heard<Exited>().size() == 1);
    CHECK(finished[0].metrics == std::map<std::string, double>{{"loss", 0.25}});
    REQUIRE(finished[0].log);
    CHECK(market.blob(finished[0].log->blob) == "hello\ntool says hi\ndeep\n");
    REQUIRE(finished[0].artifacts.size() == 1);
    CHECK(market.blob(finished[0].artifacts[0].blob) == "result\n");
    std::string printed;
    for (const Said& said : market.heard<Said>()) printed += said.log;
    CHECK(printed == "hello\ntool says hi\ndeep\n");
    CHECK(std::filesystem::is_empty(scratch.path() / "attempts"));
}

TEST_CASE("what is wrong with a job is told by its own reason") {
    const io::ScratchFolder scratch;
    Order missing_input = make_order(2, "true");
    missing_input.inputs = {make_input("data", "nobody has this", false)};
    Order missing_output = make_order(3, "true");
    missing_output.outputs = {{"answer", false}};
    TinyMarket market({make_order(1, "exit 3"), missing_input, missing_output});
    CHECK(provide_all(scratch.path(), market) == 0);
    std::map<std::uint64_t, Reason> reasons;
    for (const Finished& one : market.heard<Finished>()) reasons[one.lease.value] = one.reason;
    CHECK(reasons.at(1) == Reason::exit_code);
    CHECK(reasons.at(2) == Reason::input_missing);
    CHECK(reasons.at(3) == Reason::output_missing);
}

TEST_CASE("a provider that is gone leaves its job running, and the next one takes it up") {
    const io::ScratchFolder scratch;
    TinyMarket market({make_order(1, "echo one; sleep 1; echo two")});
    {
        io::Loop loop;
        const io::Log log = make_log();
        ProviderShell shell(loop, log, make_setup(scratch.path(), market));
        market.when_started = [&loop] { loop.stop(); };
        CHECK(shell.run() == 130);
        market.when_started = nullptr;
    }
    CHECK(provide_all(scratch.path(), market) == 0);
    const auto finished = market.heard<Finished>();
    REQUIRE(finished.size() == 1);
    CHECK(finished[0].reason == Reason::completed);
    CHECK(market.blob(finished[0].log->blob) == "one\ntwo\n");
    CHECK(market.heard<Started>().size() == 2);  // the second one cannot know
}

TEST_CASE("a wrong key is told and ends the provider") {
    const io::ScratchFolder scratch;
    TinyMarket market({});
    io::Loop loop;
    const io::Log log = make_log();
    ProviderShell::Setup setup = make_setup(scratch.path(), market);
    setup.key = io::Secret("another");
    CHECK(ProviderShell(loop, log, std::move(setup)).run() == 3);
}

TEST_CASE("an identity is made once") {
    const io::ScratchFolder scratch;
    const auto folder = ProviderFolder::open(scratch.path());
    REQUIRE(folder.ok());
    const auto first = folder.value().identity();
    const auto second = folder.value().identity();
    REQUIRE(first.ok());
    REQUIRE(second.ok());
    CHECK(first.value().public_key() == second.value().public_key());
}

TEST_CASE("an offer keeps a reserve and promises nothing that is not there") {
    Machine machine;
    machine.name = "box";
    machine.cores = 8;
    machine.memory = 16_GiB;
    machine.disk_free = 101_GiB;
    const auto offer = make_offer({}, machine);
    REQUIRE(offer.ok());
    CHECK(offer.value().capacity.cores == 8);
    CHECK(offer.value().capacity.memory < 15_GiB);
    CHECK(offer.value().capacity.disk == 50_GiB);
    CHECK(offer.value().attempts_max == 8);
    const auto refused = [&machine](void (*change)(ProvideOptions&)) {
        ProvideOptions options;
        change(options);
        return !make_offer(options, machine).ok();
    };
    CHECK(refused([](ProvideOptions& it) { it.cores = 9; }));
    CHECK(refused([](ProvideOptions& it) { it.memory = 17_GiB; }));
    CHECK(refused([](ProvideOptions& it) { it.name = "two\nlines"; }));
    CHECK(refused([](ProvideOptions& it) { it.attempts = 0; }));
}

TEST_CASE("every fact about the machine names its source") {
    const io::ScratchFolder scratch;
    const Machine machine = detect_machine(scratch.path());
    CHECK(machine.cores >= 1);
    CHECK(machine.memory > 64_MiB);
    CHECK(machine.facts.size() >= 7);
    for (const protocol::HardwareFact& fact : machine.facts) {
        CHECK_MESSAGE(!fact.source.empty(), fact.name);
        CHECK_MESSAGE(!fact.value.empty(), fact.name);
    }
    CHECK(cores_of_quota("max 100000") == 0);
    CHECK(cores_of_quota("150000 100000\n") == 2);
    CHECK(cores_of_quota("-1 100000") == 0);
    CHECK(cores_of_quota("100 0") == 0);
}

}  // namespace

}  // namespace shoal::apps
