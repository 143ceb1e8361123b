#include "io/websocket_client.h"

#include <deque>
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "io/http_wire.h"
#include "io/websocket_link.h"

namespace shoal::io {

namespace {

WebSocketGreeting greeting_of(const WebSocketCall& call) {
    WebSocketGreeting greeting;
    greeting.host = authority(call.server);
    greeting.target = call.target;
    greeting.headers = call.headers;
    return greeting;
}

Async<Status> dial_and_greet(std::shared_ptr<WebSocketLink> link, Executor executor,
                             WebSocketCall call) {
    auto dialled = co_await dial(executor, call.server, call.connect_time_max);
    if (!dialled.ok()) co_return dialled.error();
    const Wire wire = std::move(dialled).value();
    const WebSocketGreeting greeting = greeting_of(call);
    co_return co_await link->connect(wire, greeting, call.connect_time_max);
}

/// What a caller holds of its WebSocket: the connection ends with it.
class Handle : public WebSocket {
public:
    explicit Handle(std::shared_ptr<WebSocketLink> link) : link_(std::move(link)) {}
    ~Handle() override { link_->abandon(); }

    void send(std::string text) override { link_->send(std::move(text)); }
    void close(std::uint16_t code, std::string reason) override {
        link_->close(code, std::move(reason));
    }
    std::size_t queued_bytes() const override { return link_->queued_bytes(); }

private:
    std::shared_ptr<WebSocketLink> link_;
};

/// Brings what happens on the network thread to the core thread, while the handle is there.
struct Courier {
    Loop& loop;
    WebSocketClientEvents events;
    std::weak_ptr<WebSocket> handle;

    static void post(const std::shared_ptr<Courier>& courier, std::function<void()> word) {
        courier->loop.post([courier, word = std::move(word)] {
            if (!courier->handle.expired()) word();
        });
    }
};

WebSocketEvents couriered(const std::shared_ptr<Courier>& courier) {
    WebSocketEvents events;
    events.message = [courier](std::string text, Receipt receipt) {
        Courier::post(courier, [courier, text = std::move(text), receipt = std::move(receipt)] {
            courier->events.events.message(text, receipt);
        });
    };
    events.closed = [courier](std::uint16_t code, std::string reason) {
        Courier::post(courier, [courier, code, reason = std::move(reason)] {
            courier->events.events.closed(code, reason);
        });
    };
    return events;
}

Async<void> live(std::shared_ptr<WebSocketLink> link, std::shared_ptr<Courier> courier,
                 Executor executor, WebSocketCall call) {
    const auto status = co_await dial_and_greet(link, executor, std::move(call));
    if (!status.ok()) {
        link->discard();
        Courier::post(courier,
                      [courier, error = status.error()] { courier->events.failed(error); });
        co_return;
    }
    Courier::post(courier, [courier] { courier->events.opened(); });
    co_await link->run();
}

}  // namespace

std::shared_ptr<WebSocket> open_websocket(Loop& loop, WebSocketCall call,
                                          WebSocketClientEvents events) {
    asio::io_context& context = loop.inside().network();
    auto courier = std::make_shared<Courier>(loop, std::move(events));
    auto link =
        std::make_shared<WebSocketLink>(context.get_executor(), couriered(courier), call.limits);
    auto handle = std::make_shared<Handle>(link);
    courier->handle = handle;
    const Executor executor = context.get_executor();
    asio::co_spawn(context, live(link, courier, executor, std::move(call)), or_end);
    return handle;
}

struct MessageFeed::Inside {
    struct Message {
        std::string text;
        Receipt receipt;
    };

    WebSocketEvents events();
    Async<void> live(WebSocketCall call);

    asio::io_context context{1};
    std::shared_ptr<WebSocketLink> link;
    std::deque<Message> messages;
    std::optional<Status> opening;
    std::optional<Error> ending;
};

WebSocketEvents MessageFeed::Inside::events() {
    WebSocketEvents events;
    events.message = [this](std::string text, Receipt receipt) {
        messages.push_back(Message{std::move(text), std::move(receipt)});
    };
    events.closed = [this](std::uint16_t code, const std::string& reason) {
        const std::string why = reason.empty() ? "" : ": " + reason;
        ending =
            Error{Code::unavailable, "the feed has ended with code " + std::to_string(code) + why};
    };
    return events;
}

Async<void> MessageFeed::Inside::live(WebSocketCall call) {
    const Executor executor = context.get_executor();
    opening = co_await dial_and_greet(link, executor, std::move(call));
    if (opening->ok()) {
        co_await link->run();
    } else {
        link->discard();
    }
}

Result<MessageFeed> MessageFeed::open(WebSocketCall call) {
    auto inside = std::make_unique<Inside>();
    inside->link = std::make_shared<WebSocketLink>(inside->context.get_executor(), inside->events(),
                                                   call.limits);
    asio::co_spawn(inside->context, inside->live(std::move(call)), or_end);
    while (!inside->opening) inside->context.run_one();
    TRY(inside->opening.value_or(Status(Error{Code::unavailable, "the feed did not open"})));
    return MessageFeed(std::move(inside));
}

MessageFeed::MessageFeed(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
MessageFeed::MessageFeed(MessageFeed&&) noexcept = default;
MessageFeed& MessageFeed::operator=(MessageFeed&&) noexcept = default;

// NOLINTNEXTLINE(bugprone-exception-escape): only without memory
MessageFeed::~MessageFeed() {
    if (inside_ == nullptr) return;
    inside_->link->abandon();
    while (!inside_->ending && inside_->context.run_one() > 0) {
    }
    inside_->messages.clear();
}

Result<std::string> MessageFeed::next(Duration time_max) {
    const auto deadline = std::chrono::steady_clock::now() + time_max;
    while (inside_->messages.empty()) {
        if (const auto& ending = inside_->ending) return *ending;
        if (inside_->context.run_one_until(deadline) == 0) {
            return Error{Code::timeout, "no message came in time"};
        }
    }
    std::string text = std::move(inside_->messages.front().text);
    inside_->messages.pop_front();
    return text;
}

void MessageFeed::send(std::string text) {
    inside_->link->send(std::move(text));
}

}  // namespace shoal::io
