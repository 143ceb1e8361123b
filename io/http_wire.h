#pragma once

// A TCP connection, with or without TLS, as the HTTP and WebSocket code sees it. Only the sources
// of io/ include this.

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/beast/websocket/teardown.hpp>

#include "core/result.h"
#include "core/time.h"
#include "io/loop_asio.h"
#include "io/tls_stream.h"
#include "io/url.h"

namespace shoal::io {

using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;

/// A shared handle; all copies are the same connection. Models Asio's AsyncStream, so that there
/// is one compiled protocol above it and not two.
class Wire {
public:
    using executor_type = Executor;

    explicit Wire(Socket socket) : state_(std::make_shared<State>(std::move(socket))) {}

    executor_type get_executor() const { return state_->socket.get_executor(); }
    Socket& socket() const { return state_->socket; }
    bool secure() const { return state_->tls != nullptr; }

    /// From here on the connection speaks TLS; the handshake comes next.
    TlsStream& begin_tls(const TlsContext&) const;
    TlsStream& tls() const { return *state_->tls; }

    /// At once; whatever is under way ends with an error.
    void close() const;

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        if (secure()) return tls().async_read_some(buffers, std::forward<Token>(token));
        return socket().async_read_some(buffers, std::forward<Token>(token));
    }

    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        if (secure()) return tls().async_write_some(buffers, std::forward<Token>(token));
        return socket().async_write_some(buffers, std::forward<Token>(token));
    }

    // Beast's ways to ask for an end.
    friend void beast_close_socket(Wire& wire) { wire.close(); }
    template <class Handler>
    friend void async_teardown(boost::beast::role_type role, Wire& wire, Handler&& handler) {
        if (wire.secure()) return wire.tls().async_shutdown(std::forward<Handler>(handler));
        using boost::beast::websocket::async_teardown;
        async_teardown(role, wire.socket(), std::forward<Handler>(handler));
    }

private:
    struct State {
        explicit State(Socket open) : socket(std::move(open)) {}
        Socket socket;
        std::unique_ptr<TlsStream> tls;
    };
    std::shared_ptr<State> state_;
};

/// Connects to a server, with TLS if it wants it, within the time. unavailable, timeout; denied:
/// its certificate is not trusted.
Async<Result<Wire>> dial(Executor executor, BaseUrl server, Duration time_max);

/// `cannot reach the market at http://host:port: why`.
Error unreachable(const BaseUrl& server, const std::string& why);

}  // namespace shoal::io
