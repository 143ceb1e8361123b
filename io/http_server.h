#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/bytes.h"
#include "core/limits.h"
#include "core/result.h"
#include "core/time.h"
#include "io/http.h"
#include "io/loop.h"
#include "io/tls.h"
#include "io/websocket.h"

namespace shoal::io {

class Exchange;

/// Takes the body of an upload. All calls come one after another on the loop's blocking pool. One
/// that is destroyed without finish() was cut off; what it has may be resumed.
class UploadSink {
public:
    UploadSink() = default;
    UploadSink(const UploadSink&) = delete;
    UploadSink& operator=(const UploadSink&) = delete;
    virtual ~UploadSink() = default;

    /// An error ends the upload: it is the request's answer.
    virtual Status write(ByteView) = 0;

    /// The body is complete. Answers the request, at once or later.
    virtual void finish(Exchange) = 0;
};

/// The side of a request that is still open: exactly one of its functions is called, exactly once,
/// from any thread. If all copies are gone before, the client is told that the request was lost.
class Exchange {
public:
    class Inside;
    explicit Exchange(std::shared_ptr<Inside> inside) : inside_(std::move(inside)) {}

    void answer(Response) const;

    /// Reads the body of a streamed request into the sink, which then answers. A longer body than
    /// bytes_max is refused (413).
    void receive(std::unique_ptr<UploadSink>, std::uint64_t bytes_max) const;

    /// Accepts a WebSocket; only if the request wants one. What is sent before the handshake has
    /// ended waits for it.
    std::shared_ptr<WebSocket> accept(WebSocketEvents, WebSocketLimits = {}) const;

private:
    std::shared_ptr<Inside> inside_;
};

/// How the body of a request is read, decided when its head has come.
struct BodyPlan {
    enum class Mode { whole, streamed };
    Mode mode = Mode::whole;
    std::uint64_t bytes_max = limits::body_bytes;  // of a whole body; 413 above it
};

/// Both are called on a connection's network thread, where they must not wait.
struct HttpHandlers {
    /// Once for each request; with the whole body, or at its head if the plan is to stream.
    std::function<void(Request, Exchange)> request;

    /// May be empty: all bodies are whole and at most 1 MiB.
    std::function<BodyPlan(const Request& head)> plan;
};

/// An HTTP/1.1 and WebSocket server.
///
/// On a loopback address it speaks plain HTTP and answers only requests whose Host is this
/// machine's own name and this port; on any other address it wants TLS. Everywhere a request that
/// names an Origin must name this one. What it cannot read or may not answer it refuses itself,
/// with a Problem. Connections live on the loop's network threads.
class HttpServer {
public:
    struct Settings {
        std::string address = "127.0.0.1";
        std::uint16_t port = 0;         // 0: any free one
        std::optional<TlsContext> tls;  // without it the address must be a loopback one
        std::size_t connections_max = 10'000;
        std::size_t connections_per_peer = 2'500;  // of one IPv4 address, or one /64 of IPv6
        std::size_t head_bytes_max = limits::http_header_bytes;
        Duration head_time_max{10'000};      // for the rest of a head that has begun
        Duration idle_time_max{75'000};      // between requests
        Duration progress_time_max{30'000};  // for each next piece of a body, either way
        Duration body_time_max{120'000};     // for the whole of a body that is not streamed
        Duration answer_time_max{120'000};   // for the handler
    };

    /// conflict: the port is in use. denied: the address or port is not ours to use.
    /// invalid: not an address of this machine, or TLS is missing.
    static Result<std::unique_ptr<HttpServer>> start(Loop&, Settings, HttpHandlers);

    /// Calls stop(). The loop must still be there.
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    std::uint16_t port() const;

    /// New connections use this from now on.
    void replace_tls(TlsContext);

    /// Ends listening and every connection, and waits until they have ended. Handlers are not
    /// called any more when it returns. Not on a network thread.
    void stop();

    struct Inside;

private:
    explicit HttpServer(std::shared_ptr<Inside>);
    std::shared_ptr<Inside> inside_;
};

}  // namespace shoal::io
