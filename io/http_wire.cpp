#include "io/http_wire.h"

#include <tuple>
#include <vector>

#include <boost/asio/connect.hpp>
#include <openssl/ssl.h>

namespace shoal::io {

namespace {

using Endpoint = asio::ip::tcp::endpoint;
using Resolver = asio::ip::basic_resolver<asio::ip::tcp, Executor>;

/// One attempt to connect: it and its alarm share this, and end together.
struct Dialling {
    Dialling(const Executor& executor, BaseUrl to)
        : server(std::move(to)), wire(Socket(executor)), resolver(executor), alarm(executor) {}

    BaseUrl server;
    Wire wire;
    Resolver resolver;
    Timer alarm;
    bool late = false;
};

void set_alarm(const std::shared_ptr<Dialling>& dialling, Duration time_max) {
    dialling->alarm.expires_after(time_max);
    dialling->alarm.async_wait([dialling](const Failure& failure) {
        if (failure) return;
        dialling->late = true;
        dialling->resolver.cancel();
        dialling->wire.close();
    });
}

Error failed(const Dialling& dialling, const std::string& why) {
    if (!dialling.late) return unreachable(dialling.server, why);
    Error error = unreachable(dialling.server, "no answer in time");
    error.code = Code::timeout;
    return error;
}

/// Why the handshake ended: the certificate, if that was it.
Error refused(const Dialling& dialling, const Failure& failure) {
    const long verdict = SSL_get_verify_result(dialling.wire.tls().native());
    if (dialling.late || verdict == X509_V_OK) return failed(dialling, failure.message());
    Error error{Code::denied, "the certificate of " + to_string(dialling.server)};
    if (dialling.server.pin) {
        error.what += " is not the one with the pin #sha256=" + to_string(*dialling.server.pin);
        return error;
    }
    error.what += " is not trusted: ";
    error.what += X509_verify_cert_error_string(verdict);
    return error;
}

/// A literal address is taken as it is, without asking anybody.
Async<Result<std::vector<Endpoint>>> resolve(std::shared_ptr<Dialling> dialling) {
    std::vector<Endpoint> endpoints;
    Failure failure;
    const auto address = asio::ip::make_address(dialling->server.host, failure);
    if (!failure) {
        endpoints.emplace_back(address, dialling->server.port);
        co_return endpoints;
    }
    const std::string& host = dialling->server.host;
    const std::string port = std::to_string(dialling->server.port);
    const auto flags = Resolver::numeric_service;
    auto resolved = co_await dialling->resolver.async_resolve(host, port, flags, as_value);
    auto& [resolve_failure, found] = resolved;
    if (resolve_failure) co_return failed(*dialling, resolve_failure.message());
    for (const auto& entry : found) endpoints.push_back(entry.endpoint());
    co_return endpoints;
}

Async<Status> connect(std::shared_ptr<Dialling> dialling) {
    auto resolved = co_await resolve(dialling);
    if (!resolved.ok()) co_return resolved.error();
    const std::vector<Endpoint> endpoints = std::move(resolved).value();
    auto connected = co_await asio::async_connect(dialling->wire.socket(), endpoints, as_value);
    const Failure& failure = std::get<0>(connected);
    if (failure || dialling->late) co_return failed(*dialling, failure.message());
    Failure ignored;
    std::ignore = dialling->wire.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    co_return Done{};
}

Async<Status> secure(std::shared_ptr<Dialling> dialling) {
    const auto context = client_tls(dialling->server);
    if (!context.ok()) co_return context.error();
    TlsStream& tls = dialling->wire.begin_tls(context.value());
    SSL_set_tlsext_host_name(tls.native(), dialling->server.host.c_str());
    auto shaken = co_await tls.async_handshake(TlsStream::Role::client, as_value);
    const Failure& failure = std::get<0>(shaken);
    if (failure) co_return refused(*dialling, failure);
    co_return Done{};
}

}  // namespace

TlsStream& Wire::begin_tls(const TlsContext& trust) const {
    check(!secure());
    state_->tls = std::make_unique<TlsStream>(state_->socket, trust);
    return *state_->tls;
}

void Wire::close() const {
    Failure ignored;
    std::ignore = state_->socket.close(ignored);
}

Async<Result<Wire>> dial(Executor executor, BaseUrl server, Duration time_max) {
    auto dialling = std::make_shared<Dialling>(executor, std::move(server));
    set_alarm(dialling, time_max);
    auto status = co_await connect(dialling);
    if (status.ok() && dialling->server.secure) status = co_await secure(dialling);
    dialling->alarm.cancel();
    if (!status.ok()) co_return status.error();
    if (dialling->late) co_return failed(*dialling, "no answer in time");
    co_return dialling->wire;
}

Error unreachable(const BaseUrl& server, const std::string& why) {
    return Error{Code::unavailable, "cannot reach the market at " + to_string(server) + ": " + why};
}

}  // namespace shoal::io
