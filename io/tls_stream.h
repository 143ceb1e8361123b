#pragma once

// TLS over a socket. Only the sources of io/ include this.

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include "io/loop_asio.h"
#include "io/tls.h"

struct ssl_st;

namespace shoal::io {

using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
using Failure = boost::system::error_code;

/// TLS over a connected socket, which OpenSSL reads and writes itself. Models Asio's AsyncStream,
/// as asio::ssl::stream does, but keeps no buffers of its own: that one holds four of 17 KiB for a
/// connection, idle or not, and OpenSSL lets go of its own while nothing is under way.
///
/// One read and one write may be under way at a time, both on the socket's executor. The socket
/// must outlive this; once it is closed, whatever is under way ends with an error.
class TlsStream {
public:
    using executor_type = Executor;
    enum class Role { client, server };

    TlsStream(Socket& socket, const TlsContext& trust);
    TlsStream(const TlsStream&) = delete;
    TlsStream& operator=(const TlsStream&) = delete;
    ~TlsStream() = default;

    executor_type get_executor() const { return socket_.get_executor(); }
    ssl_st* native() const { return session_.get(); }

    template <class Token>
    auto async_handshake(Role role, Token&& token) {
        begin(role);
        return run<void(Failure)>([this] { return shake_hands(); }, std::forward<Token>(token));
    }

    /// eof: the peer has ended its side well; truncated: it broke off.
    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        const asio::mutable_buffer place = first<asio::mutable_buffer>(buffers);
        return run<void(Failure, std::size_t)>([this, place] { return read(place); },
                                               std::forward<Token>(token));
    }

    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        const asio::const_buffer bytes = join(buffers);
        return run<void(Failure, std::size_t)>([this, bytes] { return write(bytes); },
                                               std::forward<Token>(token));
    }

    /// Says that nothing more comes, and waits until the peer says so too.
    template <class Token>
    auto async_shutdown(Token&& token) {
        return run<void(Failure)>([this] { return shut(); }, std::forward<Token>(token));
    }

private:
    struct Step {
        enum class Wish { over, readable, writable } wish = Wish::over;
        Failure failure;
        std::size_t bytes = 0;
    };
    struct Release {
        void operator()(ssl_st* session) const;
    };

    void begin(Role role);
    Step shake_hands();
    Step read(asio::mutable_buffer);
    Step write(asio::const_buffer);
    Step shut();
    Step judge(int returned) const;

    /// The first that has bytes: an empty operation would say nothing of the connection.
    template <class Buffer, class Buffers>
    static Buffer first(const Buffers& buffers) {
        for (auto at = asio::buffer_sequence_begin(buffers);
             at != asio::buffer_sequence_end(buffers); ++at) {
            const Buffer buffer(*at);
            if (buffer.size() > 0) return buffer;
        }
        return {};
    }

    /// Small pieces, like a frame's head and its content, go as one record.
    template <class Buffers>
    asio::const_buffer join(const Buffers& buffers) {
        constexpr std::size_t record = 16 << 10;
        const asio::const_buffer begin = first<asio::const_buffer>(buffers);
        const std::size_t whole = std::min(record, asio::buffer_size(buffers));
        if (begin.size() >= whole) return begin;
        joined_.resize(whole);
        asio::buffer_copy(asio::buffer(joined_), buffers);
        return asio::buffer(joined_);
    }

    /// Tries until it is done, waiting for the socket between. Completes later than it was called.
    template <class Signature, class Try>
    struct Operation {
        TlsStream& stream;
        Try attempt;
        std::optional<Step> done{};
        bool has_waited = false;

        template <class Self>
        void operator()(Self& self, const Failure& wait_failed = {}) {
            if (wait_failed) done = Step{Step::Wish::over, wait_failed, 0};
            if (!done) {
                const Step step = attempt();
                if (step.wish != Step::Wish::over) return wait(self, step.wish);
                done = step;
                if (!has_waited) {
                    return asio::post(stream.get_executor(), std::move(self));
                }
            }
            finish(self, static_cast<Signature*>(nullptr));
        }

        template <class Self>
        void wait(Self& self, typename Step::Wish wish) {
            has_waited = true;
            const auto kind = wish == Step::Wish::readable ? Socket::wait_read : Socket::wait_write;
            stream.socket_.async_wait(kind, std::move(self));
        }
        template <class Self>
        void finish(Self& self, void (* /*signature*/)(Failure)) {
            self.complete(done->failure);
        }
        template <class Self>
        void finish(Self& self, void (* /*signature*/)(Failure, std::size_t)) {
            self.complete(done->failure, done->bytes);
        }
    };

    template <class Signature, class Try, class Token>
    auto run(Try attempt, Token&& token) {
        return asio::async_compose<Token, Signature>(
            Operation<Signature, Try>{*this, std::move(attempt)}, token, socket_);
    }

    Socket& socket_;
    TlsContext trust_;  // keeps what the session looks at
    std::unique_ptr<ssl_st, Release> session_;
    std::vector<char> joined_;  // while it is written
};

}  // namespace shoal::io
