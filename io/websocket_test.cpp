#include "io/websocket.h"

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "io/http_client.h"
#include "io/http_test_bench.h"
#include "io/websocket_client.h"

namespace shoal::io {

using namespace std::chrono_literals;

namespace {

/// Accepts every WebSocket whose key is right, and says back what it is told.
struct EchoServer {
    explicit EchoServer(WebSocketLimits with = {}) : limits(with), test(handlers()) {}

    HttpHandlers handlers() {
        HttpHandlers handlers;
        handlers.request = [this](const Request& request, const Exchange& exchange) {
            const std::string* key = find(request.headers, "authorization");
            if (!request.wants_websocket || key == nullptr || *key != "Bearer right") {
                Response refused = refusal(Error{Code::denied, "who are you"}, request.request_id);
                refused.status = 401;
                exchange.answer(std::move(refused));
                return;
            }
            auto holder = std::make_shared<std::shared_ptr<WebSocket>>();
            WebSocketEvents events;
            events.message = [holder](std::string text, const Receipt&) {
                (*holder)->send(std::move(text));
            };
            events.closed = [this, holder](std::uint16_t code, const std::string&) {
                closed.set_value(code);
            };
            *holder = exchange.accept(std::move(events), limits);
            accepted.set_value(*holder);
        };
        return handlers;
    }

    WebSocketCall call(const std::string& key = "right") const {
        WebSocketCall call;
        call.server = test.url();
        call.target = "/v1/events?from=7";
        call.headers = {{"Authorization", "Bearer " + key}};
        return call;
    }

