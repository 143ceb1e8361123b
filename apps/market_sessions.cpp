#include "apps/market_sessions.h"

#include <algorithm>
#include <chrono>
#include <type_traits>
#include <utility>
#include <variant>

#include "core/bytes.h"
#include "core/limits.h"

namespace shoal::apps {

namespace session = protocol::session;

namespace {

constexpr std::uint16_t policy_violation = 1008;
constexpr std::size_t unread_frames = 16;  // of one session, on their way to the core
constexpr std::size_t sessions_per_account = 2 * limits::providers_per_account;  // and old ones

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

}  // namespace

struct ProviderSessions::Session {
    enum class Stage { waiting, challenged, open, over };
    std::shared_ptr<io::WebSocket> socket;
    AccountId account;
    Stage stage = Stage::waiting;
    session::Challenge challenge;
    PublicKey key;
    ProviderId provider;
    std::uint64_t received = 0;  // the last sequence number
    std::uint64_t durable = 0;   // the last one that is to be acknowledged; 0: none is
    bool counted = true;
    Pace frames{limits::frames_per_second};
    Pace bytes{limits::frame_bytes_per_second};
};

ProviderSessions::ProviderSessions(io::Loop& loop, CoreLoop& core, market::Market& market,
                                   std::string release, Heard heard)
    : loop_(loop),
      core_(core),
      market_(market),
      release_(std::move(release)),
      heard_(std::move(heard)) {}

void ProviderSessions::accept(const io::Exchange& exchange, AccountId account) {
    const auto owned = owned_.find(account);
    const bool has_too_many = owned != owned_.end() && owned->second >= sessions_per_account;
    if (count_ >= limits::sessions || has_too_many) {
        const Error full{Code::exhausted, has_too_many ? "this account has too many sessions"
                                                       : "too many sessions; try again later"};
        return exchange.answer(io::refusal(full, ""));
    }
    auto opened = std::make_shared<Session>();
    opened->account = account;
    ++count_;
    ++owned_[account];
    io::WebSocketEvents events;
    // The session is kept by its socket's events, which are destroyed when it has closed.
    events.message = [this, opened](const std::string& text, io::Receipt receipt) {
        auto frame = session::read_provider_frame(text);
        loop_.post([this, opened, frame = std::move(frame), receipt = std::move(receipt),
                    bytes = text.size()] {
            received(opened, frame);
            slow_down(opened, bytes, receipt);
        });
    };
    events.closed = [this, opened](std::uint16_t /*code*/, const std::string& /*reason*/) {
        loop_.post([this, opened] { closed(opened); });
    };
    io::WebSocketLimits bounds;
    bounds.unread_max = unread_frames;
    bounds.silence_max = limits::session_silence;
    opened->socket = exchange.accept(std::move(events), bounds);
    expect_proof(opened);
}

/// Who does not prove an identity in time is not kept.
void ProviderSessions::expect_proof(const Shared& from) {
    const std::weak_ptr<Session> waiting = from;
    loop_.after(limits::challenge_life, [waiting] {
        const Shared late = waiting.lock();
        if (!late || late->stage == Session::Stage::open || late->stage == Session::Stage::over) {
            return;
        }
        refuse(late, Code::timeout, "no proof of an identity came in time");
    });
}

/// A session that says more than its share is read later; nobody else waits for it.
void ProviderSessions::slow_down(const Shared& from, std::size_t bytes,
                                 const io::Receipt& receipt) {
    const Time now{
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())};
    const Duration wait = std::max(from->frames.spend(1, now), from->bytes.spend(bytes, now));
    if (wait == Duration{0} || from->stage == Session::Stage::over) return;
    loop_.after(wait, [receipt] {});  // while it is kept, no more than a few frames are read
}

void ProviderSessions::send(const market::ToProvider& message) {
    const auto found = open_.find(message.provider);
    if (found == open_.end()) return;  // it left; it learns the whole truth when it comes back
    if (const auto* welcome = std::get_if<session::Welcome>(&message.message)) {
        session::Welcome whole = *welcome;
        whole.release = release_;
        found->second->socket->send(session::print(session::FromMarket{std::move(whole)}));
        return;
    }
    found->second->socket->send(session::print(message.message));
}

void ProviderSessions::received(const Shared& from, const Result<session::ProviderFrame>& frame) {
    if (from->stage == Session::Stage::over) return;
    if (!frame.ok()) return refuse(from, frame.error().code, frame.error().what);
    const session::FromProvider& message = frame.value().message;
    if (from->stage == Session::Stage::open) return said(from, frame.value());
    if (const auto* first = std::get_if<session::Hello>(&message)) return hello(from, *first);
    if (const auto* second = std::get_if<session::Proof>(&message)) return proof(from, *second);
    refuse(from, Code::invalid, "expected hello, then proof");
}

