#include "io/tls_stream.h"

#include <array>
#include <functional>
#include <string>
#include <tuple>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/write.hpp>

#include "core/random.h"
#include "io/http_test_bench.h"

namespace shoal::io {
namespace {

using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;

/// Both ends of one connection, after the handshake, on one thread.
struct Ends {
    explicit Ends(const std::function<Async<void>(Ends&)>& test) {
        const CertificateFiles files{folder / "certificate.pem", folder / "key.pem"};
        REQUIRE(make_self_signed(files, "127.0.0.1").ok());
        Acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
        client_socket.connect(acceptor.local_endpoint());
        acceptor.accept(server_socket);
        server = std::make_unique<TlsStream>(server_socket, server_tls(files).value());
        const BaseUrl url{true, "127.0.0.1", 1, pin_of(files.certificate).value()};
        client = std::make_unique<TlsStream>(client_socket, client_tls(url).value());
        asio::co_spawn(context, shake(*server, TlsStream::Role::server), or_end);
        asio::co_spawn(context, shake(*client, TlsStream::Role::client), or_end);
        context.run();
        REQUIRE(shaken == 2);
        context.restart();
        asio::co_spawn(context, test(*this), or_end);
        context.run();
        CHECK(passed);
    }

    Async<void> shake(TlsStream& stream, TlsStream::Role role) {
        const auto done = co_await stream.async_handshake(role, as_value);
        if (!std::get<0>(done)) ++shaken;
    }

    TestFolder folder;
    asio::io_context context{1};
    Socket client_socket{context.get_executor()};
    Socket server_socket{context.get_executor()};
    std::unique_ptr<TlsStream> server;
    std::unique_ptr<TlsStream> client;
    int shaken = 0;
    bool passed = false;  // the test came to its end
};

std::string some_bytes(std::size_t size) {
    Random random(1);
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random.below(256));
    return bytes;
}

Async<void> send_all(TlsStream& stream, std::string bytes) {
    const auto sent = co_await asio::async_write(stream, asio::buffer(bytes), as_value);
    CHECK(std::get<1>(sent) == bytes.size());
}

Async<Failure> read_one(TlsStream& stream) {
    std::array<char, 16> place{};
    const auto read = co_await stream.async_read_some(asio::buffer(place), as_value);
    co_return std::get<0>(read);
}

}  // namespace

TEST_CASE("more than all buffers hold passes both ways at once, unchanged") {
    const Ends ends([](Ends& it) -> Async<void> {
        const std::string up = some_bytes(5'000'000);
        const std::string down = some_bytes(3'000'000);
        asio::co_spawn(it.context, send_all(*it.client, up), or_end);
        asio::co_spawn(it.context, send_all(*it.server, down), or_end);
        std::string at_server(up.size(), '\0');
        std::string at_client(down.size(), '\0');
        const auto first = co_await asio::async_read(*it.server, asio::buffer(at_server), as_value);
        const auto second =
            co_await asio::async_read(*it.client, asio::buffer(at_client), as_value);
        CHECK_FALSE(std::get<0>(first));
        CHECK_FALSE(std::get<0>(second));
        CHECK(at_server == up);
        CHECK(at_client == down);
        it.passed = true;
    });
}

TEST_CASE("pieces that are written together come together") {
    const Ends ends([](Ends& it) -> Async<void> {
        const std::array<asio::const_buffer, 4> pieces{asio::buffer("", 0), asio::buffer("head", 4),
                                                       asio::buffer("", 0),
                                                       asio::buffer("content", 7)};
        const auto sent = co_await it.client->async_write_some(pieces, as_value);
        CHECK(std::get<1>(sent) == 11);
        std::array<char, 64> place{};
        const auto read = co_await it.server->async_read_some(asio::buffer(place), as_value);
        CHECK(std::string(place.data(), std::get<1>(read)) == "headcontent");
        it.passed = true;
    });
}

TEST_CASE("an end that is said and one that is not are told apart") {
    const Ends said([](Ends& it) -> Async<void> {
        asio::co_spawn(
            it.context,
            [](Ends& ends) -> Async<void> {
                const auto shut = co_await ends.client->async_shutdown(as_value);
                CHECK_FALSE(std::get<0>(shut));
            }(it),
            or_end);
        CHECK(co_await read_one(*it.server) == asio::error::eof);
        const auto shut = co_await it.server->async_shutdown(as_value);
        CHECK_FALSE(std::get<0>(shut));
        it.passed = true;
    });
    const Ends unsaid([](Ends& it) -> Async<void> {
        it.client_socket.shutdown(Socket::shutdown_send);
        CHECK(co_await read_one(*it.server) == asio::ssl::error::stream_truncated);
        it.passed = true;
    });
}

TEST_CASE("what waits ends when its socket is closed, and nothing works on a closed one") {
    const Ends ends([](Ends& it) -> Async<void> {
        asio::post(it.context, [&it] { it.server_socket.close(); });
        CHECK(co_await read_one(*it.server) == asio::error::operation_aborted);
        CHECK(co_await read_one(*it.server));
        const auto sent = co_await it.server->async_write_some(asio::buffer("x", 1), as_value);
        CHECK(std::get<0>(sent));
        it.passed = true;
    });
}

TEST_CASE("bytes that are no TLS end the connection with an error") {
    const Ends ends([](Ends& it) -> Async<void> {
        const auto sent =
            co_await asio::async_write(it.client_socket, asio::buffer(some_bytes(100)), as_value);
        CHECK(std::get<1>(sent) == 100);
        const Failure failure = co_await read_one(*it.server);
        CHECK(failure.category() == asio::error::get_ssl_category());
        it.passed = true;
    });
}

}  // namespace shoal::io
