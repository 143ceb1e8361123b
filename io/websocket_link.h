#pragma once

// A WebSocket while it is connected. Only the sources of io/ include this.

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "io/http_wire.h"
#include "io/mutex.h"
#include "io/websocket.h"

namespace shoal::io {

/// What a handshake needs of an HTTP message, without Beast's types.
struct WebSocketGreeting {
    std::string raw_request;  // a server's: the head of the request
    std::string host;         // a client's
    std::string target;
    Fields headers;
};

/// The WebSocket that callers hold; its coroutines hold it too. Everything but the queue belongs
/// to the executor's thread.
class WebSocketLink : public WebSocket, public std::enable_shared_from_this<WebSocketLink> {
public:
    WebSocketLink(Executor executor, WebSocketEvents events, WebSocketLimits limits);
    ~WebSocketLink() override;

    void send(std::string text) override;
    void close(std::uint16_t code, std::string reason) override;
    std::size_t queued_bytes() const override;

    /// From any thread: breaks the connection off (1001).
    void abandon();

    /// Ends without ever having been connected. On the executor's thread.
    void give_up(const std::string& why);

    /// Like give_up(), without a word: its events are not called.
    void discard();

    /// Speaks on the wire until the end, and returns when all of it is over.
    Async<void> serve(Wire wire, WebSocketGreeting greeting);

    /// The client's handshake, then run() does the rest. The errors of WebSocketClientEvents.
    Async<Status> connect(Wire wire, WebSocketGreeting greeting, Duration time_max);
    Async<void> run();

private:
    struct Stream;
    struct Waits {
        explicit Waits(const Executor& executor)
            : queue_changed(executor, Timer::time_point::max()),
              unread_changed(executor, Timer::time_point::max()),
              writer_ended(executor, Timer::time_point::max()),
              goodbye(executor, Timer::time_point::max()) {}
        Timer queue_changed;
        Timer unread_changed;
        Timer writer_ended;
        Timer goodbye;
    };
    struct Ending {
        std::uint16_t code;
        std::string reason;
    };
    enum class Next { message, close, wait, over };

    Async<void> read_all();
    Async<void> write_all(std::shared_ptr<WebSocketLink> self);
    Async<void> send_one(std::string text);
    Async<void> send_close();
    void part_from_slow_peer();
    Async<void> wait_until_read();
    Next next(std::string& text);
    void hear(std::string text);
    Ending ending_of(const Failure& failure) const;
    Ending wanted_close() const;
    void settle(Ending ending);
    void end();
    void wake_writer();
    void wake_reader();
    void break_off(std::uint16_t code, std::string reason);
    Receipt make_receipt();

    Executor executor_;
    WebSocketEvents events_;
    WebSocketLimits limits_;
    std::unique_ptr<Stream> stream_;
    std::unique_ptr<Waits> waits_;  // goes at the end: a handle may outlive the executor
    bool writing_ = false;
    bool reading_ended_ = false;
    std::optional<Ending> ending_;
    std::optional<Ending> sent_close_;

    struct Unread;
    std::shared_ptr<Unread> unread_;

    mutable Mutex mutex_;
    std::deque<std::string> queue_ __attribute__((guarded_by(mutex_)));
    std::size_t queue_bytes_ __attribute__((guarded_by(mutex_))) = 0;
    std::optional<Ending> closing_ __attribute__((guarded_by(mutex_)));
    bool over_ __attribute__((guarded_by(mutex_))) = false;
};

}  // namespace shoal::io
