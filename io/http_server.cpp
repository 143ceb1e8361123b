#include "io/http_server.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include "core/check.h"
#include "io/http_connection.h"
#include "io/http_wire.h"
#include "io/mutex.h"

namespace shoal::io {

namespace {

using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;

constexpr Duration accept_pause{100};  // when no descriptors are left

Error listen_error(const std::string& address, std::uint16_t port, const Failure& failure) {
    const std::string at = " on " + address;
    const std::string number = std::to_string(port);
    if (failure == asio::error::address_in_use) {
        return Error{Code::conflict, "port " + number + " is in use" + at};
    }
    const std::string what = "cannot listen to port " + number + at + ": " + failure.message();
    if (failure == asio::error::access_denied) return Error{Code::denied, what};
    return Error{Code::invalid, what};
}

/// Whose connection it is. Whoever has one address of IPv6 has all of its /64.
std::string peer_of(const Socket& socket) {
    Failure failure;
    const auto address = socket.remote_endpoint(failure).address();
    if (failure) return "";
    if (address.is_v4()) return address.to_string();
    const auto whole = address.to_v6();
    if (whole.is_v4_mapped()) {
        return asio::ip::make_address_v4(asio::ip::v4_mapped, whole).to_string();
    }
    constexpr std::size_t network_bytes = 8;
    auto bytes = whole.to_bytes();
    std::fill(bytes.begin() + network_bytes, bytes.end(), std::uint8_t{0});
    return asio::ip::make_address_v6(bytes).to_string() + "/64";
}

/// Stands in for a WebSocket whose connection was already gone when it was accepted.
class GoneWebSocket : public WebSocket {
public:
    void send(std::string) override {}
    void close(std::uint16_t, std::string) override {}
    std::size_t queued_bytes() const override { return 0; }
};

}  // namespace

class Exchange::Inside {
public:
    explicit Inside(std::shared_ptr<HttpSlot> slot) : slot_(std::move(slot)) {}
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside() { slot_->abandon(); }  // NOLINT(bugprone-exception-escape): only without memory
    HttpSlot& slot() { return *slot_; }

private:
    std::shared_ptr<HttpSlot> slot_;
};

Exchange make_exchange(std::shared_ptr<HttpSlot> slot) {
    return Exchange(std::make_shared<Exchange::Inside>(std::move(slot)));
}

void Exchange::answer(Response response) const {
    inside_->slot().settle(std::move(response));
}

void Exchange::receive(std::unique_ptr<UploadSink> sink, std::uint64_t bytes_max) const {
    inside_->slot().settle(HttpUpload{std::move(sink), bytes_max});
}

std::shared_ptr<WebSocket> Exchange::accept(WebSocketEvents events, WebSocketLimits limits) const {
    return inside_->slot().accept(std::move(events), limits);
}

HttpSlot::HttpSlot(HttpConnection* connection, std::string request_id, bool wants_websocket)
    : request_id_(std::move(request_id)),
      wants_websocket_(wants_websocket),
      connection_(connection) {}

void HttpSlot::settle(HttpVerdict verdict) {
    const Lock lock(mutex_);
    check(!std::exchange(settled_, true));
    deliver(std::move(verdict));
}

std::shared_ptr<WebSocket> HttpSlot::accept(WebSocketEvents events, WebSocketLimits limits) {
    const Lock lock(mutex_);
    check(wants_websocket_ && !std::exchange(settled_, true));
    if (connection_ == nullptr) {
        events.closed(1006, "the connection has ended");
        return std::make_shared<GoneWebSocket>();
    }
    auto link = std::make_shared<WebSocketLink>(connection_->executor(), std::move(events), limits);
    deliver(link);
    return link;
}

void HttpSlot::abandon() {
    const Lock lock(mutex_);
    if (std::exchange(settled_, true)) return;
    const Error lost{Code::unavailable, "the request was given up without an answer"};
    deliver(refusal(lost, request_id_));
}

void HttpSlot::detach() {
    const Lock lock(mutex_);
    connection_ = nullptr;
}

void HttpSlot::deliver(HttpVerdict verdict) {
    if (connection_ == nullptr) return;
    if (connection_->executor().running_in_this_thread()) {
        connection_->take(std::move(verdict));
        return;
    }
    asio::post(connection_->executor(),
               [connection = connection_->shared_from_this(),
                verdict = std::move(verdict)]() mutable { connection->take(std::move(verdict)); });
}

void HttpRack::note(Instant deadline) {
    if (deadline >= armed) return;
    armed = deadline;
    alarm.expires_at(deadline);
    alarm.async_wait([rack = shared_from_this()](const Failure& failure) {
        if (!failure) rack->sweep();
    });
}

void HttpRack::sweep() {
    const Instant now = std::chrono::steady_clock::now();
    armed = Instant::max();
    Instant next = Instant::max();
    for (const auto& connection : connections) {
        if (connection->deadline() <= now) {
            connection->close();
        } else {
            next = std::min(next, connection->deadline());
        }
    }
    if (next != Instant::max()) note(next);
}

struct HttpServer::Inside : std::enable_shared_from_this<HttpServer::Inside> {
    Inside(std::shared_ptr<HttpHost> of, asio::io_context& context)
        : host(std::move(of)),
          acceptor(context.get_executor()),
          pause(context.get_executor()),
          tls(host->settings.tls) {}

    Status listen();
    Async<void> accept(std::shared_ptr<Inside> self);
    Async<void> serve(std::shared_ptr<Inside> self, std::shared_ptr<HttpRack> rack, Wire wire,
                      std::string peer);
    bool begin_one(const std::string& peer);
    void end_one();
    void end_one(const std::string& peer);
    void stop();

