#include <atomic>
#include <fstream>
#include <future>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "io/http_client.h"
#include "io/http_head.h"
#include "io/http_server.h"
#include "io/http_test_bench.h"

namespace shoal::io {

using namespace std::chrono_literals;

namespace {

/// Answers with what it was asked.
HttpHandlers echo() {
    HttpHandlers handlers;
    handlers.request = [](const Request& request, const Exchange& exchange) {
        std::string said = request.method + " " + request.path;
        for (const Field& field : request.query) said += " " + field.name + "=" + field.value;
        exchange.answer(json_response(200, said + " " + request.body));
    };
    return handlers;
}

std::string raw(const std::string& host, const std::string& line, const std::string& more = "") {
    return line + " HTTP/1.1\r\nHost: " + host + "\r\n" + more + "\r\n";
}

std::string last_raw(const std::string& host, const std::string& line) {
    return raw(host, line, "Connection: close\r\n");
}

void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

std::string bytes_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    std::uint32_t state = 1;
    for (char& c : text) c = static_cast<char>((state = state * 1'664'525 + 1'013'904'223) >> 24U);
    return text;
}

/// Appends an upload to a file, from where the file ends.
class FileSink : public UploadSink {
public:
    FileSink(std::filesystem::path path, std::uint64_t size) : path_(std::move(path)), size_(size) {
        file_.open(path_, std::ios::binary | std::ios::app);
    }
    Status write(ByteView bytes) override {
        file_.write(reinterpret_cast<const char*>(bytes.data()),
                    static_cast<std::streamsize>(bytes.size()));
        if (!file_) return Error{Code::exhausted, "the disk is full"};
        return Done{};
    }
    void finish(Exchange exchange) override {
        file_.close();
        const auto have = std::filesystem::file_size(path_);
        exchange.answer(json_response(have == size_ ? 201 : 202, std::to_string(have)));
    }

private:
    std::filesystem::path path_;
    std::uint64_t size_;
    std::ofstream file_;
};

HttpHandlers uploads_into(const std::filesystem::path& path, std::uint64_t bytes_max) {
    HttpHandlers handlers;
    handlers.plan = [](const Request&) { return BodyPlan{BodyPlan::Mode::streamed, 0}; };
    handlers.request = [path, bytes_max](const Request& request, const Exchange& exchange) {
        const std::uint64_t have =
            std::filesystem::is_regular_file(path) ? std::filesystem::file_size(path) : 0;
        const std::uint64_t first = request.part ? request.part->first : 0;
        const std::uint64_t size =
            request.part ? request.part->size : request.content_length.value_or(0);
        if (first != have) {
            Response response =
                refusal(Error{Code::conflict, "another offset"}, request.request_id);
            response.headers.push_back(Field{"Upload-Offset", std::to_string(have)});
            exchange.answer(std::move(response));
            return;
        }
        exchange.receive(std::make_unique<FileSink>(path, size), bytes_max);
    };
    return handlers;
}

}  // namespace

TEST_CASE("a request reaches the handler decoded and its answer comes back") {
    TestServer test(echo());
    HttpClient client(test.url());
    const auto reply = client.call({"POST", "/v1/a%20b?x=1&y=z+z", {}, "hello"});
    REQUIRE(reply.ok());
    CHECK(reply.value().status == 200);
    CHECK(reply.value().body == "POST /v1/a b x=1 y=z z hello");
    CHECK(*find(reply.value().headers, "content-type") == "application/json");
    CHECK(find(reply.value().headers, "date") != nullptr);
}

TEST_CASE("a connection is kept for the next request") {
    TestServer test(echo());
    RawConnection raw_connection(test.server->port());
    raw_connection.send(raw(test.host(), "GET /1"));
    CHECK(raw_connection.read_until("GET /1 ").find("200 OK") != std::string::npos);
    raw_connection.send(last_raw(test.host(), "GET /2"));
    const std::string second = raw_connection.read_all();
    CHECK(second.find("Connection: close") != std::string::npos);
    CHECK(second.ends_with("GET /2 "));
}

TEST_CASE("requests sent at once are answered in their order") {
    HttpHandlers handlers;
    std::promise<Exchange> first;
    handlers.request = [&](const Request& request, const Exchange& exchange) {
        if (request.path == "/0") {
            first.set_value(exchange);
            return;
        }
        exchange.answer(json_response(200, "[" + request.path + "]"));
    };
    TestServer test(handlers);
    RawConnection connection(test.server->port());
    std::string all = raw(test.host(), "GET /0");
    for (int i = 1; i < 9; ++i) all += raw(test.host(), "GET /" + std::to_string(i));
    connection.send(all + last_raw(test.host(), "GET /9"));
    first.get_future().get().answer(json_response(200, "[/0]"));
    const std::string answers = connection.read_all();
    std::size_t at = 0;
    for (int i = 0; i < 10; ++i) {
        const std::size_t next = answers.find("[/" + std::to_string(i) + "]");
        REQUIRE(next != std::string::npos);
        CHECK(next >= at);
        at = next;
    }
}

TEST_CASE("a request may come a byte at a time, its body in chunks") {
    TestServer test(echo());
    RawConnection connection(test.server->port());
    const std::string text = raw(test.host(), "POST /x", "Transfer-Encoding: chunked\r\n") +
                             "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    for (const char c : text) connection.send(std::string(1, c));
    connection.send(last_raw(test.host(), "GET /y"));
    const std::string answers = connection.read_all();
    CHECK(answers.find("POST /x abcde") != std::string::npos);
    CHECK(answers.ends_with("GET /y "));
}

TEST_CASE("an answer may come later and from another thread") {
    HttpHandlers handlers;
    Loop* core = nullptr;
    handlers.request = [&](const Request&, const Exchange& exchange) {
        core->post([exchange] { exchange.answer(json_response(201, "late")); });
    };
    TestServer test(handlers);
    core = &test.loop;
    std::thread decides([&] { test.loop.run(); });
    HttpClient client(test.url());
    for (int i = 0; i < 20; ++i) CHECK(client.call({}).value().body == "late");
    test.loop.stop();
    decides.join();
}

TEST_CASE("a request that nobody answers is told so") {
    HttpHandlers handlers;
    handlers.request = [](const Request&, const Exchange&) {};
    TestServer test(handlers);
    const auto reply = HttpClient(test.url()).call({});
    REQUIRE(reply.ok());
    CHECK(reply.value().status == 503);
    CHECK(reply.value().body.find("\"request_id\":\"req_") != std::string::npos);
}

TEST_CASE("a body above the route's limit is refused, below it is read") {
    HttpHandlers handlers = echo();
    handlers.plan = [](const Request& head) {
        return BodyPlan{BodyPlan::Mode::whole, head.path == "/big" ? 2'000'000U : 10U};
    };
    TestServer test(handlers);
    HttpClient client(test.url());
    CHECK(client.call({"POST", "/small", {}, std::string(10, 'x')}).value().status == 200);
    CHECK(client.call({"POST", "/small", {}, std::string(11, 'x')}).value().status == 413);
    const auto big = client.call({"POST", "/big", {}, std::string(1'900'000, 'x')});
    REQUIRE(big.ok());
    CHECK(big.value().body.size() == 1'900'000 + 10);
    RawConnection connection(test.server->port());
    connection.send(raw(test.host(), "POST /small", "Transfer-Encoding: chunked\r\n") +
                    "b\r\n12345678901\r\n0\r\n\r\n");
    CHECK(connection.read_all().find("413 ") != std::string::npos);
}

TEST_CASE("what is not HTTP, or led here by another name or site, is refused") {
    std::atomic<int> handled = 0;
    HttpHandlers handlers;
    handlers.request = [&](const Request&, const Exchange& exchange) {
        ++handled;
        exchange.answer(json_response(200, ""));
    };
    TestServer test(handlers);
    const std::string host = test.host();
    struct Row {
        std::string request;
        std::string status;
    };
    const Row rows[] = {
        {"nonsense\r\n\r\n", "400 "},
        {"GET / HTTP/1.1\r\n\r\n", "400 "},
        {"GET / HTTP/1.1\r\nHost: " + host + "\r\nHost: " + host + "\r\n\r\n", "400 "},
        {raw("evil.example", "GET /"), "403 "},
        {raw("127.0.0.1:1", "GET /"), "403 "},
        {raw("127.0.0.1", "GET /"), "403 "},
        {raw(host, "GET /", "Origin: http://evil.example\r\n"), "403 "},
        {raw(host, "GET /", "Origin: null\r\n"), "403 "},
        {raw(host, "GET /", "Origin: https://" + host + "\r\n"), "403 "},
        {raw(host, "GET /../etc"), "400 "},
        {raw(host, "GET /%00"), "400 "},
        {raw(host, "PUT /", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), "400 "},
        {raw(host, "PUT /", "Content-Length: 1\r\nContent-Length: 2\r\n"), "400 "},
        {raw(host, "PUT /", "Content-Length: 2\r\nContent-Length: 2\r\n"), "400 "},
        {raw(host, "PUT /", "Transfer-Encoding: gzip\r\n"), "400 "},
        {raw(host, "PUT /", "Transfer-Encoding: chunked, identity\r\n"), "400 "},
        {raw(host, "PUT /", "Transfer-Encoding: gzip, chunked\r\n"), "400 "},
        {raw(host, "PUT /", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
         "400 "},
        {raw(host, "PUT /", "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"), "400 "},
        {raw(host, "PUT /", "Transfer-Encoding : chunked\r\n"), "400 "},
        {raw(host, "PUT /", "Content-Length: +1\r\n"), "400 "},
        {"PUT / HTTP/1.0\r\nHost: " + host + "\r\nTransfer-Encoding: chunked\r\n\r\n", "400 "},
        {raw(host, "PUT /", "Content-Length: -1\r\n"), "400 "},
        {raw(host, "PUT /", "Content-Length: 5\r\nContent-Range: bytes 0-5/10\r\n"), "400 "},
        {raw(host, "GET /", "X: " + std::string(20'000, 'x') + "\r\n"), "431 "},
    };
    for (const Row& row : rows) {
        CAPTURE(row.request);
        RawConnection connection(test.server->port());
        connection.send(row.request);
        const std::string answer = connection.read_all();
        CHECK(answer.starts_with("HTTP/1.1 " + row.status));
        CHECK(answer.find("{\"code\":\"") != std::string::npos);
    }
    CHECK(handled == 0);
    for (const std::string& name : {host, "localhost:" + std::to_string(test.server->port()),
                                    "[::1]:" + std::to_string(test.server->port())}) {
        RawConnection connection(test.server->port());
        connection.send(raw(name, "GET /", "Connection: close\r\nOrigin: http://" + name + "\r\n"));
        CHECK(connection.read_all().starts_with("HTTP/1.1 200 "));
    }
}

TEST_CASE("no value of an answer can add a header of its own") {
    HttpHandlers handlers;
    handlers.request = [](const Request&, const Exchange& exchange) {
        Response response = json_response(200, "");
        response.headers.push_back(Field{"X-Name", "a\r\nX-Evil: 1"});
        exchange.answer(std::move(response));
    };
    TestServer test(handlers);
    const auto reply = HttpClient(test.url()).call({});
    REQUIRE(reply.ok());
    CHECK(find(reply.value().headers, "x-evil") == nullptr);
    CHECK_FALSE(HttpClient(test.url()).call({"GET", "/", {{"A", "b\r\nC: d"}}, ""}).ok());
}

TEST_CASE("a port in use, a foreign address and a missing TLS are told apart") {
    TestServer test(echo());
    HttpServer::Settings settings;
    settings.port = test.server->port();
    const auto taken = HttpServer::start(test.loop, settings, echo());
    REQUIRE_FALSE(taken.ok());
    CHECK(taken.error().code == Code::conflict);
    CHECK(taken.error().what.find("port " + std::to_string(settings.port) + " is in use") !=
          std::string::npos);
    settings = {};
    settings.address = "0.0.0.0";
    const auto open = HttpServer::start(test.loop, settings, echo());
    REQUIRE_FALSE(open.ok());
    CHECK(open.error().what.find("demands TLS") != std::string::npos);
    settings.address = "elsewhere";
    CHECK(HttpServer::start(test.loop, settings, echo()).error().code == Code::invalid);
}

TEST_CASE("an upload flows into its sink and is resumed where it was cut off") {
    const TestFolder folder;
    const std::string bytes = pattern(3'000'000);
    write_bytes(folder / "source", bytes);
    TestServer test(uploads_into(folder / "sink", 10'000'000));
    HttpClient client(test.url());
    const auto half = client.send_file({"PUT", "/blob", {}, ""}, folder / "source", {0, 1'000'000});
    REQUIRE(half.ok());
    CHECK(half.value().status == 202);
    const auto wrong = client.send_file({"PUT", "/blob", {}, ""}, folder / "source", {5, {}});
    REQUIRE(wrong.ok());
    CHECK(wrong.value().status == 409);
    CHECK(*find(wrong.value().headers, "upload-offset") == "1000000");
    const auto rest =
        client.send_file({"PUT", "/blob", {}, ""}, folder / "source", {1'000'000, {}});
    REQUIRE(rest.ok());
    CHECK(rest.value().status == 201);
    CHECK(bytes_of(folder / "sink") == bytes);
}

TEST_CASE("an upload that is too long, or that its sink cannot take, is refused") {
    const TestFolder folder;
    write_bytes(folder / "source", pattern(1'000'000));
    TestServer test(uploads_into(folder / "sink", 999'999));
    const auto reply =
        HttpClient(test.url()).send_file({"PUT", "/blob", {}, ""}, folder / "source", {});
    REQUIRE(reply.ok());
    CHECK(reply.value().status == 413);

    TestServer full(uploads_into("/dev/full", 10'000'000));
    const auto refused =
        HttpClient(full.url()).send_file({"PUT", "/blob", {}, ""}, folder / "source", {});
    REQUIRE(refused.ok());
    CHECK(refused.value().body.find("the disk is full") != std::string::npos);
}

TEST_CASE("a file is sent whole or in ranges, and fetched again from where it was cut off") {
    const TestFolder folder;
    const std::string bytes = pattern(2'500'000);
    write_bytes(folder / "blob", bytes);
    HttpHandlers handlers;
    handlers.request = [&](const Request& request, const Exchange& exchange) {
        auto file = open_file(folder / "blob", O_RDONLY);
        if (request.path != "/blob" || !file.ok()) {
            exchange.answer(refusal(Error{Code::not_found, "no blob"}, request.request_id));
            return;
        }
        Response response;
        response.file = FileBody{std::move(file).value(), "v1"};
        exchange.answer(std::move(response));
    };
    TestServer test(handlers);
    HttpClient client(test.url());
    CHECK(client.call({"GET", "/blob", {}, ""}).value().body == bytes);
    const auto part = client.call({"GET", "/blob", {{"Range", "bytes=10-19"}}, ""});
    CHECK(part.value().status == 206);
    CHECK(part.value().body == bytes.substr(10, 10));
    CHECK(*find(part.value().headers, "content-range") == "bytes 10-19/2500000");
    const auto beyond = client.call({"GET", "/blob", {{"Range", "bytes=2500000-"}}, ""});
    CHECK(beyond.value().status == 416);
    CHECK(client.call({"GET", "/blob", {{"If-None-Match", "\"v1\""}}, ""}).value().status == 304);
    const Fields stale{{"Range", "bytes=10-19"}, {"If-Range", "\"v0\""}};
    CHECK(client.call({"GET", "/blob", stale, ""}).value().body == bytes);
    const auto head = client.call({"HEAD", "/blob", {}, ""});
    CHECK(*find(head.value().headers, "content-length") == "2500000");
    CHECK(head.value().body.empty());

    write_bytes(folder / "copy", bytes.substr(0, 1'234'567));
    for (int i = 0; i < 2; ++i) {  // the second time it is all there
        const auto fetched =
            client.fetch_file({"GET", "/blob", {}, ""}, folder / "copy", 2'500'000);
        REQUIRE(fetched.ok());
        CHECK(fetched.value().bytes == bytes.size());
        CHECK(bytes_of(folder / "copy") == bytes);
    }
    const auto small = client.fetch_file({"GET", "/blob", {}, ""}, folder / "small", 2'499'999);
    REQUIRE_FALSE(small.ok());
    CHECK(small.error().code == Code::exhausted);
    const auto none = client.fetch_file({"GET", "/none", {}, ""}, folder / "copy", 2'500'000);
    REQUIRE(none.ok());
    REQUIRE(none.value().refused.has_value());
    CHECK(none.value().refused->status == 404);
    CHECK(bytes_of(folder / "copy") == bytes);
}

TEST_CASE("a server that cannot be reached, or does not answer, is an error that names it") {
    HttpHandlers handlers;
    std::promise<Exchange> held;
    handlers.request = [&](const Request&, const Exchange& exchange) { held.set_value(exchange); };
    TestServer test(handlers);
    HttpClient::Settings settings;
    settings.call_time_max = 50ms;
    HttpClient client(test.url(), settings);
    const auto reply = client.call({"GET", "/", {{"Authorization", "Bearer secret"}}, ""});
    REQUIRE_FALSE(reply.ok());
    CHECK(reply.error().code == Code::timeout);
    CHECK(reply.error().what.find("secret") == std::string::npos);
    const auto exchange = held.get_future().get();
    const BaseUrl gone = test.url();
    test.server->stop();
    exchange.answer(json_response(200, ""));  // to nobody
    const auto refused = HttpClient(gone).call({});
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == Code::unavailable);
    CHECK(refused.error().what.starts_with("cannot reach the market at http://127.0.0.1:"));
}

TEST_CASE("a connection that the server has closed is opened again") {
    HttpServer::Settings settings;
    settings.idle_time_max = 1ms;
    TestServer test(echo(), settings);
    HttpClient client(test.url());
    for (int i = 0; i < 3; ++i) CHECK(client.call({}).ok());
}

TEST_CASE("a head that does not end in time ends the connection") {
    HttpServer::Settings settings;
    settings.head_time_max = 10ms;
    TestServer test(echo(), settings);
    RawConnection connection(test.server->port());
    connection.send("GET / HTTP/1.1\r\n");
    CHECK(connection.read_all().empty());
}

TEST_CASE("a body that comes a byte at a time has no more time than another") {
    HttpServer::Settings settings;
    settings.progress_time_max = 30ms;
    TestServer test(echo(), settings);
    RawConnection slow(test.server->port());
    slow.send(raw(test.host(), "POST /", "Content-Length: 100000\r\n"));
    std::size_t sent = 0;
    for (pollfd ended{slow.number(), POLLIN, 0}; ::poll(&ended, 1, 5) == 0; ++sent)
        slow.try_send("x");
    CHECK(slow.read_all().empty());
    CHECK(sent < 1'000);
}

TEST_CASE("what comes of a body in good time is still too slow as a whole") {
    HttpServer::Settings settings;
    settings.body_time_max = 30ms;
    TestServer test(echo(), settings);
    RawConnection slow(test.server->port());
    slow.send(raw(test.host(), "POST /", "Content-Length: 1000000\r\n"));
    const std::string piece(1'000, 'x');
    for (pollfd ended{slow.number(), POLLIN, 0}; ::poll(&ended, 1, 5) == 0;) slow.try_send(piece);
    CHECK(slow.read_all().empty());
}

TEST_CASE("one peer has not all of the connections") {
    HttpServer::Settings settings;
    settings.connections_per_peer = 2;
    TestServer test(echo(), settings);
    RawConnection first(test.server->port());
    RawConnection second(test.server->port());
    for (RawConnection* one : {&first, &second}) {
        one->send(raw(test.host(), "GET /1"));
        REQUIRE(one->read_until("GET /1 ").find("200") != std::string::npos);
    }
    CHECK(RawConnection(test.server->port()).read_all().empty());
    RawConnection other(test.server->port(), "127.0.0.2");
    other.send(last_raw(test.host(), "GET /3"));
    CHECK(other.read_all().ends_with("GET /3 "));
    first.send(last_raw(test.host(), "GET /2"));
    CHECK(first.read_all().ends_with("GET /2 "));
}

TEST_CASE("stopping ends connections that are idle, asking or waiting") {
    HttpHandlers handlers;
    std::promise<Exchange> held;
    handlers.request = [&](const Request&, const Exchange& exchange) { held.set_value(exchange); };
    TestServer test(handlers);
    RawConnection idle(test.server->port());
    RawConnection asking(test.server->port());
    asking.send("GET / HT");
    RawConnection waiting(test.server->port());
    waiting.send(raw(test.host(), "GET /"));
    const auto exchange = held.get_future().get();
    test.server->stop();
    CHECK(idle.read_all().empty());
    CHECK(asking.read_all().empty());
    CHECK(waiting.read_all().empty());
}

TEST_CASE("connections above the limit are closed at once") {
    HttpServer::Settings settings;
    settings.connections_max = 1;
    TestServer test(echo(), settings);
    RawConnection first(test.server->port());
    first.send(raw(test.host(), "GET /1"));
    REQUIRE(first.read_until("GET /1 ").find("200") != std::string::npos);
    RawConnection second(test.server->port());
    CHECK(second.read_all().empty());
    first.send(last_raw(test.host(), "GET /2"));
    CHECK(first.read_all().ends_with("GET /2 "));
}

}  // namespace shoal::io
