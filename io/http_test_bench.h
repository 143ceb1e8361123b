#pragma once

// What the tests of HTTP, WebSocket and TLS share.

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/files.h"
#include "io/http_server.h"
#include "io/loop.h"

namespace shoal::io {

/// A folder that goes with the test.
class TestFolder {
public:
    TestFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "shoal-http-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    TestFolder(const TestFolder&) = delete;
    TestFolder& operator=(const TestFolder&) = delete;
    ~TestFolder() { std::filesystem::remove_all(path_); }

    std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

/// A server on a free port, with its loop.
struct TestServer {
    explicit TestServer(HttpHandlers handlers, HttpServer::Settings settings = {}) {
        auto started = HttpServer::start(loop, std::move(settings), std::move(handlers));
        if (!started.ok()) FAIL(started.error().what);
        server = std::move(started).value();
    }

    BaseUrl url() const { return BaseUrl{false, "127.0.0.1", server->port(), std::nullopt}; }
    std::string host() const { return "127.0.0.1:" + std::to_string(server->port()); }

    Loop loop;
    std::unique_ptr<HttpServer> server;
};

/// A bare TCP connection, for what a good client would never send.
class RawConnection {
public:
    /// From one of this machine's addresses.
    explicit RawConnection(std::uint16_t port, const char* from = "127.0.0.1")
        : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in own{};
        own.sin_family = AF_INET;
        REQUIRE(::inet_pton(AF_INET, from, &own.sin_addr) == 1);
        REQUIRE(::bind(socket_.number(), reinterpret_cast<sockaddr*>(&own), sizeof own) == 0);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::connect(socket_.number(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
    }

    void send(const std::string& text) {
        REQUIRE(::send(socket_.number(), text.data(), text.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(text.size()));
    }

    /// Perhaps the other side has closed.
    void try_send(const std::string& text) const {
        (void)::send(socket_.number(), text.data(), text.size(), MSG_NOSIGNAL);
    }

    /// What comes until the other side closes.
    std::string read_all() {
        std::string all;
        char piece[4'096];
        for (;;) {
            const ssize_t got = ::recv(socket_.number(), piece, sizeof piece, 0);
            if (got <= 0) return all;
            all.append(piece, static_cast<std::size_t>(got));
        }
    }

    /// What comes until the text is there (or the other side closes).
    std::string read_until(const std::string& text) {
        std::string all;
        char c = 0;
        while (all.find(text) == std::string::npos && ::recv(socket_.number(), &c, 1, 0) == 1) {
            all += c;
        }
        return all;
    }

    int number() const { return socket_.number(); }

private:
    Descriptor socket_;
};

inline std::size_t count_of(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
}

}  // namespace shoal::io
