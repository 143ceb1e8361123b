#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/result.h"
#include "core/time.h"
#include "io/http.h"
#include "io/loop.h"
#include "io/url.h"
#include "io/websocket.h"

namespace shoal::io {

/// Where a WebSocket leads and with which headers (Authorization, …) it is asked for.
struct WebSocketCall {
    BaseUrl server;
    std::string target = "/";
    Fields headers;
    Duration connect_time_max{10'000};  // until the handshake has ended
    WebSocketLimits limits;
};

/// `opened` or `failed` is called once, on the core thread; the events only after `opened`.
/// failed: unavailable, timeout, denied (the certificate, or the server answered 401 or 403),
/// corrupt. `what` never holds what headers say.
struct WebSocketClientEvents {
    std::function<void()> opened;
    std::function<void(Error)> failed;
    WebSocketEvents events;
};

/// Connects on a network thread of the loop. What is sent or closed before the handshake has ended
/// waits for it. The handle goes before the loop. When the last copy of the handle is gone, which
/// is the core thread's to do, the connection is broken off and nothing is called any more.
std::shared_ptr<WebSocket> open_websocket(Loop&, WebSocketCall, WebSocketClientEvents);

/// A WebSocket for a caller that has nothing else to do than wait for the next message.
class MessageFeed {
public:
    /// The errors of WebSocketClientEvents.
    static Result<MessageFeed> open(WebSocketCall);
    ~MessageFeed();
    MessageFeed(MessageFeed&&) noexcept;
    MessageFeed& operator=(MessageFeed&&) noexcept;

    /// timeout: none came in time. unavailable: the connection has ended, and why.
    Result<std::string> next(Duration time_max);

    void send(std::string text);

    struct Inside;

private:
    explicit MessageFeed(std::unique_ptr<Inside>);
    std::unique_ptr<Inside> inside_;
};

}  // namespace shoal::io
