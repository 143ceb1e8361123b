#include "simulation/market_host.h"

#include <algorithm>
#include <type_traits>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "core/json.h"
#include "protocol/api.h"
#include "simulation/people.h"

namespace shoal::simulation {

namespace session = protocol::session;
using market::ApiAnswer;
using market::ApiRequest;

MarketHost::MarketHost(Stage& stage, Disk& disk, Wire& wire)
    : stage_(stage), disk_(disk), wire_(wire), core_(stage, disk) {
    core_.set_surroundings({
        .message = [this](const market::ToProvider& it) { message(it); },
        .event = [this](const protocol::Event& it) { event(it); },
        .born =
            [this] {
                live_ = std::make_unique<market::Live>();
                api_ = std::make_unique<market::Api>(core_.market(), *live_);
            },
        .died = [this] { died(); },
        .serves = [this] { api_->set_missing(""); },
    });
}

/// An order has its job's secrets, as their account set them, or none at all.
void MarketHost::check_secrets(const protocol::session::Order& order) {
    const market::Job& job = core_.market().state().jobs.at(order.job);
    if (order.secrets.empty() && job.ended) return;
    bool good = order.secrets.size() == job.spec.secrets.size();
    for (const auto& [name, value] : order.secrets) {
        good = good && value == secret_value(job.account, name) &&
               std::ranges::count(job.spec.secrets, name) == 1;
    }
    if (!good) stage_.fail("an attempt has its job's secrets: " + to_string(order.lease));
}

void MarketHost::died() {
    sessions_.clear();
    open_.clear();
    api_.reset();
    live_.reset();
    wire_.market_died();
}

void MarketHost::event(const protocol::Event& event) {
    const auto* ended = std::get_if<protocol::AttemptEnded>(&event);
    if (ended == nullptr || !live_) return;
    live_->end(ended->lease, ended->at);
    live_->tick(ended->at);
}

// --- requests ------------------------------------------------------------------------------------

void MarketHost::request(const ApiRequest& request, const Answer& reply) {
    const bool is_submission = request.method == "POST" && request.path == "/v1/jobs";
    if (is_submission && disk_.is_full()) {
        const Error full{Code::exhausted, "the market's disk is full"};
        return answer(request, market::Api::refusal(request, full), reply);
    }
    core_.decide([&](const market::Moment& moment, market::Batch& batch) -> MarketCore::Release {
        ApiAnswer made = api_->handle(request, moment, batch);
        return [this, request, reply, made = std::move(made)] { answer(request, made, reply); };
    });
}

void MarketHost::upload(const ApiRequest& request, std::uint64_t size_bytes, const Answer& reply) {
    if (!api_) return;
    if (disk_.is_full()) {
        const Error full{Code::exhausted, "the market's disk is full"};
        ApiAnswer refused = market::Api::refusal(request, full);
        refused.status = 507;
        return answer(request, refused, reply);
    }
    core_.decide([&](const market::Moment& moment, market::Batch&) -> MarketCore::Release {
        auto granted = api_->may_upload(request, size_bytes, moment.now);
        return [this, request, reply, granted = std::move(granted)] {
            if (const auto* refused = std::get_if<ApiAnswer>(&granted)) {
                return answer(request, *refused, reply);
            }
            const auto& grant = std::get<market::UploadGrant>(granted);
            // The bytes take their time.
            stage_.later(grant.is_known ? Duration{0} : stage_.between(1, 200),
                         [this, request, grant, reply, life = core_.life()] {
                             if (life == core_.life()) stored(request, grant, reply);
                         });
        };
    });
}

void MarketHost::stored(const ApiRequest& request, const market::UploadGrant& grant,
                        const Answer& reply) {
    core_.decide([&](const market::Moment& moment, market::Batch& batch) -> MarketCore::Release {
        ApiAnswer made = api_->uploaded(request, grant, moment, batch);
        return [this, request, reply, grant, made = std::move(made)] {
            constexpr int refusals = 400;
            const bool is_there = core_.durable().has_blob(grant.account, grant.blob);
            if (made.status < refusals && !is_there) {
                stage_.fail("an upload is answered when it is durable: " + to_string(grant.blob));
            }
            answer(request, made, reply);
        };
    });
}

void MarketHost::answer(const ApiRequest& request, const ApiAnswer& made, const Answer& reply) {
    check_answer(request, made);
    if (stage_.is_told()) {
        stage_.tell(fmt::format("  {} {} is answered {} {}", request.method, request.path,
                                made.status, made.body.substr(0, 200)));
    }
    stage_.mix(static_cast<std::uint64_t>(made.status));
    reply(made);
}

/// An answer says nothing that is not durable.
void MarketHost::check_answer(const ApiRequest& request, const ApiAnswer& made) {
    constexpr int refusals = 400;
    if (made.status >= refusals) return;
    const auto key = request.headers.find("idempotency-key");
    if (request.method == "POST" && key != request.headers.end()) {
        const auto secret = request.headers.find("authorization");
        const auto asked = core_.market().authenticate(secret->second.substr(7));
        if (asked && !core_.durable().has_answer(asked->account, key->second)) {
            stage_.fail(
                fmt::format("{} {} is answered when it is durable", request.method, request.path));
        }
    }
    if (request.method != "GET" || request.path != "/v1/jobs") return;
    const auto value = json::parse(made.body, made.body.size());
    const auto page = json::read<protocol::JobPage>(value.value(), json::Reader::tolerant);
    for (const protocol::JobView& view : page.value().items) {
        if (core_.durable().has_job(view.job)) continue;
        stage_.fail(to_string(view.job) + " is told of when it is durable");
    }
}

}  // namespace shoal::simulation
