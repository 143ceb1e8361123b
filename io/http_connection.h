#pragma once

// One connection of the HTTP server. Only the sources of io/ include this.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "io/http_server.h"
#include "io/http_wire.h"
#include "io/mutex.h"
#include "io/websocket_link.h"

namespace shoal::io {

class HttpConnection;
using Instant = std::chrono::steady_clock::time_point;

/// What all connections of a server share.
struct HttpHost {
    Loop& loop;
    HttpServer::Settings settings;
    HttpHandlers handlers;
    std::uint16_t port = 0;
    std::atomic<std::uint64_t> next_request{1};
};

/// The connections of one network thread, and the one timer that ends those that are late.
struct HttpRack : std::enable_shared_from_this<HttpRack> {
    explicit HttpRack(asio::io_context& on) : context(on), alarm(on.get_executor()) {}

    /// Some connection must be looked at by then.
    void note(Instant deadline);
    void sweep();

    asio::io_context& context;
    Timer alarm;
    Instant armed = Instant::max();
    std::set<std::shared_ptr<HttpConnection>> connections;
};

/// What the one who was given a request decided.
struct HttpUpload {
    std::unique_ptr<UploadSink> sink;
    std::uint64_t bytes_max;
};
using HttpVerdict =
    std::variant<std::monostate, Response, HttpUpload, std::shared_ptr<WebSocketLink>>;

/// Where a verdict goes, from any thread; nowhere once the connection has ended.
class HttpSlot {
public:
    HttpSlot(HttpConnection*, std::string request_id, bool wants_websocket);

    void settle(HttpVerdict);
    std::shared_ptr<WebSocket> accept(WebSocketEvents, WebSocketLimits);

    /// All copies of the Exchange are gone: if nobody answered, the client is told so.
    void abandon();

    /// The connection waits no more. On its thread.
    void detach();

private:
    void deliver(HttpVerdict) __attribute__((exclusive_locks_required(mutex_)));

    const std::string request_id_;
    const bool wants_websocket_;
    Mutex mutex_;
    HttpConnection* connection_ __attribute__((guarded_by(mutex_)));
    bool settled_ __attribute__((guarded_by(mutex_))) = false;
};
Exchange make_exchange(std::shared_ptr<HttpSlot>);

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
public:
    HttpConnection(std::shared_ptr<HttpHost>, std::shared_ptr<HttpRack>, Wire, std::string peer);

    /// Serves until the connection ends.
    Async<void> run(std::optional<TlsContext> tls);

    // On the connection's thread.
    void close();
    void take(HttpVerdict);
    Instant deadline() const { return deadline_; }
    Executor executor() const { return wire_.get_executor(); }

private:
    struct Refusal {
        int status;  // 0: the connection broke, and nobody is there to be told
        Error error;
    };
    struct Piece {
        Failure failure;
        std::size_t size = 0;
    };
    using Parser = boost::beast::http::request_parser<boost::beast::http::buffer_body>;

    Async<bool> exchange();
    Async<Failure> read_head();
    Async<Failure> read_more(std::size_t bytes_max);
    Async<Piece> read_body(std::span<char> into);
    Async<Failure> read_whole(std::uint64_t bytes_max);
    Async<Failure> send_continue();
    Async<bool> decide(Request request);
    Async<void> wait_verdict(std::shared_ptr<HttpSlot> slot);
    Async<bool> receive(HttpUpload upload);
    Async<std::optional<Refusal>> pour(UploadSink* sink, std::uint64_t bytes_max);
    Async<bool> respond(Response response);
    Async<bool> respond_file(Response response);
    Async<bool> refuse(int status, Error error);
    Async<bool> send(std::string_view bytes);
    Async<void> blocking(std::function<void()> work);
    Async<void> shut_down();

    Request make_request();
    std::optional<Error> examine(Request& request);
    std::optional<Error> framing_error() const;
    void due_in(Duration);
    void due_at(Instant);
    bool keeps_open() const;
    bool is_head_request() const;
    std::string_view field(std::string_view name) const;

    std::shared_ptr<HttpHost> host_;
    std::shared_ptr<HttpRack> rack_;
    Wire wire_;
    std::string peer_;
    bool from_loopback_ = false;
    bool closing_ = false;
    bool refused_ = false;
    bool over_ = false;
    Instant deadline_ = Instant::max();
    Instant body_due_ = Instant::max();  // of a body that is read whole
    Timer wake_;
    bool blocking_done_ = true;
    HttpVerdict verdict_;
    boost::beast::flat_buffer input_;
    std::unique_ptr<Parser> parser_;  // of the request under way
    std::string output_;
    std::string piece_;
    std::string body_;
    std::string request_id_;
    std::shared_ptr<WebSocketLink> websocket_;
};

}  // namespace shoal::io
