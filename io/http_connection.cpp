#include "io/http_connection.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <tuple>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "core/id.h"
#include "io/http_head.h"

namespace shoal::io {

namespace http = boost::beast::http;

namespace {

constexpr std::size_t piece_bytes = 256 << 10;    // what one call of the blocking pool moves
constexpr std::size_t head_read_bytes = 8 << 10;  // most requests come in one read
constexpr std::size_t body_read_bytes = 64 << 10;
constexpr std::size_t joined_bytes_max = 16 << 10;  // a smaller body goes out with its head
constexpr Duration handshake_time_max{10'000};
constexpr Duration farewell_time_max{2'000};

/// Status and words for a head that could not be read.
std::pair<int, std::string> blame(const Failure& failure) {
    if (failure == http::error::header_limit || failure == http::error::buffer_overflow) {
        return {431, "the head of the request is too long"};
    }
    return {400, "not a request of HTTP/1.1: " + failure.message()};
}

Error too_big(std::uint64_t bytes_max) {
    return Error{Code::exhausted,
                 "expected a body of at most " + std::to_string(bytes_max) + " bytes"};
}

/// Beast's word, against the socket's.
bool is_parse_failure(const Failure& failure) {
    return failure.category() == make_error_code(http::error::need_more).category();
}

WebSocketGreeting greeting_of(const Request& request) {
    WebSocketGreeting greeting;
    greeting.raw_request = "GET " + request.target + " HTTP/1.1\r\n";
    for (const Field& field : request.headers) {
        greeting.raw_request += field.name + ": " + field.value + "\r\n";
    }
    greeting.raw_request += "\r\n";
    return greeting;
}

}  // namespace

HttpConnection::HttpConnection(std::shared_ptr<HttpHost> host, std::shared_ptr<HttpRack> rack,
                               Wire wire, std::string peer)
    : host_(std::move(host)),
      rack_(std::move(rack)),
      wire_(std::move(wire)),
      peer_(std::move(peer)),
      wake_(wire_.get_executor(), Instant::max()),
      input_(host_->settings.head_bytes_max + body_read_bytes) {
    Failure failure;
    const auto endpoint = wire_.socket().remote_endpoint(failure);
    from_loopback_ = !failure && endpoint.address().is_loopback();
    std::ignore = wire_.socket().set_option(asio::ip::tcp::no_delay(true), failure);
}

Async<void> HttpConnection::run(std::optional<TlsContext> tls) {
    const auto self = shared_from_this();
    if (tls) {
        due_in(handshake_time_max);
        TlsStream& stream = wire_.begin_tls(*tls);
        auto shaken = co_await stream.async_handshake(TlsStream::Role::server, as_value);
        if (std::get<0>(shaken)) close();
    }
    for (bool more = !closing_; more;) more = co_await exchange();
    if (!closing_) co_await shut_down();
    close();
    over_ = true;
    take(std::exchange(verdict_, {}));
}

void HttpConnection::close() {
    closing_ = true;
    if (websocket_) {
        websocket_->abandon();
    } else {
        wire_.close();
    }
    wake_.cancel();
}

void HttpConnection::take(HttpVerdict verdict) {
    if (over_) {
        auto* link = std::get_if<std::shared_ptr<WebSocketLink>>(&verdict);
        if (link != nullptr) (*link)->give_up("the connection has ended");
        return;
    }
    verdict_ = std::move(verdict);
    wake_.cancel();
}

/// One request and its answer; whether the connection goes on.
Async<bool> HttpConnection::exchange() {
    parser_ = std::make_unique<Parser>();
    parser_->header_limit(static_cast<std::uint32_t>(host_->settings.head_bytes_max));
    parser_->body_limit(boost::none);
    request_id_ = "req_" + to_base32(host_->next_request.fetch_add(1));
    const Failure failure = co_await read_head();
    if (failure && !is_parse_failure(failure)) co_return false;
    if (failure) {
        const auto [status, message] = blame(failure);
        co_return co_await refuse(status, Error{Code::invalid, message});
    }
    Request request = make_request();
    if (const auto refused = examine(request)) {
        co_return co_await refuse(status_of(refused->code), *refused);
    }
    const BodyPlan plan = host_->handlers.plan ? host_->handlers.plan(request) : BodyPlan{};
    if (plan.mode == BodyPlan::Mode::whole) {
        const Failure broken = co_await read_whole(plan.bytes_max);
        if (broken == http::error::body_limit) {
            co_return co_await refuse(413, too_big(plan.bytes_max));
        }
        if (broken && !is_parse_failure(broken)) co_return false;
        if (broken) co_return co_await refuse(400, Error{Code::invalid, broken.message()});
        request.body = std::exchange(body_, {});
    }
    co_return co_await decide(std::move(request));
}

Async<Failure> HttpConnection::read_head() {
    due_in(host_->settings.idle_time_max);
    if (input_.size() == 0) {
        const Failure failure = co_await read_more(head_read_bytes);
        if (failure) co_return failure;
    }
    for (bool first = true;; first = false) {
        Failure failure;
        input_.consume(parser_->put(input_.cdata(), failure));
        if (failure && failure != http::error::need_more) co_return failure;
        if (parser_->is_header_done()) co_return Failure{};
        if (first) due_in(host_->settings.head_time_max);
        const Failure broken = co_await read_more(head_read_bytes);
        if (broken) co_return broken;
    }
}

Async<Failure> HttpConnection::read_more(std::size_t bytes_max) {
    const std::size_t room = input_.max_size() - input_.size();
    if (room == 0) co_return make_error_code(http::error::buffer_overflow);
    const auto space = input_.prepare(std::min(bytes_max, room));
    auto read = co_await wire_.async_read_some(space, as_value);
    const auto& [failure, size] = read;
    input_.commit(size);
    co_return failure;
}

/// Fills `into` as far as the body goes; less than that is the end of the body. The peer has time
/// for the piece, not for each of its bytes.
Async<HttpConnection::Piece> HttpConnection::read_body(std::span<char> into) {
    Piece piece;
    due_in(host_->settings.progress_time_max);
    if (body_due_ < deadline_) due_at(body_due_);
    while (piece.size < into.size() && !parser_->is_done()) {
        Failure failure = make_error_code(http::error::need_more);
        if (input_.size() > 0) {
            auto& body = parser_->get().body();
            const std::size_t room = into.size() - piece.size;
            body.data = into.data() + piece.size;
            body.size = room;
            body.more = true;
            input_.consume(parser_->put(input_.cdata(), failure));
            piece.size += room - body.size;
        }
        if (failure == http::error::need_more) {
            failure = co_await read_more(body_read_bytes);
        } else if (failure == http::error::need_buffer) {
            failure = {};
        }
        if (failure) {
            piece.failure = failure;
            co_return piece;
        }
    }
    co_return piece;
}

/// Reads the body into body_.
Async<Failure> HttpConnection::read_whole(std::uint64_t bytes_max) {
    body_.clear();
    const auto length = parser_->content_length();
    if (length && *length > bytes_max) co_return make_error_code(http::error::body_limit);
    if (parser_->is_done()) co_return Failure{};
    const Failure failure = co_await send_continue();
    if (failure) co_return failure;
    body_due_ = std::chrono::steady_clock::now() + host_->settings.body_time_max;
    while (!parser_->is_done()) {
        // No more is set aside for what a head promises than has come so far.
        const std::size_t start = body_.size();
        const std::uint64_t rest = length ? *length - start : body_read_bytes;
        const auto next = std::clamp<std::uint64_t>(rest, 1, body_read_bytes);
        body_.resize(start + static_cast<std::size_t>(next));
        const auto piece = co_await read_body(std::span(body_).subspan(start));
        if (piece.failure) co_return piece.failure;
        body_.resize(start + piece.size);
        if (body_.size() > bytes_max) co_return make_error_code(http::error::body_limit);
    }
    body_due_ = Instant::max();
    co_return Failure{};
}

Async<Failure> HttpConnection::send_continue() {
    if (!lists(field("expect"), "100-continue")) co_return Failure{};
    const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    const auto bytes = asio::buffer(go_on);
    auto written = co_await asio::async_write(wire_, bytes, as_value);
    co_return std::get<0>(written);
}

std::string_view HttpConnection::field(std::string_view name) const {
    const auto value = parser_->get()[boost::beast::string_view(name.data(), name.size())];
    return {value.data(), value.size()};
}

Request HttpConnection::make_request() {
    const auto& head = parser_->get();
    const auto text = [](boost::beast::string_view view) {
        return std::string(view.data(), view.size());
    };
    Request request;
    request.method = text(head.method_string());
    request.target = text(head.target());
    request.request_id = request_id_;
    request.from_loopback = from_loopback_;
    request.peer = peer_;
    request.secure = wire_.secure();
    request.wants_websocket = boost::beast::websocket::is_upgrade(head);
    if (const auto length = parser_->content_length()) request.content_length = *length;
    for (const auto& field : head) {
        std::string name = to_lower(text(field.name_string()));
        const auto same = std::ranges::find(request.headers, name, &Field::name);
        if (same == request.headers.end()) {
            request.headers.push_back(Field{std::move(name), text(field.value())});
            continue;
        }
        same->value += ", " + text(field.value());
    }
    return request;
}

/// Where two readers of the same bytes could see two different requests.
std::optional<Error> HttpConnection::framing_error() const {
    const auto& head = parser_->get();
    const auto encodings = head.count(http::field::transfer_encoding);
    const auto lengths = head.count(http::field::content_length);
    if (lengths > 1 || (lengths > 0 && encodings > 0)) {
        return Error{Code::invalid, "expected one Content-Length, or a Transfer-Encoding"};
    }
    if (encodings == 0) return std::nullopt;
    const bool is_chunked =
        encodings == 1 && to_lower(std::string(field("transfer-encoding"))) == "chunked";
    if (is_chunked && head.version() == 11) return std::nullopt;
    return Error{Code::invalid, "expected no Transfer-Encoding but chunked, of HTTP/1.1"};
}

/// What is wrong with a head that HTTP itself allows; completes the request.
std::optional<Error> HttpConnection::examine(Request& request) {
    const Arrival arrival{field("host"), field("origin"), request.secure, host_->port};
    if (auto wrong = framing_error()) return wrong;
    if (parser_->get().count(http::field::host) != 1) {
        return Error{Code::invalid, "expected one Host header"};
    }
    auto admitted = admit(arrival);
    if (!admitted.ok()) return std::move(admitted).error();
    auto target = parse_target(request.target);
    if (!target.ok()) return std::move(target).error();
    Target decoded = std::move(target).value();
    request.path = std::move(decoded.path);
    request.query = std::move(decoded.query);
    const std::string_view range = field("content-range");
    if (range.empty()) return std::nullopt;
    const auto part = parse_content_range(range);
    if (!part.ok()) return part.error();
    if (request.content_length != part.value().last - part.value().first + 1) {
        return Error{Code::invalid, "the Content-Range and the Content-Length do not agree"};
    }
    request.part = part.value();
    return std::nullopt;
}

/// Hands the request out and does what comes back.
Async<bool> HttpConnection::decide(Request request) {
    WebSocketGreeting greeting;
    if (request.wants_websocket) greeting = greeting_of(request);
    const auto slot = std::make_shared<HttpSlot>(this, request_id_, request.wants_websocket);
    host_->handlers.request(std::move(request), make_exchange(slot));
    co_await wait_verdict(slot);
    auto verdict = std::exchange(verdict_, {});
    if (auto* upload = std::get_if<HttpUpload>(&verdict)) {
        co_return co_await receive(std::move(*upload));
    }
    if (auto* response = std::get_if<Response>(&verdict)) {
        co_return co_await respond(std::move(*response));
    }
    if (auto* link = std::get_if<std::shared_ptr<WebSocketLink>>(&verdict)) {
        websocket_ = *link;
        deadline_ = Instant::max();
        if (closing_ || input_.size() > 0) websocket_->abandon();
        co_await websocket_->serve(wire_, std::move(greeting));
        closing_ = true;
    }
    co_return false;
}

Async<void> HttpConnection::wait_verdict(std::shared_ptr<HttpSlot> slot) {
    due_in(host_->settings.answer_time_max);
    while (std::holds_alternative<std::monostate>(verdict_) && !closing_) {
        co_await wake_.async_wait(as_value);
    }
    slot->detach();
}

/// Reads the body into the sink and sends what the sink answers.
Async<bool> HttpConnection::receive(HttpUpload upload) {
    if (parser_->content_length().value_or(0) > upload.bytes_max) {
        co_return co_await refuse(413, too_big(upload.bytes_max));
    }
    const Failure failure = co_await send_continue();
    if (failure) co_return false;
    const auto refusal = co_await pour(upload.sink.get(), upload.bytes_max);
    if (refusal) {
        co_await blocking([&] { upload.sink.reset(); });
        if (refusal->status == 0) co_return false;
        co_return co_await refuse(refusal->status, refusal->error);
    }
    const auto slot = std::make_shared<HttpSlot>(this, request_id_, false);
    co_await blocking([&] {
        upload.sink->finish(make_exchange(slot));
        upload.sink.reset();
    });
    co_await wait_verdict(slot);
    auto verdict = std::exchange(verdict_, {});
    auto* response = std::get_if<Response>(&verdict);
    if (response == nullptr) co_return false;
    co_return co_await respond(std::move(*response));
}

/// The body, piece by piece; why it was refused, if it was.
Async<std::optional<HttpConnection::Refusal>> HttpConnection::pour(UploadSink* sink,
                                                                   std::uint64_t bytes_max) {
    const Refusal broke{0, Error{Code::unavailable, "the connection broke"}};
    piece_.resize(piece_bytes);
    std::uint64_t total = 0;
    for (;;) {
        const auto piece = co_await read_body(std::span(piece_));
        if (piece.failure) co_return broke;
        if (piece.size == 0) co_return std::nullopt;
        total += piece.size;
        if (total > bytes_max) co_return Refusal{413, too_big(bytes_max)};
        const auto bytes = as_bytes(std::string_view(piece_).substr(0, piece.size));
        Status written = Done{};
        co_await blocking([&] { written = sink->write(bytes); });
        if (closing_) co_return broke;
        if (!written.ok()) co_return Refusal{status_of(written.error().code), written.error()};
    }
}

Async<bool> HttpConnection::respond(Response response) {
    if (response.file) co_return co_await respond_file(std::move(response));
    const bool keeps = keeps_open();
    const bool bare = response.status == 204 || response.status == 304;
    AnswerHead head{response.status, response.body.size(), keeps};
    if (bare) head.content_length.reset();
    output_.clear();
    append_head(output_, head, response.headers);
    if (bare || is_head_request()) response.body.clear();
    if (response.body.size() <= joined_bytes_max) output_ += std::exchange(response.body, {});
    if (!co_await send(output_)) co_return false;
    if (!co_await send(response.body)) co_return false;
    co_return keeps;
}

Async<bool> HttpConnection::respond_file(Response response) {
    const FileBody file = std::move(response.file).value_or(FileBody{});
    struct stat facts{};
    if (::fstat(file.file.number(), &facts) != 0) {
        co_return co_await refuse(500, Error{Code::unavailable, "the file cannot be read"});
    }
    const FileConditions conditions{field("range"), field("if-range"), field("if-none-match")};
    const auto size = static_cast<std::uint64_t>(facts.st_size);
    FileAnswer plan = plan_file(file.etag, size, conditions);
    const bool keeps = keeps_open();
    AnswerHead head{plan.status == 200 ? response.status : plan.status, plan.count, keeps};
    if (plan.status == 304) head.content_length.reset();
    std::ranges::move(plan.headers, std::back_inserter(response.headers));
    output_.clear();
    append_head(output_, head, response.headers);
    if (!co_await send(output_)) co_return false;
    if (is_head_request()) co_return keeps;

    piece_.resize(piece_bytes);
    std::uint64_t at = plan.first;
    for (std::uint64_t left = plan.count; left > 0;) {
        const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, piece_bytes));
        ssize_t got = 0;
        co_await blocking([&] {
            got = ::pread(file.file.number(), piece_.data(), wanted, static_cast<off_t>(at));
        });
        if (got <= 0) co_return false;  // the file shrank: the client sees that bytes are missing
        const auto count = static_cast<std::size_t>(got);
        if (!co_await send(std::string_view(piece_).substr(0, count))) co_return false;
        at += count;
        left -= count;
    }
    co_return keeps;
}

/// After this answer the connection ends: of what is left to read, nobody knows the length.
Async<bool> HttpConnection::refuse(int status, Error error) {
    Response response = refusal(error, request_id_);
    response.status = status;
    refused_ = true;
    co_return co_await respond(std::move(response));
}

/// Sends the bytes, which must stay where they are; the peer has time for each piece of them.
Async<bool> HttpConnection::send(std::string_view bytes) {
    while (!bytes.empty()) {
        if (closing_) co_return false;
        const std::string_view piece = bytes.substr(0, piece_bytes);
        due_in(host_->settings.progress_time_max);
        const auto buffer = asio::buffer(piece);
        auto written = co_await asio::async_write(wire_, buffer, as_value);
        if (std::get<0>(written)) co_return false;
        bytes.remove_prefix(piece.size());
    }
    co_return true;
}

bool HttpConnection::keeps_open() const {
    return !refused_ && !closing_ && parser_->is_done() && parser_->keep_alive() &&
           parser_->get().version() == 11;
}

bool HttpConnection::is_head_request() const {
    return parser_->is_header_done() && parser_->get().method() == http::verb::head;
}

/// Runs the work on the blocking pool and waits for it, whatever happens to the connection.
Async<void> HttpConnection::blocking(std::function<void()> work) {
    blocking_done_ = false;
    host_->loop.post_blocking([self = shared_from_this(), work = std::move(work)] {
        work();
        asio::post(self->wire_.get_executor(), [self] {
            self->blocking_done_ = true;
            self->wake_.cancel();
        });
    });
    deadline_ = Instant::max();  // not the peer's to keep
    while (!blocking_done_) co_await wake_.async_wait(as_value);
}

/// Lets the peer read what was sent last: a socket that is closed with unread input takes it back.
Async<void> HttpConnection::shut_down() {
    due_in(farewell_time_max);
    Failure failure;
    if (wire_.secure()) {
        auto shut = co_await wire_.tls().async_shutdown(as_value);
        failure = std::get<0>(shut);
    }
    Failure ignored;
    std::ignore = wire_.socket().shutdown(Socket::shutdown_send, ignored);
    std::array<char, 4'096> rest{};
    const auto space = asio::buffer(rest);
    for (Failure end; !end && !closing_;) {
        auto read = co_await wire_.socket().async_read_some(space, as_value);
        end = std::get<0>(read);
    }
}

void HttpConnection::due_in(Duration duration) {
    due_at(std::chrono::steady_clock::now() + duration);
}

void HttpConnection::due_at(Instant deadline) {
    deadline_ = deadline;
    rack_->note(deadline_);
}

}  // namespace shoal::io
