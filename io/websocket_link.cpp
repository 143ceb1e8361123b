#include "io/websocket_link.h"

#include <tuple>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>

namespace shoal::io {

namespace websocket = boost::beast::websocket;

namespace {

constexpr std::size_t reason_bytes_max = 123;  // a close frame has room for no more
constexpr Duration greeting_time_max{10'000};
constexpr std::size_t buffer_kept_max = 64 << 10;  // after a message that was longer
constexpr const char* too_slow = "the peer reads too slowly";

namespace ended {
constexpr std::uint16_t going_away = 1001;
constexpr std::uint16_t protocol = 1002;
constexpr std::uint16_t not_text = 1003;
constexpr std::uint16_t no_code = 1005;
constexpr std::uint16_t broken = 1006;
constexpr std::uint16_t policy = 1008;
constexpr std::uint16_t too_big = 1009;
}  // namespace ended

/// Cut so that no UTF-8 sequence is split.
std::string cut_reason(std::string reason) {
    if (reason.size() <= reason_bytes_max) return reason;
    std::size_t end = reason_bytes_max;
    while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xC0U) == 0x80) --end;
    reason.resize(end);
    return reason;
}

Error declined(const websocket::response_type& response) {
    const unsigned status = response.result_int();
    const Code code = status == 401 || status == 403 ? Code::denied : Code::unavailable;
    std::string what = "the market refused the connection with status " + std::to_string(status);
    const std::string& body = response.body();
    if (!body.empty() && body.size() <= 4'096) what += ": " + body;
    return Error{code, std::move(what)};
}

}  // namespace

struct WebSocketLink::Stream {
    Stream(Wire open, const WebSocketLimits& limits, Duration handshake_time_max)
        : wire(std::move(open)), protocol(wire) {
        websocket::stream_base::timeout timeout{};
        timeout.handshake_timeout = handshake_time_max;
        timeout.idle_timeout = limits.silence_max;
        timeout.keep_alive_pings = true;
        protocol.set_option(timeout);
        protocol.read_message_max(limits.message_bytes_max);
        protocol.text(true);
        protocol.auto_fragment(false);
    }

    Wire wire;
    websocket::stream<Wire, false> protocol;
};

/// Shared with the receipts, which may outlive everything else here.
struct WebSocketLink::Unread {
    explicit Unread(Executor on) : executor(std::move(on)) {}

