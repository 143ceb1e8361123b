#include "io/tls.h"

#include <future>

#include <sys/stat.h>

#include "io/http_client.h"
#include "io/http_test_bench.h"
#include "io/websocket_client.h"

namespace shoal::io {

using namespace std::chrono_literals;

namespace {

struct TestCertificate {
    explicit TestCertificate(const std::string& host = "127.0.0.1") {
        REQUIRE(make_self_signed(files, host).ok());
    }
    Hash pin() const { return pin_of(files.certificate).value(); }
    HttpServer::Settings settings() const {
        HttpServer::Settings settings;
        settings.tls = server_tls(files).value();
        return settings;
    }

    TestFolder folder;
    CertificateFiles files{folder / "certificate.pem", folder / "key.pem"};
};

HttpHandlers hello() {
    HttpHandlers handlers;
    handlers.request = [](const Request& request, const Exchange& exchange) {
        if (!request.wants_websocket) {
            exchange.answer(json_response(200, request.secure ? "secure" : "plain"));
            return;
        }
        WebSocketEvents events;
        events.message = [](const std::string&, const Receipt&) {};
        events.closed = [](std::uint16_t, const std::string&) {};
        exchange.accept(std::move(events))->send("hello");
    };
    return handlers;
}

BaseUrl secured(const TestServer& server, std::optional<Hash> pin) {
    return BaseUrl{true, "127.0.0.1", server.server->port(), pin};
}

}  // namespace

TEST_CASE("a server is known by its pin") {
    const TestCertificate certificate;
    TestServer test(hello(), certificate.settings());
    HttpClient client(secured(test, certificate.pin()));
    for (int i = 0; i < 3; ++i) {
        const auto reply = client.call({});
        REQUIRE(reply.ok());
        CHECK(reply.value().body == "secure");
    }
    const auto big = client.call({"POST", "/", {}, std::string(1'000'000, 'x')});
    CHECK(big.ok());
}

TEST_CASE("a server with another key, or that no root vouches for, is refused") {
    const TestCertificate certificate;
    const TestCertificate other;
    TestServer test(hello(), certificate.settings());
    const auto wrong = HttpClient(secured(test, other.pin())).call({});
    REQUIRE_FALSE(wrong.ok());
    CHECK(wrong.error().code == Code::denied);
    CHECK(wrong.error().what.find(to_string(other.pin())) != std::string::npos);
    const auto unknown = HttpClient(secured(test, std::nullopt)).call({});
    REQUIRE_FALSE(unknown.ok());
    CHECK(unknown.error().code == Code::denied);
    const auto plain = HttpClient(test.url()).call({});
    CHECK_FALSE(plain.ok());
}

TEST_CASE("a WebSocket passes through TLS") {
    const TestCertificate certificate;
    TestServer test(hello(), certificate.settings());
    WebSocketCall call;
    call.server = secured(test, certificate.pin());
    auto feed = MessageFeed::open(call);
    REQUIRE(feed.ok());
    MessageFeed messages = std::move(feed).value();
    CHECK(messages.next(5s).value() == "hello");
    call.server.pin = sha256("another");
    CHECK(MessageFeed::open(call).error().code == Code::denied);
}

TEST_CASE("a certificate can be replaced while the server runs") {
    const TestCertificate first;
    const TestCertificate second;
    TestServer test(hello(), first.settings());
    HttpClient kept(secured(test, first.pin()));
    REQUIRE(kept.call({}).ok());
    test.server->replace_tls(server_tls(second.files).value());
    CHECK(kept.call({}).ok());
    CHECK(HttpClient(secured(test, second.pin())).call({}).ok());
    CHECK(HttpClient(secured(test, first.pin())).call({}).error().code == Code::denied);
}

TEST_CASE("a made certificate is kept, and its key is for its owner only") {
    const TestCertificate certificate("market.example");
    const Hash pin = certificate.pin();
    struct stat facts{};
    REQUIRE(::stat(certificate.files.key.c_str(), &facts) == 0);
    CHECK((facts.st_mode & 0777U) == 0600);
    CHECK(make_self_signed(certificate.files, "market.example").ok());
    CHECK(certificate.pin() == pin);
    CHECK_FALSE(make_self_signed({certificate.folder / "a", certificate.folder / "b"}, "a,b").ok());
}

TEST_CASE("a certificate that is missing, broken or another key's is told apart") {
    const TestCertificate certificate;
    const TestCertificate other;
    const auto path = certificate.folder / "text";
    REQUIRE(write_file(path, "not a certificate").ok());
    CHECK(server_tls({certificate.folder / "none", certificate.files.key}).error().code ==
          Code::not_found);
    CHECK(server_tls({path, certificate.files.key}).error().code == Code::corrupt);
    CHECK(server_tls({certificate.files.certificate, path}).error().code == Code::corrupt);
    CHECK(server_tls({certificate.files.certificate, other.files.key}).error().code ==
          Code::invalid);
    CHECK(pin_of(path).error().code == Code::corrupt);
}

}  // namespace shoal::io