void ProviderSessions::hello(const Shared& from, const session::Hello& message) {
    if (message.protocol_min > session::protocol_max ||
        message.protocol_max < session::protocol_min) {
        return refuse(from, Code::unsupported,
                      "this market speaks the session protocols " +
                          std::to_string(session::protocol_min) + " to " +
                          std::to_string(session::protocol_max) + "; install a matching release");
    }
    core_.decide([this, from, message](const market::Moment& moment, market::Batch&) {
        from->key = message.key;
        from->challenge = {to_hex(moment.entropy), to_string(market_.key())};
        from->stage = Session::Stage::challenged;
        return [from] { from->socket->send(session::print(session::FromMarket{from->challenge})); };
    });
}

void ProviderSessions::proof(const Shared& from, const session::Proof& message) {
    const bool proved =
        from->stage == Session::Stage::challenged &&
        verify(from->key, session::challenge_bytes(from->challenge, from->key), message.signature);
    if (!proved) return refuse(from, Code::denied, "the challenge is not signed by the key");
    core_.decide([&](const market::Moment& moment, market::Batch& batch) -> CoreLoop::Release {
        const auto joined = market_.join(from->account, from->key, message.offer, moment, batch);
        if (!joined.ok()) {
            const Error& error = joined.error();
            return [this, from, error] {
                if (error.code == Code::conflict) warn(from->key, error);
                refuse(from, error.code, error.what);
            };
        }
        from->provider = joined.value();
        from->stage = Session::Stage::open;
        open_[from->provider] = from;
        return {};
    });
}

void ProviderSessions::said(const Shared& from, const session::ProviderFrame& frame) {
    if (frame.sequence != 0 && frame.sequence <= from->received) {
        // It was heard before and is durable, or will be when what is in flight is.
        core_.decide(
            [&](const market::Moment&, market::Batch&) { return heard(from, frame, Done{}); });
        return;
    }
    if (frame.sequence != 0) from->received = frame.sequence;
    core_.decide([&](const market::Moment& moment, market::Batch& batch) {
        const Status status = market_.hear(from->provider, frame.message, moment, batch);
        if (const auto* words = std::get_if<session::Said>(&frame.message); words && status.ok()) {
            heard_(*words, moment.now);
        }
        return heard(from, frame, status);
    });
}

CoreLoop::Release ProviderSessions::heard(const Shared& from, const session::ProviderFrame& frame,
                                          const Status& status) const {
    const LeaseId lease = lease_of(frame.message);
    const std::uint64_t sequence = frame.sequence;
    return [this, from, status, lease, sequence] {
        if (from->stage != Session::Stage::open) return;
        if (!status.ok() && status.error().code == Code::invalid) {
            return refuse(from, Code::invalid, status.error().what);
        }
        if (!status.ok() && lease != LeaseId{}) {
            // It works on what is over, or never was its own.
            const auto attempt = market_.state().attempts.find(lease);
            const bool its_own = attempt != market_.state().attempts.end() &&
                                 attempt->second.provider == from->provider;
            const auto reason = its_own ? attempt->second.reason : protocol::Reason::lease_expired;
            from->socket->send(session::print(session::FromMarket{session::Ended{lease, reason}}));
        }
        if (sequence != 0) acknowledge(from, sequence);
    };
}

/// What became durable together is acknowledged by one message.
void ProviderSessions::acknowledge(const Shared& from, std::uint64_t sequence) const {
    const bool is_due = std::exchange(from->durable, std::max(from->durable, sequence)) != 0;
    if (is_due) return;
    loop_.post([from] {
        const session::Ack ack{std::exchange(from->durable, 0)};
        if (from->stage != Session::Stage::open) return;
        from->socket->send(session::print(session::FromMarket{ack}));
    });
}

void ProviderSessions::warn(const PublicKey& key, const Error& error) const {
    const auto provider = market_.index().provider(key);
    const auto live = provider ? open_.find(*provider) : open_.end();
    if (live == open_.end()) return;
    const session::Refused told{std::string(to_string(error.code)),
                                "somebody else tried to open a session with this identity, and "
                                "was refused; if that was not you, make a new identity"};
    live->second->socket->send(session::print(session::FromMarket{told}));
}

void ProviderSessions::closed(const Shared& from) {
    const bool was_open = open_.contains(from->provider) && open_.at(from->provider) == from;
    from->stage = Session::Stage::over;
    if (std::exchange(from->counted, false)) {
        --count_;
        const auto owned = owned_.find(from->account);
        if (--owned->second == 0) owned_.erase(owned);
    }
    if (!was_open) return;
    open_.erase(from->provider);
    market_.leave(from->provider);
}

void ProviderSessions::refuse(const Shared& from, Code code, const std::string& message) {
    const session::Refused refused{std::string(to_string(code)), message};
    from->socket->send(session::print(session::FromMarket{refused}));
    from->socket->close(policy_violation, message);
    if (from->stage != Session::Stage::open) from->stage = Session::Stage::over;
}

}  // namespace shoal::apps
