#include "io/http_client.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/check.h"
#include "io/files.h"
#include "io/http_head.h"
#include "io/http_wire.h"

namespace shoal::io {

namespace http = boost::beast::http;

namespace {

constexpr std::uint32_t head_bytes_max = 64 << 10;
constexpr std::size_t read_bytes = 64 << 10;
constexpr std::size_t piece_bytes = 256 << 10;

/// Whether doing it twice does no harm.
bool is_repeatable(const std::string& method) {
    return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE";
}

bool is_one_line(std::string_view text) {
    return std::ranges::none_of(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

/// The head of a request. invalid: a line break where it would add a header.
Result<std::string> write_head(const BaseUrl& server, const Call& call, std::uint64_t length) {
    bool clean = is_one_line(call.method) && is_one_line(call.target) &&
                 call.target.starts_with('/') && call.target.find(' ') == std::string::npos;
    std::string head = call.method + " " + call.target + " HTTP/1.1\r\nHost: " + authority(server);
    head += "\r\nContent-Length: " + std::to_string(length) + "\r\n";
    for (const Field& field : call.headers) {
        clean = clean && is_one_line(field.name) && is_one_line(field.value);
        head += field.name + ": " + field.value + "\r\n";
    }
    if (!clean) return Error{Code::invalid, "a line break or a space in a request's head"};
    return head + "\r\n";
}

}  // namespace

Duration retry_after(const Reply& reply) {
    constexpr std::int64_t hour_s = 3'600;
    const auto field = std::ranges::find(reply.headers, "retry-after", &Field::name);
    if (field == reply.headers.end()) return Duration{0};
    std::int64_t seconds = 0;
    const char* end = field->value.data() + field->value.size();
    const auto read = std::from_chars(field->value.data(), end, seconds);
    if (read.ec != std::errc{} || read.ptr != end || seconds < 0) return Duration{0};
    return Duration{std::min(seconds, hour_s) * 1'000};
}

/// The connection, and one call at a time. Whoever awaits one of its coroutines runs the context.
struct HttpClient::Inside {
    using Parser = http::response_parser<http::buffer_body>;

    Inside(BaseUrl to, Settings with) : server(std::move(to)), settings(with) {}

    template <class T>
    Result<T> run(Async<Result<T>> work);
    template <class T>
    Async<void> keep(Async<Result<T>> work, Result<T>* result);

    Async<Result<Reply>> call(Call call);
    Async<Result<Reply>> send_file(Call call, int file, ContentRange range);
    Async<Result<Fetched>> fetch_file(Call call, int file, std::uint64_t bytes_max);
    Async<Result<Fetched>> receive(int file, std::uint64_t have, std::uint64_t bytes_max);
    Async<Result<Fetched>> store(int file, std::uint64_t start, std::uint64_t bytes_max);

    Async<Status> begin(std::string head);
    Async<Status> send(std::string_view bytes);
    Async<Status> pour(int file, ContentRange range);
    Async<Status> read_head(std::string method);
    Async<Status> read_more();
    std::size_t parse_body(std::span<char> into, Failure& failure);
    Async<Status> read_more_body();
    Async<Result<std::size_t>> read_body(std::span<char> into);
    Async<Result<Reply>> read_reply();

    bool is_fresh() const;
    void within(Duration);
    void finish();
    void drop();
    Error broken(const std::string& why) const;
    Reply reply_head() const;

    BaseUrl server;
    Settings settings;
    asio::io_context context{1};
    Timer alarm{context.get_executor()};
    std::unique_ptr<Wire> wire;
    boost::beast::flat_buffer input{head_bytes_max + read_bytes};
    std::unique_ptr<Parser> parser;
    std::string piece;
    bool late = false;
    bool is_eof = false;
};

template <class T>
Async<void> HttpClient::Inside::keep(Async<Result<T>> work, Result<T>* result) {
    *result = co_await std::move(work);
    alarm.cancel();
    if (!result->ok()) drop();
}

template <class T>
Result<T> HttpClient::Inside::run(Async<Result<T>> work) {
    Result<T> result = Error{Code::unavailable, "the call did not come to its end"};
    late = false;
    context.restart();
    asio::co_spawn(context, keep(std::move(work), &result), or_end);
    context.run();
    return result;
}

void HttpClient::Inside::within(Duration duration) {
    alarm.expires_after(duration);
    alarm.async_wait([this](const Failure& failure) {
        if (failure) return;
        late = true;
        if (wire) wire->close();
    });
}

/// Whether the kept connection is still good: nothing to read, not even its end.
bool HttpClient::Inside::is_fresh() const {
    if (!wire || input.size() > 0) return false;
    pollfd state{wire->socket().native_handle(), POLLIN, 0};
    return ::poll(&state, 1, 0) == 0;
}

void HttpClient::Inside::drop() {
    if (wire) wire->close();
    wire.reset();
    input.clear();
}

/// After a whole reply: the connection stays if the server lets it.
void HttpClient::Inside::finish() {
    if (!parser->is_done() || !parser->keep_alive()) drop();
}

Error HttpClient::Inside::broken(const std::string& why) const {
    if (late) return Error{Code::timeout, "no answer in time from " + to_string(server)};
    return Error{Code::unavailable, "the connection to " + to_string(server) + " broke: " + why};
}

Async<Status> HttpClient::Inside::begin(std::string head) {
    if (!is_fresh()) drop();
    if (!wire) {
        auto dialled = co_await dial(context.get_executor(), server, settings.connect_time_max);
        if (!dialled.ok()) co_return dialled.error();
        wire = std::make_unique<Wire>(std::move(dialled).value());
    }
    if (late) co_return broken("");
    co_return co_await send(head);
}

Async<Status> HttpClient::Inside::send(std::string_view bytes) {
    const auto buffer = asio::buffer(bytes);
    auto written = co_await asio::async_write(*wire, buffer, as_value);
    const Failure& failure = std::get<0>(written);
    if (failure) co_return broken(failure.message());
    co_return Done{};
}

Async<Status> HttpClient::Inside::read_more() {
    const auto space = input.prepare(std::min(read_bytes, input.max_size() - input.size()));
    auto read = co_await wire->async_read_some(space, as_value);
    const auto& [failure, size] = read;
    input.commit(size);
    is_eof = failure == asio::error::eof || failure == asio::ssl::error::stream_truncated;
    if (failure && !is_eof) co_return broken(failure.message());
    co_return Done{};
}

/// Reads the head of the reply into the parser.
Async<Status> HttpClient::Inside::read_head(std::string method) {
    parser = std::make_unique<Parser>();
    parser->header_limit(head_bytes_max);
    parser->body_limit(boost::none);
    parser->skip(method == "HEAD");
    for (;;) {
        Failure failure = make_error_code(http::error::need_more);
        if (input.size() > 0) input.consume(parser->put(input.cdata(), failure));
        if (failure && failure != http::error::need_more) {
            co_return Error{Code::corrupt, "not an answer of HTTP/1.1: " + failure.message()};
        }
        if (parser->is_header_done()) co_return Done{};
        auto more = co_await read_more();
        if (!more.ok()) co_return more;
        if (is_eof) co_return broken("the server closed it");
    }
}

/// Moves what is there of the body into `into`; need_more: nothing is.
std::size_t HttpClient::Inside::parse_body(std::span<char> into, Failure& failure) {
    failure = make_error_code(http::error::need_more);
    if (input.size() == 0) return 0;
    auto& body = parser->get().body();
    body.data = into.data();
    body.size = into.size();
    body.more = true;
    input.consume(parser->put(input.cdata(), failure));
    return into.size() - body.size;
}

/// More of the body has come, or it ends with the connection.
Async<Status> HttpClient::Inside::read_more_body() {
    auto more = co_await read_more();
    if (!more.ok()) co_return more;
    Failure failure;
    if (is_eof) parser->put_eof(failure);
    if (failure) co_return broken("the server closed it within the body");
    co_return Done{};
}

/// Fills `into` as far as the body goes; less than that is its end.
Async<Result<std::size_t>> HttpClient::Inside::read_body(std::span<char> into) {
    std::size_t filled = 0;
    while (filled < into.size() && !parser->is_done()) {
        Failure failure;
        filled += parse_body(into.subspan(filled), failure);
        if (failure == http::error::need_more) {
            auto more = co_await read_more_body();
            if (!more.ok()) co_return more.error();
        } else if (failure && failure != http::error::need_buffer) {
            co_return Error{Code::corrupt, "not an answer of HTTP/1.1: " + failure.message()};
        }
    }
    co_return filled;
}

Reply HttpClient::Inside::reply_head() const {
    Reply reply;
    reply.status = static_cast<int>(parser->get().result_int());
    for (const auto& field : parser->get()) {
        const auto name = field.name_string();
        const auto value = field.value();
        reply.headers.push_back(Field{to_lower(std::string_view(name.data(), name.size())),
                                      std::string(value.data(), value.size())});
    }
    return reply;
}

/// The rest of the reply, its head having been read.
Async<Result<Reply>> HttpClient::Inside::read_reply() {
    Reply reply = reply_head();
    piece.resize(read_bytes);
    for (;;) {
        const auto read = co_await read_body(std::span(piece));
        if (!read.ok()) co_return read.error();
        if (read.value() == 0) break;
        if (reply.body.size() + read.value() > settings.reply_bytes_max) {
            co_return Error{Code::exhausted, "the answer is too big"};
        }
        reply.body.append(piece, 0, read.value());
    }
    finish();
    co_return reply;
}

Async<Result<Reply>> HttpClient::Inside::call(Call call) {
    auto head = write_head(server, call, call.body.size());
    if (!head.ok()) co_return head.error();
    const std::string message = std::move(head).value() + call.body;
    within(settings.call_time_max);
    for (;;) {
        const bool reused = is_fresh();
        const auto sent = co_await begin(message);
        auto status = sent;
        // A server that refuses a body may have said so before it had read it all.
        if (wire) status = co_await read_head(call.method);
        if (status.ok()) co_return co_await read_reply();
        drop();
        if (reused && !late && is_repeatable(call.method)) continue;
        co_return sent.ok() ? status.error() : sent.error();
    }
}

Async<Status> HttpClient::Inside::pour(int file, ContentRange range) {
    piece.resize(piece_bytes);
    std::uint64_t at = range.first;
    while (at <= range.last) {
        const auto wanted = std::min<std::uint64_t>(range.last - at + 1, piece_bytes);
        const ssize_t got =
            ::pread(file, piece.data(), static_cast<std::size_t>(wanted), static_cast<off_t>(at));
        if (got <= 0) co_return Error{Code::conflict, "the file changed while it was sent"};
        within(settings.progress_time_max);
        const auto count = static_cast<std::size_t>(got);
        auto sent = co_await send(std::string_view(piece).substr(0, count));
        if (!sent.ok()) co_return sent;
        at += count;
    }
    co_return Done{};
}

/// The server is asked first whether it wants the body.
Async<Result<Reply>> HttpClient::Inside::send_file(Call call, int file, ContentRange range) {
    const std::uint64_t length = range.last - range.first + 1;
    call.headers.push_back(Field{"Expect", "100-continue"});
    if (length != range.size) call.headers.push_back(Field{"Content-Range", to_string(range)});
    auto head = write_head(server, call, length);
    if (!head.ok()) co_return head.error();
    within(settings.progress_time_max);
    auto status = co_await begin(std::move(head).value());
    if (status.ok()) status = co_await read_head(call.method);
    if (!status.ok()) co_return status.error();
    if (parser->get().result_int() != 100) {
        auto refused = co_await read_reply();
        drop();  // it still waits for the body
        co_return refused;
    }
    const auto poured = co_await pour(file, range);
    within(settings.call_time_max);
    status = co_await read_head(call.method);
    if (!status.ok()) co_return poured.ok() ? status.error() : poured.error();
    auto reply = co_await read_reply();
    if (!poured.ok()) drop();
    co_return reply;
}

/// Writes the body of a reply whose head was read into the file from `start` on.
Async<Result<HttpClient::Fetched>> HttpClient::Inside::store(int file, std::uint64_t start,
                                                             std::uint64_t bytes_max) {
    piece.resize(piece_bytes);
    std::uint64_t at = start;
    for (;;) {
        within(settings.progress_time_max);
        const auto read = co_await read_body(std::span(piece));
        if (!read.ok()) co_return read.error();
        if (read.value() == 0) break;
        if (at + read.value() > bytes_max) {
            co_return Error{Code::exhausted,
                            "the file is bigger than " + std::to_string(bytes_max) + " bytes"};
        }
        std::size_t done = 0;
        while (done < read.value()) {
            const ssize_t put = ::pwrite(file, piece.data() + done, read.value() - done,
                                         static_cast<off_t>(at + done));
            if (put < 0) co_return system_error("cannot write the file", errno);
            done += static_cast<std::size_t>(put);
        }
        at += read.value();
    }
    finish();
    co_return Fetched{at, std::nullopt};
}

Async<Result<HttpClient::Fetched>> HttpClient::Inside::fetch_file(Call call, int file,
                                                                  std::uint64_t bytes_max) {
    struct stat facts{};
    if (::fstat(file, &facts) != 0) co_return system_error("cannot look at the file", errno);
    const auto have = static_cast<std::uint64_t>(facts.st_size);
    if (have > 0) {
        call.headers.push_back(Field{"Range", "bytes=" + std::to_string(have) + "-"});
    }
    auto head = write_head(server, call, 0);
    if (!head.ok()) co_return head.error();
    within(settings.progress_time_max);
    auto status = co_await begin(std::move(head).value());
    if (status.ok()) status = co_await read_head(call.method);
    if (!status.ok()) co_return status.error();
    co_return co_await receive(file, have, bytes_max);
}

/// What a server answers that was asked for the bytes behind the first `have`.
Async<Result<HttpClient::Fetched>> HttpClient::Inside::receive(int file, std::uint64_t have,
                                                               std::uint64_t bytes_max) {
    const Reply answer = reply_head();
    const std::string* range = find(answer.headers, "content-range");
    if (answer.status == 206) {
        const auto part = parse_content_range(range == nullptr ? "" : *range);
        if (!part.ok() || part.value().first != have) {
            co_return Error{Code::corrupt, "the server sent another part than was asked for"};
        }
        co_return co_await store(file, have, bytes_max);
    }
    if (answer.status == 200) {
        if (::ftruncate(file, 0) != 0) co_return system_error("cannot empty the file", errno);
        co_return co_await store(file, 0, bytes_max);
    }
    auto refused = co_await read_reply();
    if (!refused.ok()) co_return refused.error();
    const std::string all = "bytes */" + std::to_string(have);
    if (answer.status == 416 && range != nullptr && *range == all) {
        co_return Fetched{have, std::nullopt};
    }
    co_return Fetched{have, std::move(refused).value()};
}

HttpClient::HttpClient(BaseUrl server) : HttpClient(std::move(server), Settings{}) {}

HttpClient::HttpClient(BaseUrl server, Settings settings)
    : inside_(std::make_unique<Inside>(std::move(server), settings)) {}

HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;

Result<Reply> HttpClient::call(Call call) {
    return inside_->run(inside_->call(std::move(call)));
}

Result<Reply> HttpClient::send_file(Call call, const std::filesystem::path& path, Part part) {
    const Descriptor file = TRY(open_file(path, O_RDONLY));
    struct stat facts{};
    if (::fstat(file.number(), &facts) != 0) return system_error(path.string(), errno);
    const auto size = static_cast<std::uint64_t>(facts.st_size);
    const std::uint64_t end = std::min(part.end.value_or(size), size);
    if (size == 0) {
        call.body.clear();
        return inside_->run(inside_->call(std::move(call)));
    }
    if (part.first >= end) return Error{Code::invalid, path.string() + ": the part is empty"};
    const ContentRange range{part.first, end - 1, size};
    return inside_->run(inside_->send_file(std::move(call), file.number(), range));
}

Result<HttpClient::Fetched> HttpClient::fetch_file(Call call, const std::filesystem::path& path,
                                                   std::uint64_t bytes_max) {
    const Descriptor file = TRY(open_file(path, O_RDWR | O_CREAT));
    return inside_->run(inside_->fetch_file(std::move(call), file.number(), bytes_max));
}

}  // namespace shoal::io
