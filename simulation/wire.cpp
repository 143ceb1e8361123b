#include "simulation/wire.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "core/limits.h"
#include "simulation/market_host.h"
#include "simulation/provider_host.h"

namespace shoal::simulation {

namespace session = protocol::session;
using session::FromMarket;
using session::ProviderFrame;

namespace {

constexpr Duration answer_max{30'000};  // then a client gives up

/// Whether the protocol bears that it is lost, comes twice or overtakes.
bool may_stray(const FromMarket& message) {
    return std::holds_alternative<session::Granted>(message) ||
           std::holds_alternative<session::Renewed>(message) ||
           std::holds_alternative<session::Ended>(message) ||
           std::holds_alternative<session::Ack>(message);
}

bool may_stray(const ProviderFrame& frame) {
    return std::holds_alternative<session::Said>(frame.message) ||
           std::holds_alternative<session::Alive>(frame.message);
}

}  // namespace

void Wire::join(MarketHost& market, std::vector<ProviderHost*> providers) {
    market_ = &market;
    providers_ = std::move(providers);
}

Wire::Connection* Wire::find(ConnectionId id) {
    const auto found = connections_.find(id);
    return found == connections_.end() ? nullptr : &found->second;
}

Duration Wire::latency() {
    if (stage_.strikes(Fault::delay)) return stage_.between(50, 20'000);
    return stage_.between(0, 20);
}

/// How long it takes until one side sees that the other is gone.
Duration Wire::notice() {
    return stage_.between(0, limits::session_silence.count());
}

bool Wire::is_cut(std::uint32_t provider) {
    if (stage_.healed()) return false;
    const auto found = cut_until_.find(provider);
    return found != cut_until_.end() && stage_.now() < found->second;
}

Time Wire::in_order(Time& last) {
    last = std::max(last, stage_.now() + latency());
    return last;
}

// --- opening and closing -------------------------------------------------------------------------

Wire::ConnectionId Wire::connect(std::uint32_t provider, const std::string& secret) {
    const ConnectionId id = ++count_;
    connections_[id].provider = provider;
    if (is_cut(provider)) {
        tell_provider(id, stage_.between(1'000, 20'000), "nobody answers");
        return id;
    }
    stage_.later(latency(), [this, id, secret] { opened(id, secret); });
    return id;
}

void Wire::opened(ConnectionId id, const std::string& secret) {
    if (find(id) == nullptr) return;
    if (!market_->is_up()) return tell_provider(id, latency(), "nobody is there");
    market_->enter(id, secret, [this, id](const std::optional<Error>& refused) {
        Connection* connection = find(id);
        if (connection == nullptr) return;
        connection->at_market = !refused;
        stage_.later(latency(), [this, id, refused] {
            const Connection* there = find(id);
            if (there == nullptr || !there->at_provider || there->is_silent) return;
            ProviderHost& provider = *providers_[there->provider];
            if (!refused) return provider.opened(id);
            forget(id);
            provider.closed(id, *refused);
        });
    });
    // A market that died over it never answers.
    if (!market_->is_up()) tell_provider(id, stage_.between(10, 2'000), "the connection broke");
}

void Wire::forget(ConnectionId id) {
    connections_.erase(id);
}

void Wire::tell_market(ConnectionId id, Duration wait) {
    stage_.later(wait, [this, id] {
        Connection* connection = find(id);
        if (connection == nullptr || !std::exchange(connection->at_market, false)) return;
        const bool is_done = !connection->at_provider;
        if (is_done) forget(id);
        market_->closed(id);
    });
}

void Wire::tell_provider(ConnectionId id, Duration wait, const char* why) {
    stage_.later(wait, [this, id, why] {
        Connection* connection = find(id);
        if (connection == nullptr || !std::exchange(connection->at_provider, false)) return;
        ProviderHost& provider = *providers_[connection->provider];
        const bool is_done = !connection->at_market;
        if (is_done) forget(id);
        provider.closed(id, Error{Code::unavailable, why});
    });
}

void Wire::break_silently(ConnectionId id) {
    Connection* connection = find(id);
    if (connection == nullptr || std::exchange(connection->is_silent, true)) return;
    tell_market(id, notice());
    tell_provider(id, notice(), "the connection broke");
}

void Wire::close_at_provider(ConnectionId id) {
    Connection* connection = find(id);
    if (connection == nullptr) return;
    connection->at_provider = false;
    if (!connection->at_market) return forget(id);
    tell_market(id, in_order(connection->last_to_market) - stage_.now());
}

void Wire::close_at_market(ConnectionId id) {
    Connection* connection = find(id);
    if (connection == nullptr) return;
    tell_market(id, Duration{0});
    tell_provider(id, in_order(connection->last_to_provider) - stage_.now() + Duration{1},
                  "the market closed it");
}

void Wire::market_died() {
    for (auto& [id, connection] : connections_) {
        connection.at_market = false;
        connection.is_silent = true;
        tell_provider(id, stage_.random().percent(90) ? stage_.between(0, 2'000) : notice(),
                      "the connection broke");
    }
}

void Wire::provider_died(std::uint32_t provider, Power power) {
    std::vector<ConnectionId> gone;
    for (auto& [id, connection] : connections_) {
        if (connection.provider != provider) continue;
        connection.at_provider = false;
        connection.is_silent = true;
        gone.push_back(id);
    }
    for (const ConnectionId id : gone) {
        if (!find(id)->at_market) {
            forget(id);
        } else {
            tell_market(id, power == Power::on ? stage_.between(0, 1'500) : notice());
        }
    }
}

// --- frames --------------------------------------------------------------------------------------

void Wire::to_market(ConnectionId id, const ProviderFrame& frame) {
    Connection* connection = find(id);
    if (connection == nullptr || !connection->at_provider || connection->is_silent) return;
    if (stage_.strikes(Fault::partition)) {
        cut_until_[connection->provider] = stage_.now() + stage_.between(1'000, 1'200'000);
        return break_silently(id);
    }
    if (stage_.strikes(Fault::broken_connection)) return break_silently(id);
    const auto arrive = [this, id, frame] { arrive_at_market(id, frame); };
    const bool overtakes = stage_.has_bug(Bug::frames_reordered) && frame.sequence != 0;
    if (!may_stray(frame) && !overtakes) {
        stage_.later(in_order(connection->last_to_market) - stage_.now(), arrive);
        if (frame.sequence != 0 && stage_.strikes(Fault::duplication)) {
            stage_.later(in_order(connection->last_to_market) - stage_.now(), arrive);
        }
        return;
    }
    if (stage_.strikes(Fault::loss) && !overtakes) return;
    const bool strays = stage_.strikes(Fault::reordering) || overtakes;
    stage_.later(
        strays ? stage_.between(0, 5'000) : in_order(connection->last_to_market) - stage_.now(),
        arrive);
    if (stage_.strikes(Fault::duplication)) stage_.later(stage_.between(0, 2'000), arrive);
}

void Wire::arrive_at_market(ConnectionId id, const ProviderFrame& frame) {
    Connection* connection = find(id);
    if (connection == nullptr || !connection->at_market || connection->is_silent) return;
    if (frame.sequence != 0) connection->heard.push_back({frame.sequence, frame.message});
    if (!stage_.world().as_text) return market_->received(id, frame);
    const auto read = session::read_provider_frame(session::print(frame));
    if (!read.ok()) return stage_.fail("a frame is read as it was written: " + read.error().what);
    market_->received(id, read.value());
}

void Wire::to_provider(ConnectionId id, const FromMarket& message) {
    Connection* connection = find(id);
    if (connection == nullptr) return;
    if (const auto* ack = std::get_if<session::Ack>(&message))
        check_ack(*connection, ack->sequence);
    if (!connection->at_market || connection->is_silent) return;
    if (stage_.strikes(Fault::broken_connection)) return break_silently(id);
    const auto arrive = [this, id, message] { arrive_at_provider(id, message); };
    if (!may_stray(message)) {
        stage_.later(in_order(connection->last_to_provider) - stage_.now(), arrive);
        return;
    }
    if (stage_.strikes(Fault::loss)) return;
    const bool strays = stage_.strikes(Fault::reordering);
    stage_.later(
        strays ? stage_.between(0, 5'000) : in_order(connection->last_to_provider) - stage_.now(),
        arrive);
    if (stage_.strikes(Fault::duplication)) stage_.later(stage_.between(0, 2'000), arrive);
}

void Wire::arrive_at_provider(ConnectionId id, const FromMarket& message) {
    const Connection* connection = find(id);
    if (connection == nullptr || !connection->at_provider || connection->is_silent) return;
    ProviderHost& provider = *providers_[connection->provider];
    if (!stage_.world().as_text) return provider.received(id, message);
    const auto read = session::read_market_frame(session::print(message));
    if (!read.ok()) return stage_.fail("a message is read as it was written: " + read.error().what);
    provider.received(id, read.value());
}

/// What is acknowledged is durable, as far as it was the provider's to say.
void Wire::check_ack(Connection& connection, std::uint64_t sequence) {
    const Facts& durable = market_->core().durable();
    const ProviderId who = providers_[connection.provider]->id();
    const auto is_kept = [&](const Said& said) {
        if (const auto* it = std::get_if<session::Started>(&said.message)) {
            return durable.has_started(it->lease) || durable.is_over(it->lease) ||
                   durable.has_exited(it->lease) || durable.provider_of(it->lease) != who;
        }
        if (const auto* it = std::get_if<session::Exited>(&said.message)) {
            return durable.has_exited(it->lease) || durable.is_over(it->lease) ||
                   durable.provider_of(it->lease) != who;
        }
        if (const auto* it = std::get_if<session::Finished>(&said.message)) {
            return durable.is_over(it->lease) || durable.provider_of(it->lease) != who;
        }
        return true;
    };
    std::uint64_t heard = 0;
    for (const Said& said : connection.heard) {
        heard = std::max(heard, said.sequence);
        if (said.sequence > sequence || is_kept(said)) continue;
        stage_.fail(
            fmt::format("what is acknowledged is durable: frame {} of a session", said.sequence));
    }
    std::erase_if(connection.heard, [&](const Said& said) { return said.sequence <= sequence; });
}

// --- requests ------------------------------------------------------------------------------------

void Wire::request(const Request& request, Reply reply) {
    const auto waiting = std::make_shared<Reply>(std::move(reply));
    const Reply once = [this, waiting](const Result<market::ApiAnswer>& answer) {
        const Reply taken = std::exchange(*waiting, {});
        if (!taken) return;
        if (!answer.ok()) stage_.refused(answer.error().code);
        taken(answer);
    };
    stage_.later(answer_max, [once] { once(Error{Code::timeout, "no answer in time"}); });
    if (request.provider && is_cut(*request.provider)) return;
    if (!stage_.strikes(Fault::loss)) {
        stage_.later(latency(), [this, request, once] { deliver(request, once); });
    }
    if (!stage_.strikes(Fault::duplication)) return;
    Request again = request;
    if (stage_.has_bug(Bug::repetition_without_key)) again.head.headers.erase("idempotency-key");
    stage_.later(stage_.between(0, 10'000), [this, again, once] { deliver(again, once); });
}

void Wire::deliver(const Request& request, const Reply& reply) {
    const auto answer = [this, reply](const Result<market::ApiAnswer>& made) {
        if (stage_.strikes(Fault::loss)) return;
        stage_.later(latency(), [reply, made] { reply(made); });
    };
    if (!market_->is_up()) return answer(Error{Code::unavailable, "nobody is there"});
    if (request.upload_bytes) return market_->upload(request.head, *request.upload_bytes, answer);
    market_->request(request.head, answer);
}

}  // namespace shoal::simulation
