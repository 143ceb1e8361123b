#include "apps/market_http.h"

#include <utility>

#include <fcntl.h>
#include <fmt/format.h>

#include "io/files.h"
#include "market/feed.h"

namespace shoal::apps {

namespace {

using market::ApiAnswer;
using market::ApiRequest;
using market::RouteKind;

ApiRequest api_request(const io::Request& request) {
    ApiRequest asked;
    asked.method = request.method;
    asked.path = request.path;
    for (const io::Field& field : request.query) asked.query.emplace(field.name, field.value);
    for (const io::Field& field : request.headers) asked.headers.emplace(field.name, field.value);
    asked.body = request.body;
    asked.request_id = request.request_id;
    asked.peer = request.peer;
    asked.is_trusted = request.from_loopback;
    return asked;
}

io::Response response(const ApiAnswer& answer) {
    io::Response sent;
    sent.status = answer.status;
    sent.body = answer.body;
    for (const auto& [name, value] : answer.headers) sent.headers.push_back({name, value});
    return sent;
}

/// Elsewhere `exhausted` may mean money or too many of something.
ApiAnswer no_space(const ApiRequest& request, const Error& error) {
    ApiAnswer refused = market::Api::refusal(request, error);
    if (error.code == Code::exhausted) refused.status = 507;
    return refused;
}

}  // namespace

/// An upload's body on its way into the store. What an earlier, broken upload left is not written
/// again: the hash at the end proves that both are the same.
class BlobSink final : public io::UploadSink {
public:
    BlobSink(MarketHttp& http, MarketHttp::Arrival arrival, std::unique_ptr<io::BlobUpload> upload,
             std::uint64_t first)
        : http_(http), arrival_(std::move(arrival)), upload_(std::move(upload)), place_(first) {}

    Status write(ByteView bytes) override {
        const std::uint64_t have = upload_->size();
        const std::uint64_t end = place_ + bytes.size();
        if (end > have) {
            const auto known = static_cast<std::size_t>(have > place_ ? have - place_ : 0);
            TRY(upload_->append(place_ + known, bytes.subspan(known)));
        }
        place_ = end;
        return Done{};
    }