    Executor executor;
    Mutex mutex;
    std::size_t count __attribute__((guarded_by(mutex))) = 0;
    WebSocketLink* link __attribute__((guarded_by(mutex))) = nullptr;  // while it reads
};

WebSocketLink::WebSocketLink(Executor executor, WebSocketEvents events, WebSocketLimits limits)
    : executor_(std::move(executor)),
      events_(std::move(events)),
      limits_(limits),
      waits_(std::make_unique<Waits>(executor_)),
      unread_(std::make_shared<Unread>(executor_)) {
    const Lock lock(unread_->mutex);
    unread_->link = this;
}

WebSocketLink::~WebSocketLink() {
    const Lock lock(unread_->mutex);
    unread_->link = nullptr;
}

void WebSocketLink::send(std::string text) {
    const Lock lock(mutex_);
    if (over_ || closing_) return;
    // One long message is no sign of a slow peer.
    if (!queue_.empty() && queue_bytes_ + text.size() > limits_.queue_bytes_max) {
        queue_.clear();
        queue_bytes_ = 0;
        closing_ = Ending{ended::policy, too_slow};
        asio::post(executor_, [self = shared_from_this()] { self->part_from_slow_peer(); });
        return;
    }
    queue_bytes_ += text.size();
    queue_.push_back(std::move(text));
    if (queue_.size() == 1)
        asio::post(executor_, [self = shared_from_this()] { self->wake_writer(); });
}

/// It is told why, if it reads on: what is being sent must end first.
void WebSocketLink::part_from_slow_peer() {
    wake_writer();
    if (!waits_) return;
    waits_->goodbye.expires_after(limits_.goodbye_max);
    waits_->goodbye.async_wait([self = shared_from_this()](const Failure& cancelled) {
        if (!cancelled) self->break_off(ended::policy, too_slow);
    });
}

void WebSocketLink::close(std::uint16_t code, std::string reason) {
    const Lock lock(mutex_);
    if (over_ || closing_) return;
    closing_ = Ending{code, cut_reason(std::move(reason))};
    asio::post(executor_, [self = shared_from_this()] { self->wake_writer(); });
}

std::size_t WebSocketLink::queued_bytes() const {
    const Lock lock(mutex_);
    return queue_bytes_;
}

void WebSocketLink::abandon() {
    const Lock lock(mutex_);
    if (std::exchange(over_, true)) return;
    asio::post(executor_, [self = shared_from_this()] {
        self->break_off(ended::going_away, "this side went away");
    });
}

void WebSocketLink::give_up(const std::string& why) {
    settle(Ending{ended::broken, why});
    end();
}

void WebSocketLink::discard() {
    events_ = {};
    give_up("");
}

Async<void> WebSocketLink::serve(Wire wire, WebSocketGreeting greeting) {
    const auto self = shared_from_this();
    stream_ = std::make_unique<Stream>(wire, limits_, greeting_time_max);
    const auto head = asio::buffer(greeting.raw_request);
    auto accepted = co_await stream_->protocol.async_accept(head, as_value);
    const Failure& failure = std::get<0>(accepted);
    if (failure) settle(Ending{ended::broken, failure.message()});
    if (ending_) {
        end();
        co_return;
    }
    co_await run();
}

Async<Status> WebSocketLink::connect(Wire wire, WebSocketGreeting greeting, Duration time_max) {
    const auto self = shared_from_this();
    stream_ = std::make_unique<Stream>(wire, limits_, time_max);
    if (ending_) co_return Error{Code::unavailable, ending_->reason};
    const auto add_headers = [fields = greeting.headers](websocket::request_type& request) {
        for (const Field& field : fields) request.set(field.name, field.value);
    };
    stream_->protocol.set_option(websocket::stream_base::decorator(add_headers));
    websocket::response_type response;
    auto shaken = co_await stream_->protocol.async_handshake(response, greeting.host,
                                                             greeting.target, as_value);
    const Failure& failure = std::get<0>(shaken);
    if (failure == websocket::error::upgrade_declined) co_return declined(response);
    if (failure == boost::beast::error::timeout) {
        co_return Error{Code::timeout, "the market did not answer the handshake in time"};
    }
    if (failure) co_return Error{Code::unavailable, "the handshake failed: " + failure.message()};
    if (ending_) co_return Error{Code::unavailable, ending_->reason};
    co_return Done{};
}

Async<void> WebSocketLink::run() {
    const auto self = shared_from_this();
    writing_ = true;
    asio::co_spawn(executor_, write_all(self), or_end);
    co_await read_all();
    reading_ended_ = true;
    wake_writer();
    while (writing_) co_await waits_->writer_ended.async_wait(as_value);
    end();
}

Async<void> WebSocketLink::read_all() {
    boost::beast::flat_buffer buffer;
    for (;;) {
        co_await wait_until_read();
        if (ending_) co_return;
        auto read = co_await stream_->protocol.async_read(buffer, as_value);
        const Failure& failure = std::get<0>(read);
        if (failure) {
            settle(ending_of(failure));
            co_return;
        }
        const auto data = buffer.cdata();
        std::string text(static_cast<const char*>(data.data()), data.size());
        buffer.consume(buffer.size());
        if (buffer.capacity() > buffer_kept_max) buffer.shrink_to_fit();
        hear(std::move(text));
    }
}

void WebSocketLink::hear(std::string text) {
    if (ending_) return;
    if (stream_->protocol.got_text()) {
        events_.message(std::move(text), make_receipt());
    } else {
        close(ended::not_text, "expected text");
    }
}

WebSocketLink::Ending WebSocketLink::ending_of(const Failure& failure) const {
    if (failure == websocket::error::closed) {
        const websocket::close_reason& said = stream_->protocol.reason();
        const std::uint16_t code = said.code == 0 ? ended::no_code : said.code;
        return {code, std::string(said.reason.data(), said.reason.size())};
    }
    if (sent_close_) return *sent_close_;
    if (failure == websocket::error::message_too_big) return {ended::too_big, failure.message()};
    const auto& protocol = make_error_code(websocket::error::closed).category();
    const bool is_wrong = failure.category() == protocol;
    return {is_wrong ? ended::protocol : ended::broken, failure.message()};
}

Async<void> WebSocketLink::wait_until_read() {
    for (;;) {
        {
            const Lock lock(unread_->mutex);
            if (ending_ || unread_->count < limits_.unread_max) co_return;
        }
        co_await waits_->unread_changed.async_wait(as_value);
    }
}

Receipt WebSocketLink::make_receipt() {
    {
        const Lock lock(unread_->mutex);
        ++unread_->count;
    }
    const auto give_back = [unread = unread_, most = limits_.unread_max](void*) {
        const Lock lock(unread->mutex);
        if (unread->count-- < most || unread->link == nullptr) return;
        const auto link = unread->link->weak_from_this();
        asio::post(unread->executor, [link] {
            if (const auto self = link.lock()) self->wake_reader();
        });
    };
    return {unread_.get(), give_back};
}

Async<void> WebSocketLink::write_all(std::shared_ptr<WebSocketLink> self) {
    for (bool more = true; more;) {
        std::string text;
        switch (next(text)) {
            case Next::message:
                co_await send_one(std::move(text));
                break;
            case Next::wait:
                co_await waits_->queue_changed.async_wait(as_value);
                break;
            case Next::over:
                more = false;
                break;
            case Next::close: {
                co_await send_close();
                more = false;
                break;
            }
        }
    }
    self->writing_ = false;
    self->waits_->writer_ended.cancel();
}

Async<void> WebSocketLink::send_one(std::string text) {
    const auto bytes = asio::buffer(text);
    auto written = co_await stream_->protocol.async_write(bytes, as_value);
    if (std::get<0>(written)) break_off(ended::broken, std::get<0>(written).message());
}

Async<void> WebSocketLink::send_close() {
    websocket::close_reason reason;
    const Ending ending = wanted_close();
    sent_close_ = ending;
    reason.code = ending.code;
    reason.reason.assign(ending.reason.data(), ending.reason.size());
    auto closed = co_await stream_->protocol.async_close(reason, as_value);
    // When the handshake went well the reader ends by itself.
    if (std::get<0>(closed)) break_off(ending.code, ending.reason);
}

WebSocketLink::Ending WebSocketLink::wanted_close() const {
    const Lock lock(mutex_);
    return closing_.value_or(Ending{ended::going_away, {}});
}

WebSocketLink::Next WebSocketLink::next(std::string& text) {
    if (ending_ || reading_ended_) return Next::over;
    const Lock lock(mutex_);
    if (!queue_.empty()) {
        text = std::move(queue_.front());
        queue_.pop_front();
        queue_bytes_ -= text.size();
        return Next::message;
    }
    return closing_ ? Next::close : Next::wait;
}

void WebSocketLink::settle(Ending ending) {
    if (!ending_) ending_ = std::move(ending);
}

void WebSocketLink::break_off(std::uint16_t code, std::string reason) {
    settle(Ending{code, std::move(reason)});
    if (stream_) stream_->wire.close();
    wake_writer();
    wake_reader();
}

void WebSocketLink::wake_writer() {
    if (waits_) waits_->queue_changed.cancel();
}

void WebSocketLink::wake_reader() {
    if (waits_) waits_->unread_changed.cancel();
}

void WebSocketLink::end() {
    {
        const Lock lock(mutex_);
        over_ = true;
        queue_.clear();
        queue_bytes_ = 0;
    }
    {
        const Lock lock(unread_->mutex);
        unread_->link = nullptr;
    }
    if (stream_) stream_->wire.close();
    stream_.reset();
    waits_.reset();
    const auto events = std::exchange(events_, {});
    const Ending ending = ending_.value_or(Ending{ended::broken, {}});
    if (events.closed) events.closed(ending.code, ending.reason);
}

}  // namespace shoal::io
