#include "io/tls_stream.h"

#include <algorithm>
#include <cerrno>
#include <limits>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "core/check.h"

namespace shoal::io {

namespace {

Socket& socket_of(BIO* bio) {
    return *static_cast<Socket*>(BIO_get_data(bio));
}

bool is_passing(int failure) {
    return failure == EAGAIN || failure == EWOULDBLOCK || failure == EINTR;
}

/// The socket is asked for its number each time: once it is closed, another connection may have
/// that number. Unlike OpenSSL's own, a write to a peer that is gone raises no signal.
int receive(BIO* bio, char* data, int size) {
    BIO_clear_retry_flags(bio);
    const ssize_t count =
        ::recv(socket_of(bio).native_handle(), data, static_cast<std::size_t>(size), 0);
    if (count < 0 && is_passing(errno)) BIO_set_retry_read(bio);
    if (count == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return static_cast<int>(count);
}

int transmit(BIO* bio, const char* data, int size) {
    BIO_clear_retry_flags(bio);
    const ssize_t count =
        ::send(socket_of(bio).native_handle(), data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
    if (count < 0 && is_passing(errno)) BIO_set_retry_write(bio);
    return static_cast<int>(count);
}

long control(BIO* bio, int command, long /*number*/, void* /*argument*/) {
    if (command == BIO_CTRL_FLUSH) return 1;  // nothing is kept here
    if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    return 0;
}

BIO_METHOD* make_method() {
    BIO_METHOD* method =
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "a socket of the loop");
    check(method != nullptr);
    BIO_meth_set_read(method, receive);
    BIO_meth_set_write(method, transmit);
    BIO_meth_set_ctrl(method, control);
    return method;
}

BIO* make_bio(Socket& socket) {
    static BIO_METHOD* const method = make_method();
    BIO* bio = BIO_new(method);
    check(bio != nullptr);
    BIO_set_data(bio, &socket);
    BIO_set_init(bio, 1);
    return bio;
}

int size_of(std::size_t bytes) {
    constexpr std::size_t most = std::numeric_limits<int>::max();
    return static_cast<int>(std::min(bytes, most));
}

}  // namespace

void TlsStream::Release::operator()(ssl_st* session) const {
    SSL_free(session);
}

TlsStream::TlsStream(Socket& socket, const TlsContext& trust)
    : socket_(socket), trust_(trust), session_(SSL_new(trust.native())) {
    check(session_ != nullptr);
    Failure failed;
    std::ignore = socket_.native_non_blocking(true, failed);  // a closed one fails when it is used
    BIO* bio = make_bio(socket_);
    SSL_set_bio(session_.get(), bio, bio);
    SSL_set_mode(session_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE);
    SSL_set_mode(session_.get(), SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

void TlsStream::begin(Role role) {
    if (role == Role::server) {
        SSL_set_accept_state(session_.get());
    } else {
        SSL_set_connect_state(session_.get());
    }
}

TlsStream::Step TlsStream::shake_hands() {
    ERR_clear_error();
    return judge(SSL_do_handshake(session_.get()));
}

TlsStream::Step TlsStream::read(asio::mutable_buffer place) {
    if (place.size() == 0) return {};
    ERR_clear_error();
    return judge(SSL_read(session_.get(), place.data(), size_of(place.size())));
}

TlsStream::Step TlsStream::write(asio::const_buffer bytes) {
    if (bytes.size() == 0) return {};
    ERR_clear_error();
    const Step step = judge(SSL_write(session_.get(), bytes.data(), size_of(bytes.size())));
    if (step.wish == Step::Wish::over) joined_ = {};
    return step;
}

TlsStream::Step TlsStream::shut() {
    ERR_clear_error();
    int returned = SSL_shutdown(session_.get());
    if (returned == 0) returned = SSL_shutdown(session_.get());  // the first only says it
    return judge(returned);
}

TlsStream::Step TlsStream::judge(int returned) const {
    const int system = errno;
    if (returned > 0) return {Step::Wish::over, {}, static_cast<std::size_t>(returned)};
    const auto failed = [](const Failure& failure) { return Step{Step::Wish::over, failure, 0}; };
    switch (SSL_get_error(session_.get(), returned)) {
        case SSL_ERROR_WANT_READ:
            return {Step::Wish::readable, {}, 0};
        case SSL_ERROR_WANT_WRITE:
            return {Step::Wish::writable, {}, 0};
        case SSL_ERROR_ZERO_RETURN:
            return failed(asio::error::eof);
        case SSL_ERROR_SYSCALL:
            if (system == 0) return failed(asio::ssl::error::stream_truncated);
            return failed({system, boost::system::system_category()});
        default: {
            const unsigned long reason = ERR_get_error();
            if (ERR_GET_REASON(reason) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
                return failed(asio::ssl::error::stream_truncated);
            }
            return failed({static_cast<int>(reason), asio::error::get_ssl_category()});
        }
    }
}

}  // namespace shoal::io
