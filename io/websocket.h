#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/limits.h"
#include "core/time.h"

namespace shoal::io {

/// What a received message holds on to: while unread_max of them are alive nothing more is read
/// from the peer. Keep it until the message has been dealt with, or let it go at once.
using Receipt = std::shared_ptr<void>;

/// Called one at a time: messages in order, then `closed` once; then both are destroyed.
/// On a server on the connection's network thread, where they must not wait; on a client on the
/// core thread.
struct WebSocketEvents {
    std::function<void(std::string text, Receipt)> message;

    /// With the peer's code, or 1006 if the connection broke, 1008 if the peer read too slowly or
    /// sent what it may not, 1001 if this side went away.
    std::function<void(std::uint16_t code, std::string reason)> closed;
};

struct WebSocketLimits {
    std::size_t message_bytes_max = limits::message_bytes;
    std::size_t queue_bytes_max = std::size_t{8} << 20U;  // above it the peer is too slow: closed
    Duration goodbye_max{10'000};  // for who is too slow to read why, before it is cut off
    std::size_t unread_max = 64;
    Duration silence_max{30'000};  // a ping is sent after half of it
};

/// One WebSocket connection, of text messages. All functions may be called from any thread, and
/// after the end of the connection they do nothing.
class WebSocket {
public:
    WebSocket() = default;
    WebSocket(const WebSocket&) = delete;
    WebSocket& operator=(const WebSocket&) = delete;
    virtual ~WebSocket() = default;

    virtual void send(std::string text) = 0;

    /// Closes after what was sent before. The reason is cut at 123 bytes.
    virtual void close(std::uint16_t code, std::string reason) = 0;

    /// Bytes that wait to be sent: where a producer can slow down.
    virtual std::size_t queued_bytes() const = 0;
};

}  // namespace shoal::io