    void finish(io::Exchange exchange) override {
        if (place_ < arrival_.grant.size_bytes) {
            return exchange.answer(
                io::json_response(202, fmt::format(R"({{"size_bytes":{}}})", upload_->size())));
        }
        const Status done = upload_->finish();
        if (done.ok()) return http_.stored(arrival_, exchange);
        exchange.answer(response(market::Api::refusal(arrival_.request, done.error())));
    }

private:
    MarketHttp& http_;
    MarketHttp::Arrival arrival_;
    std::unique_ptr<io::BlobUpload> upload_;
    std::uint64_t place_;
};

io::HttpHandlers MarketHttp::handlers() {
    io::HttpHandlers handlers;
    handlers.request = [this](const io::Request& asked, const io::Exchange& exchange) {
        request(asked, exchange);
    };
    handlers.plan = [this](const io::Request& head) {
        io::BodyPlan plan;
        if (parts_.api.kind(head.method, head.path) == RouteKind::upload) {
            plan.mode = io::BodyPlan::Mode::streamed;
        }
        return plan;
    };
    return handlers;
}

void MarketHttp::request(const io::Request& asked, const io::Exchange& exchange) {
    const ApiRequest request = api_request(asked);
    const Caller caller{exchange, asked.peer};
    switch (parts_.api.kind(asked.method, asked.path)) {
        case RouteKind::plain:
            return plain(request, caller);
        case RouteKind::socket:
            if (asked.wants_websocket) return socket(request, caller);
            return exchange.answer(response(market::Api::refusal(
                request, {Code::invalid, "expected a WebSocket handshake (RFC 6455)"})));
        case RouteKind::upload:
            return upload(request, asked, exchange);
    }
}

/// A refusal that says that the key is wrong waits, so that guessing is slow.
void MarketHttp::refuse(const ApiAnswer& answer, const Caller& caller, Time now) {
    constexpr int unauthorised = 401;
    const bool is_guess = answer.status == unauthorised;
    const Duration wait = is_guess ? guesses_.note(caller.peer, now) : Duration{0};
    if (wait == Duration{0}) return caller.exchange.answer(response(answer));
    parts_.loop.after(wait,
                      [exchange = caller.exchange, answer] { exchange.answer(response(answer)); });
}

void MarketHttp::plain(const ApiRequest& request, const Caller& caller) {
    const io::Exchange& exchange = caller.exchange;
    if (request.method == "POST" && request.path == "/v1/jobs") {
        const Status space = parts_.blobs.check_space(0);
        if (!space.ok()) return exchange.answer(response(no_space(request, space.error())));
    }
    parts_.core.submit([this, request, caller](const market::Moment& moment,
                                               market::Batch& batch) -> CoreLoop::Release {
        ApiAnswer answer = parts_.api.handle(request, moment, batch);
        return [this, request, caller, now = moment.now, answer = std::move(answer)] {
            if (answer.status >= 400) return refuse(answer, caller, now);
            send(request, answer, caller.exchange);
        };
    });
}

void MarketHttp::send(const ApiRequest& request, const ApiAnswer& answer,
                      const io::Exchange& exchange) {
    if (!answer.blob) return exchange.answer(response(answer));
    parts_.loop.post_blocking([this, request, answer, hash = answer.blob->blob, exchange] {
        send_blob(request, answer, hash, exchange);
    });
}

void MarketHttp::send_blob(const ApiRequest& request, const ApiAnswer& answer, const Hash& hash,
                           const io::Exchange& exchange) {
    const auto open = [&]() -> Result<io::Descriptor> {
        const auto path = TRY(parts_.blobs.path(hash));
        return io::open_file(path, O_RDONLY);
    };
    auto file = open();
    if (!file.ok()) return exchange.answer(response(market::Api::refusal(request, file.error())));
    io::Response sent = response(answer);
    sent.file = io::FileBody{std::move(file).value(), to_string(hash)};
    exchange.answer(std::move(sent));
}

void MarketHttp::socket(const ApiRequest& request, const Caller& caller) {
    parts_.core.submit(
        [this, request, caller](const market::Moment& moment, market::Batch&) -> CoreLoop::Release {
            const auto entered = parts_.api.enter(request, moment.now);
            return [this, request, caller, entered, now = moment.now] {
                const io::Exchange& exchange = caller.exchange;
                if (const auto* refused = std::get_if<ApiAnswer>(&entered)) {
                    return refuse(*refused, caller, now);
                }
                const auto& principal = std::get<market::Principal>(entered);
                if (request.path == "/v1/session") {
                    return parts_.sessions.accept(exchange, principal.account);
                }
                const auto filter = market::read_feed_filter(request.query);
                if (filter.ok()) return parts_.feed.accept(exchange, principal, filter.value());
                exchange.answer(response(market::Api::refusal(request, filter.error())));
            };
        });
}

void MarketHttp::upload(const ApiRequest& request, const io::Request& head,
                        const io::Exchange& exchange) {
    if (!head.content_length) {
        return exchange.answer(
            response(market::Api::refusal(request, {Code::invalid, "expected a Content-Length"})));
    }
    const std::uint64_t body_bytes = *head.content_length;
    const std::uint64_t size = head.part ? head.part->size : body_bytes;
    const std::uint64_t first = head.part ? head.part->first : 0;
    const Caller caller{exchange, head.peer};
    parts_.core.submit([=, this](const market::Moment& moment,
                                 market::Batch&) -> CoreLoop::Release {
        auto granted = parts_.api.may_upload(request, size, moment.now);
        const BlobKeeper::Mark mark = parts_.keeper.mark();
        return [=, this, now = moment.now, granted = std::move(granted)] {
            if (const auto* refused = std::get_if<ApiAnswer>(&granted)) {
                return refuse(*refused, caller, now);
            }
            const Arrival arrival{request, std::get<market::UploadGrant>(granted), mark};
            if (arrival.grant.is_known) return stored(arrival, exchange);
            parts_.loop.post_blocking([=, this] { receive(arrival, first, body_bytes, exchange); });
        };
    });
}

void MarketHttp::receive(const Arrival& arrival, std::uint64_t first, std::uint64_t body_bytes,
                         const io::Exchange& exchange) {
    const Hash& hash = arrival.grant.blob;
    auto upload = parts_.blobs.begin(hash, arrival.grant.size_bytes);
    if (upload.ok()) {
        return exchange.receive(
            std::make_unique<BlobSink>(*this, arrival, std::move(upload).value(), first),
            body_bytes);
    }
    const bool is_stored = parts_.blobs.size(hash).ok();
    if (upload.error().code == Code::conflict && is_stored) {
        return stored(arrival, exchange);  // another account's bytes: the same
    }
    exchange.answer(response(no_space(arrival.request, upload.error())));
}

void MarketHttp::stored(const Arrival& arrival, const io::Exchange& exchange) {
    parts_.core.submit(
        [=, this](const market::Moment& moment, market::Batch& batch) -> CoreLoop::Release {
            ApiAnswer answer =
                parts_.keeper.is_untouched(arrival.grant.blob, arrival.mark)
                    ? parts_.api.uploaded(arrival.request, arrival.grant, moment, batch)
                    : market::Api::refusal(
                          arrival.request,
                          {Code::unavailable,
                           "just now nobody needed these bytes any more; send them again"});
            return [exchange, answer = std::move(answer)] { exchange.answer(response(answer)); };
        });
}

}  // namespace shoal::apps
