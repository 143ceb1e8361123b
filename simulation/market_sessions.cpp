// The market's side of the providers' sessions, as the real shell has it.

#include <type_traits>
#include <utility>
#include <variant>

#include "core/bytes.h"
#include "simulation/market_host.h"

namespace shoal::simulation {

namespace session = protocol::session;

namespace {

/// The lease that a message is about; the id that names nothing where there is none.
LeaseId lease_of(const session::FromProvider& message) {
    return std::visit(
        [](const auto& it) {
            if constexpr (requires { it.lease; }) {
                return it.lease;
            } else {
                return LeaseId{};
            }
        },
        message);
}

struct Promise {
    const Facts& durable;
    ProviderId provider;

    std::string of(LeaseId lease, const char* word) const {
        if (durable.provider_of(lease) == provider) return "";
        return std::string(word) +
               " leaves when it is durable, and to its provider: " + to_string(lease);
    }
    std::string operator()(const session::Granted& it) const {
        return of(it.order.lease, "a grant");
    }
    std::string operator()(const session::Welcome& it) const {
        for (const session::Order& order : it.leases) {
            if (std::string broken = of(order.lease, "a welcome"); !broken.empty()) return broken;
        }
        return "";
    }
    std::string operator()(const session::Renewed& it) const { return of(it.lease, "a renewal"); }
    std::string operator()(const session::Ended& it) const {
        if (durable.provider_of(it.lease) != provider || durable.is_over(it.lease)) return "";
        return "an end leaves when it is durable: " + to_string(it.lease);
    }
    std::string operator()(const session::Challenge&) const { return ""; }
    std::string operator()(const session::Refused&) const { return ""; }
    std::string operator()(const session::Ack&) const { return ""; }  // the wire knows of what
};

}  // namespace

std::string broken_promise(const Facts& durable, ProviderId provider,
                           const session::FromMarket& message) {
    return std::visit(Promise{durable, provider}, message);
}

void MarketHost::enter(Wire::ConnectionId connection, const std::string& secret,
                       const Entered& entered) {
    if (!api_) return;
    market::ApiRequest request;
    request.method = "GET";
    request.path = "/v1/session";
    request.headers["authorization"] = "Bearer " + secret;
    core_.decide([&](const market::Moment& moment, market::Batch&) -> MarketCore::Release {
        const auto who = api_->enter(request, moment.now);
        return [this, connection, who, entered] {
            const auto* refused = std::get_if<market::ApiAnswer>(&who);
            if (refused != nullptr) {
                const bool passes = refused->status == 429;
                return entered(Error{passes ? Code::unavailable : Code::denied, refused->body});
            }
            auto opened = std::make_shared<Session>();
            opened->connection = connection;
            opened->account = std::get<market::Principal>(who).account;
            sessions_[connection] = std::move(opened);
            entered(std::nullopt);
        };
    });
}

void MarketHost::send(const Session& to, const session::FromMarket& message) {
    const std::string broken = broken_promise(core_.durable(), to.provider, message);
    if (!broken.empty()) stage_.fail(broken);
    wire_.to_provider(to.connection, message);
}

/// A message of the core that has become durable.
void MarketHost::message(const market::ToProvider& message) {
    if (const auto* granted = std::get_if<session::Granted>(&message.message)) {
        check_secrets(granted->order);
    }
    auto found = open_.find(message.provider);
    if (found == open_.end()) return;
    constexpr unsigned now_and_then = 20;
    if (stage_.has_bug(Bug::message_to_another) && stage_.random().percent(now_and_then)) {
        found = open_.begin();
    }
    send(*found->second, message.message);
}

void MarketHost::received(Wire::ConnectionId connection, const session::ProviderFrame& frame) {
    const auto found = sessions_.find(connection);
    if (found == sessions_.end() || found->second->stage == Session::Stage::over) return;
    const Shared from = found->second;
    const session::FromProvider& message = frame.message;
    if (from->stage == Session::Stage::open) return said(from, frame);
    if (const auto* first = std::get_if<session::Hello>(&message)) return hello(from, *first);
    if (const auto* second = std::get_if<session::Proof>(&message)) return proof(from, *second);
    refuse(from, Code::invalid, "expected hello, then proof");
}

void MarketHost::hello(const Shared& from, const session::Hello& message) {
    core_.decide([&](const market::Moment& moment, market::Batch&) -> MarketCore::Release {
        from->key = message.key;
        from->challenge = {to_hex(moment.entropy), to_string(core_.market().key())};
        from->stage = Session::Stage::challenged;
        return [this, from] { send(*from, from->challenge); };
    });
}

void MarketHost::proof(const Shared& from, const session::Proof& message) {
    const bool proved =
        from->stage == Session::Stage::challenged &&
        verify(from->key, session::challenge_bytes(from->challenge, from->key), message.signature);
    if (!proved) return refuse(from, Code::denied, "the challenge is not signed by the key");
    core_.decide([&](const market::Moment& moment, market::Batch& batch) -> MarketCore::Release {
        const auto joined =
            core_.market().join(from->account, from->key, message.offer, moment, batch);
        if (!joined.ok()) {
            return [this, from, error = joined.error()] {
                if (error.code == Code::conflict) warn(from->key);
                refuse(from, error.code, error.what);
            };
        }
        from->provider = joined.value();
        from->stage = Session::Stage::open;
        open_[from->provider] = from;
        return {};
    });
}

void MarketHost::said(const Shared& from, const session::ProviderFrame& frame) {
    if (frame.sequence != 0 && frame.sequence <= from->received) {
        core_.decide(
            [&](const market::Moment&, market::Batch&) { return heard(from, frame, Done{}); });
        return;
    }
    if (frame.sequence != 0) from->received = frame.sequence;
    core_.decide([&](const market::Moment& moment, market::Batch& batch) {
        const Status status = core_.market().hear(from->provider, frame.message, moment, batch);
        if (!status.ok()) stage_.refused(status.error().code);
        const auto* words = std::get_if<session::Said>(&frame.message);
        if (words != nullptr && status.ok()) live_->hear(*words);
        return heard(from, frame, status);
    });
}

MarketCore::Release MarketHost::heard(const Shared& from, const session::ProviderFrame& frame,
                                      const Status& status) {
    const LeaseId lease = lease_of(frame.message);
    const std::uint64_t sequence = frame.sequence;
    if (sequence != 0 && stage_.has_bug(Bug::ack_before_commit)) {
        send(*from, session::Ack{sequence});
    }
    return [this, from, status, lease, sequence] {
        if (from->stage != Session::Stage::open) return;
        if (!status.ok() && status.error().code == Code::invalid) {
            return refuse(from, Code::invalid, status.error().what);
        }
        if (!status.ok() && lease != LeaseId{}) {
            const auto& attempts = core_.market().state().attempts;
            const auto attempt = attempts.find(lease);
            const bool its_own =
                attempt != attempts.end() && attempt->second.provider == from->provider;
            send(*from, session::Ended{lease, its_own ? attempt->second.reason
                                                      : protocol::Reason::lease_expired});
        }
        if (sequence != 0) send(*from, session::Ack{sequence});
    };
}

/// Tells the live session of an identity that a second one was refused.
void MarketHost::warn(const PublicKey& key) {
    const auto provider = core_.market().index().provider(key);
    const auto live = provider ? open_.find(*provider) : open_.end();
    if (live == open_.end()) return;
    send(*live->second, session::Refused{"conflict", "somebody else tried to be you"});
}

void MarketHost::refuse(const Shared& from, Code code, const std::string& message) {
    stage_.refused(code);
    send(*from, session::Refused{std::string(to_string(code)), message});
    wire_.close_at_market(from->connection);
    if (from->stage != Session::Stage::open) from->stage = Session::Stage::over;
}

void MarketHost::closed(Wire::ConnectionId connection) {
    const auto found = sessions_.find(connection);
    if (found == sessions_.end()) return;
    const Shared from = found->second;
    sessions_.erase(found);
    const bool was_open = from->stage == Session::Stage::open;
    from->stage = Session::Stage::over;
    const auto open = open_.find(from->provider);
    if (!was_open || open == open_.end() || open->second != from) return;
    open_.erase(open);
    core_.market().leave(from->provider);
}

}  // namespace shoal::simulation