    WebSocketLimits limits;
    std::promise<std::shared_ptr<WebSocket>> accepted;
    std::promise<std::uint16_t> closed;
    TestServer test;
};

std::string upgrade_request(const std::string& host) {
    return "GET / HTTP/1.1\r\nHost: " + host +
           "\r\nAuthorization: Bearer right\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
}

}  // namespace

TEST_CASE("a thousand messages come back in order") {
    EchoServer server;
    Loop loop;
    std::vector<std::string> heard;
    std::shared_ptr<WebSocket> socket;
    std::uint16_t code = 0;
    WebSocketClientEvents events;
    events.opened = [&] {
        for (int i = 0; i < 1'000; ++i) socket->send("message " + std::to_string(i));
    };
    events.failed = [&](const Error& error) { FAIL(error.what); };
    events.events.message = [&](std::string text, const Receipt&) {
        heard.push_back(std::move(text));
        if (heard.size() == 1'000) socket->close(4'000, "enough");
    };
    events.events.closed = [&](std::uint16_t with, const std::string&) {
        code = with;
        loop.stop();
    };
    socket = open_websocket(loop, server.call(), std::move(events));
    loop.run();
    REQUIRE(heard.size() == 1'000);
    for (std::size_t i = 0; i < heard.size(); ++i)
        CHECK(heard[i] == "message " + std::to_string(i));
    CHECK(code == 4'000);
    CHECK(server.closed.get_future().get() == 4'000);
}

TEST_CASE("a refused WebSocket fails with the server's reason and without the key") {
    EchoServer server;
    const auto feed = MessageFeed::open(server.call("wrong-key"));
    REQUIRE_FALSE(feed.ok());
    CHECK(feed.error().code == Code::denied);
    CHECK(feed.error().what.find("401") != std::string::npos);
    CHECK(feed.error().what.find("wrong-key") == std::string::npos);
}

TEST_CASE("a WebSocket that nobody listens for is unavailable") {
    EchoServer server;
    const WebSocketCall call = server.call();
    server.test.server->stop();
    Loop loop;
    std::optional<Error> failure;
    WebSocketClientEvents events;
    events.opened = [] { FAIL("opened"); };
    events.failed = [&](const Error& error) {
        failure = error;
        loop.stop();
    };
    const auto socket = open_websocket(loop, call, std::move(events));
    loop.run();
    REQUIRE(failure.has_value());
    CHECK(failure->code == Code::unavailable);
    CHECK(failure->what.starts_with("cannot reach the market at http://127.0.0.1:"));
}

TEST_CASE("a feed gives message after message, then says how it ended") {
    EchoServer server;
    auto feed = MessageFeed::open(server.call());
    REQUIRE(feed.ok());
    MessageFeed messages = std::move(feed).value();
    const auto socket = server.accepted.get_future().get();
    for (int i = 0; i < 200; ++i) socket->send(std::to_string(i));
    for (int i = 0; i < 200; ++i) CHECK(messages.next(5s).value() == std::to_string(i));
    messages.send("hello");
    CHECK(messages.next(5s).value() == "hello");
    CHECK(messages.next(1ms).error().code == Code::timeout);
    socket->close(1'000, "the end");
    const auto end = messages.next(5s);
    REQUIRE_FALSE(end.ok());
    CHECK(end.error().code == Code::unavailable);
    CHECK(end.error().what.find("the end") != std::string::npos);
    CHECK(server.closed.get_future().get() == 1'000);
    socket->send("to nobody");
}

TEST_CASE("a peer that reads too slowly is closed and holds up nobody") {
    WebSocketLimits limits;
    limits.queue_bytes_max = 100'000;
    limits.goodbye_max = 20ms;
    EchoServer server(limits);
    auto feed = MessageFeed::open(server.call());  // which reads only when it is asked
    REQUIRE(feed.ok());
    const auto socket = server.accepted.get_future().get();
    auto closed = server.closed.get_future();
    const std::string text(10'000, 'x');
    while (closed.wait_for(0s) == std::future_status::timeout) socket->send(text);
    CHECK(closed.get() == 1'008);
    CHECK(socket->queued_bytes() == 0);
}

TEST_CASE("a peer that reads too slowly, but reads, is told why it is closed") {
    WebSocketLimits limits;
    limits.queue_bytes_max = 100'000;
    EchoServer server(limits);
    auto feed = MessageFeed::open(server.call());
    REQUIRE(feed.ok());
    MessageFeed messages = std::move(feed).value();
    const auto socket = server.accepted.get_future().get();
    const std::string text(10'000, 'x');
    while (socket->queued_bytes() < limits.queue_bytes_max / 2) socket->send(text);
    while (socket->queued_bytes() > 0) socket->send(text);  // until it is cleared
    auto message = messages.next(5s);
    while (message.ok()) message = messages.next(5s);
    CHECK(message.error().what.find("the peer reads too slowly") != std::string::npos);
    CHECK(server.closed.get_future().get() == 1'008);
}

TEST_CASE("a message above the limit ends the connection") {
    WebSocketLimits limits;
    limits.message_bytes_max = 1'000;
    EchoServer server(limits);
    auto feed = MessageFeed::open(server.call());
    REQUIRE(feed.ok());
    MessageFeed messages = std::move(feed).value();
    messages.send(std::string(1'000, 'x'));
    CHECK(messages.next(5s).value().size() == 1'000);
    messages.send(std::string(1'001, 'x'));
    CHECK(messages.next(5s).error().code == Code::unavailable);
    CHECK(server.closed.get_future().get() == 1'009);
}

TEST_CASE("nothing more is read while too many messages wait to be dealt with") {
    HttpHandlers handlers;
    WebSocketLimits limits;
    limits.unread_max = 3;
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<Receipt> held;
    std::size_t heard = 0;
    std::size_t most = 0;
    handlers.request = [&](const Request&, const Exchange& exchange) {
        WebSocketEvents events;
        events.message = [&](const std::string&, Receipt receipt) {
            const std::lock_guard lock(mutex);
            held.push_back(std::move(receipt));
            ++heard;
            most = std::max(most, held.size());
            changed.notify_all();
        };
        events.closed = [](std::uint16_t, const std::string&) {};
        exchange.accept(std::move(events), limits);
    };
    TestServer test(handlers);
    WebSocketCall call;
    call.server = test.url();
    Loop loop;
    std::thread core([&] { loop.run(); });
    WebSocketClientEvents nothing{[] {}, [](const Error&) {}, {}};
    nothing.events.message = [](const std::string&, const Receipt&) {};
    nothing.events.closed = [](std::uint16_t, const std::string&) {};
    auto socket = open_websocket(loop, call, nothing);
    for (int i = 0; i < 100; ++i) socket->send("x");
    {
        std::unique_lock lock(mutex);
        while (heard < 100) {
            changed.wait(lock, [&] { return !held.empty(); });
            auto receipts = std::exchange(held, {});
            lock.unlock();
            receipts.clear();
            lock.lock();
        }
    }
    CHECK(most <= 3);
    loop.stop();
    core.join();
    socket.reset();
    test.server->stop();
}

TEST_CASE("a peer that falls silent is closed") {
    WebSocketLimits limits;
    limits.silence_max = 20ms;
    EchoServer server(limits);
    RawConnection connection(server.test.server->port());
    connection.send(upgrade_request(server.test.host()));
    const std::string answer = connection.read_until("\r\n\r\n");
    CHECK(answer.starts_with("HTTP/1.1 101 "));
    CHECK(answer.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") != std::string::npos);
    CHECK(server.closed.get_future().get() == 1'006);
}

TEST_CASE("frames that break the protocol end the connection") {
    EchoServer server;
    {
        RawConnection connection(server.test.server->port());
        connection.send(upgrade_request(server.test.host()));
        connection.read_until("\r\n\r\n");
        connection.send("\x81\x05hello");  // a client's frame without a mask
        CHECK(connection.read_all().starts_with("\x88\x02\x03\xEA"));  // close, 1002
    }
    CHECK(server.closed.get_future().get() == 1'002);
}

TEST_CASE("a server that stops closes its WebSockets, and says so to both ends") {
    EchoServer server;
    auto feed = MessageFeed::open(server.call());
    REQUIRE(feed.ok());
    MessageFeed messages = std::move(feed).value();
    server.accepted.get_future().get();
    server.test.server->stop();
    CHECK(server.closed.get_future().get() == 1'001);
    CHECK(messages.next(5s).error().code == Code::unavailable);
}

TEST_CASE("a handle that is let go ends the connection and is told nothing more") {
    EchoServer server;
    Loop loop;
    std::shared_ptr<WebSocket> socket;
    WebSocketClientEvents events;
    bool told = false;
    events.opened = [&] {
        socket.reset();
        loop.stop();
    };
    events.failed = [&](const Error&) { told = true; };
    events.events.message = [&](const std::string&, const Receipt&) { told = true; };
    events.events.closed = [&](std::uint16_t, const std::string&) { told = true; };
    socket = open_websocket(loop, server.call(), std::move(events));
    loop.run();
    CHECK(server.closed.get_future().get() == 1'006);
    loop.post([&] { loop.stop(); });
    loop.run();
    CHECK_FALSE(told);
}

}  // namespace shoal::io