    std::shared_ptr<HttpHost> host;
    Acceptor acceptor;
    Timer pause;
    std::vector<std::shared_ptr<HttpRack>> racks;
    std::atomic<bool> stopping{false};

    Mutex mutex;
    std::condition_variable_any ended;
    std::size_t live __attribute__((guarded_by(mutex))) = 0;  // coroutines that have not ended
    std::map<std::string, std::size_t> peers __attribute__((guarded_by(mutex)));  // live, of each
    std::optional<TlsContext> tls __attribute__((guarded_by(mutex)));
};

Status HttpServer::Inside::listen() {
    const Settings& settings = host->settings;
    Failure failure;
    const auto address = asio::ip::make_address(settings.address, failure);
    if (failure) return Error{Code::invalid, "not an address: " + settings.address};
    if (!address.is_loopback() && !settings.tls) {
        return Error{Code::invalid, "listening on " + settings.address +
                                        " demands TLS (--tls-cert and --tls-key): only loopback "
                                        "may do without"};
    }
    const asio::ip::tcp::endpoint endpoint(address, settings.port);
    std::ignore = acceptor.open(endpoint.protocol(), failure);
    if (!failure)
        std::ignore = acceptor.set_option(asio::socket_base::reuse_address(true), failure);
    if (!failure) std::ignore = acceptor.bind(endpoint, failure);
    if (!failure) {
        std::ignore = acceptor.listen(asio::socket_base::max_listen_connections, failure);
    }
    if (failure) return listen_error(settings.address, settings.port, failure);
    host->port = acceptor.local_endpoint().port();
    return Done{};
}

Async<void> HttpServer::Inside::accept(std::shared_ptr<Inside> self) {
    for (std::size_t turn = 0; !stopping; ++turn) {
        const auto rack = racks[turn % racks.size()];
        auto accepted = co_await acceptor.async_accept(rack->context, as_value);
        auto& [failure, socket] = accepted;
        if (failure) {
            pause.expires_after(accept_pause);
            if (!stopping) co_await pause.async_wait(as_value);
            continue;
        }
        const std::string peer = peer_of(socket);
        if (!begin_one(peer)) continue;  // closes the socket
        const Wire wire(std::move(socket));
        asio::co_spawn(rack->context, serve(self, rack, wire, peer), or_end);
    }
    end_one();
}

/// Whether there is room for one more connection.
bool HttpServer::Inside::begin_one(const std::string& peer) {
    const Lock lock(mutex);
    if (live > host->settings.connections_max) return false;
    std::size_t& own = peers[peer];
    if (own >= host->settings.connections_per_peer) return false;
    ++own;
    ++live;
    return true;
}

Async<void> HttpServer::Inside::serve(std::shared_ptr<Inside> self, std::shared_ptr<HttpRack> rack,
                                      Wire wire, std::string peer) {
    if (!stopping) {
        std::optional<TlsContext> trust;
        {
            const Lock lock(mutex);
            trust = tls;
        }
        const auto connection = std::make_shared<HttpConnection>(host, rack, wire, peer);
        rack->connections.insert(connection);
        co_await connection->run(trust);
        rack->connections.erase(connection);
    }
    wire.close();
    self->end_one(peer);
}

void HttpServer::Inside::end_one(const std::string& peer) {
    {
        const Lock lock(mutex);
        const auto own = peers.find(peer);
        check(own != peers.end());
        if (--own->second == 0) peers.erase(own);
    }
    end_one();
}

void HttpServer::Inside::end_one() {
    const Lock lock(mutex);
    --live;
    ended.notify_all();
}

void HttpServer::Inside::stop() {
    if (stopping.exchange(true)) return;
    asio::post(acceptor.get_executor(), [self = shared_from_this()] {
        Failure ignored;
        std::ignore = self->acceptor.close(ignored);
        self->pause.cancel();
    });
    for (const auto& rack : racks) {
        asio::post(rack->context, [rack] {
            const auto connections = rack->connections;  // a copy: they leave as they end
            for (const auto& connection : connections) connection->close();
        });
    }
    {
        Lock lock(mutex);
        while (live > 0) lock.wait(ended);
    }
    for (const auto& rack : racks) {
        asio::post(rack->context, [rack] { rack->alarm.cancel(); });
    }
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(Loop& loop, Settings settings,
                                                      HttpHandlers handlers) {
    check(handlers.request != nullptr);
    auto host = std::make_shared<HttpHost>(loop, std::move(settings), std::move(handlers));
    auto& networks = loop.inside().networks;
    auto inside = std::make_shared<Inside>(std::move(host), networks.front()->context);
    TRY(inside->listen());
    for (const auto& network : networks) {
        inside->racks.push_back(std::make_shared<HttpRack>(network->context));
    }
    {
        const Lock lock(inside->mutex);
        inside->live = 1;
    }
    asio::co_spawn(networks.front()->context, inside->accept(inside), or_end);
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(inside)));
}

HttpServer::HttpServer(std::shared_ptr<Inside> inside) : inside_(std::move(inside)) {}

// NOLINTNEXTLINE(bugprone-exception-escape): only without memory
HttpServer::~HttpServer() {
    stop();
}

std::uint16_t HttpServer::port() const {
    return inside_->host->port;
}

void HttpServer::replace_tls(TlsContext context) {
    const Lock lock(inside_->mutex);
    inside_->tls = std::move(context);
}

void HttpServer::stop() {
    inside_->stop();
}

}  // namespace shoal::io
