#include "apps/market_http.h"

#include <algorithm>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>

#include "core/limits.h"
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

/// Whether so little is free that only running work may still write.
Status check_disk(const std::filesystem::path& folder) {
    const io::FreeSpace space = TRY(io::free_space(folder));
    const std::uint64_t needed = std::min(limits::disk_free_min.bytes, space.total_bytes / 20);
    if (space.free_bytes >= needed) return Done{};
    return Error{Code::exhausted,
                 fmt::format("the market's disk is nearly full: {} are free, {} "
                             "are needed; try again later",
                             to_rounded(Size{space.free_bytes}), to_rounded(Size{needed}))};
}

}  // namespace

/// An upload's body on its way into the store. What an earlier, broken upload left is not written
/// again: the hash at the end proves that both are the same.
class BlobSink final : public io::UploadSink {
public:
    BlobSink(MarketHttp& http, ApiRequest request, market::UploadGrant grant,
             std::unique_ptr<io::BlobUpload> upload, std::uint64_t first)
        : http_(http),
          request_(std::move(request)),
          grant_(std::move(grant)),
          upload_(std::move(upload)),
          place_(first) {}

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
        if (place_ < grant_.size_bytes) {
            return exchange.answer(
                io::json_response(202, fmt::format(R"({{"size_bytes":{}}})", upload_->size())));
        }
        const Status done = upload_->finish();
        if (done.ok()) return http_.stored(request_, grant_, exchange);
        exchange.answer(response(market::Api::refusal(request_, done.error())));
    }

private:
    MarketHttp& http_;
    ApiRequest request_;
    market::UploadGrant grant_;
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
    switch (parts_.api.kind(asked.method, asked.path)) {
        case RouteKind::plain:
            return plain(request, exchange);
        case RouteKind::socket:
            if (asked.wants_websocket) return socket(request, exchange);
            return exchange.answer(response(market::Api::refusal(
                request, {Code::invalid, "expected a WebSocket handshake (RFC 6455)"})));
        case RouteKind::upload:
            return upload(request, asked, exchange);
    }
}

void MarketHttp::plain(const ApiRequest& request, const io::Exchange& exchange) {
    if (request.method == "POST" && request.path == "/v1/jobs") {
        const Status space = check_disk(parts_.folder);
        if (!space.ok()) {
            ApiAnswer full = market::Api::refusal(request, space.error());
            full.status = 507;
            return exchange.answer(response(full));
        }
    }
    parts_.core.submit([this, request, exchange](const market::Moment& moment,
                                                 market::Batch& batch) -> CoreLoop::Release {
        ApiAnswer answer = parts_.api.handle(request, moment, batch);
        return [this, request, exchange, answer = std::move(answer)] {
            send(request, answer, exchange);
        };
    });
}

void MarketHttp::send(const ApiRequest& request, const ApiAnswer& answer,
                      const io::Exchange& exchange) {
    if (!answer.blob) return exchange.answer(response(answer));
    parts_.loop.post_blocking(
        [this, request, answer, exchange] { send_blob(request, answer, exchange); });
}

void MarketHttp::send_blob(const ApiRequest& request, const ApiAnswer& answer,
                           const io::Exchange& exchange) {
    const auto open = [&]() -> Result<io::Descriptor> {
        const auto path = TRY(parts_.blobs.path(answer.blob->blob));
        return io::open_file(path, O_RDONLY);
    };
    auto file = open();
    if (!file.ok()) return exchange.answer(response(market::Api::refusal(request, file.error())));
    io::Response sent = response(answer);
    sent.file = io::FileBody{std::move(file).value(), to_string(answer.blob->blob)};
    exchange.answer(std::move(sent));
}

void MarketHttp::socket(const ApiRequest& request, const io::Exchange& exchange) {
    parts_.core.submit(
        [this, request, exchange](const market::Moment&, market::Batch&) -> CoreLoop::Release {
            const auto entered = parts_.api.enter(request);
            return [this, request, exchange, entered] {
                if (const auto* refused = std::get_if<ApiAnswer>(&entered)) {
                    return exchange.answer(response(*refused));
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
    parts_.core.submit([=, this](const market::Moment&, market::Batch&) -> CoreLoop::Release {
        auto granted = parts_.api.may_upload(request, size);
        return [=, this, granted = std::move(granted)] {
            if (const auto* refused = std::get_if<ApiAnswer>(&granted)) {
                return exchange.answer(response(*refused));
            }
            const auto& grant = std::get<market::UploadGrant>(granted);
            if (grant.is_known) return stored(request, grant, exchange);
            parts_.loop.post_blocking(
                [=, this] { receive(request, grant, first, body_bytes, exchange); });
        };
    });
}

void MarketHttp::receive(const ApiRequest& request, const market::UploadGrant& grant,
                         std::uint64_t first, std::uint64_t body_bytes,
                         const io::Exchange& exchange) {
    auto upload = parts_.blobs.begin(grant.blob, grant.size_bytes);
    if (upload.ok()) {
        return exchange.receive(
            std::make_unique<BlobSink>(*this, request, grant, std::move(upload).value(), first),
            body_bytes);
    }
    const bool is_stored = parts_.blobs.size(grant.blob).ok();
    if (upload.error().code == Code::conflict && is_stored) {
        return stored(request, grant, exchange);  // another account's bytes: the same
    }
    ApiAnswer refused = market::Api::refusal(request, upload.error());
    if (upload.error().code == Code::exhausted) refused.status = 507;
    exchange.answer(response(refused));
}

void MarketHttp::stored(const ApiRequest& request, const market::UploadGrant& grant,
                        const io::Exchange& exchange) {
    parts_.core.submit(
        [=, this](const market::Moment& moment, market::Batch& batch) -> CoreLoop::Release {
            ApiAnswer answer = parts_.api.uploaded(request, grant, moment, batch);
            return [exchange, answer = std::move(answer)] { exchange.answer(response(answer)); };
        });
}

}  // namespace shoal::apps
