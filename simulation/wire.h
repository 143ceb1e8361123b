#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "market/api/api.h"
#include "protocol/session.h"
#include "simulation/stage.h"

namespace shoal::simulation {

class MarketHost;
class ProviderHost;

/// The network between the market, the providers and the clients.
///
/// A session is a connection: what is numbered arrives in its order or the connection breaks; what
/// may be lost can be lost, come twice, or overtake. A request may be lost or come twice, and so
/// may its answer be lost. A partition is silence.
class Wire {
public:
    using ConnectionId = std::uint64_t;
    using Reply = std::function<void(const Result<market::ApiAnswer>&)>;

    explicit Wire(Stage& stage) : stage_(stage) {}
    void join(MarketHost& market, std::vector<ProviderHost*> providers);

    // --- sessions, from the provider's end ---
    ConnectionId connect(std::uint32_t provider, const std::string& secret);
    void to_market(ConnectionId, const protocol::session::ProviderFrame&);
    void close_at_provider(ConnectionId);
    /// The provider's process is gone; without power nobody tells the market so.
    enum class Power { on, off };
    void provider_died(std::uint32_t provider, Power);

    // --- from the market's end ---
    void to_provider(ConnectionId, const protocol::session::FromMarket&);
    void close_at_market(ConnectionId);
    void market_died();

    // --- requests ---
    struct Request {
        market::ApiRequest head;
        std::optional<std::uint64_t> upload_bytes;  // of a PUT of a blob
        std::optional<std::uint32_t> provider;      // from its machine
    };
    /// Answered once. timeout: nobody answered. unavailable: nobody is there.
    void request(const Request&, Reply);

private:
    struct Said {
        std::uint64_t sequence = 0;
        protocol::session::FromProvider message;
    };
    struct Connection {
        std::uint32_t provider = 0;
        bool at_provider = true;
        bool at_market = false;
        bool is_silent = false;  // broken, and nobody may know it yet
        Time last_to_market;     // when what must keep its order has arrived
        Time last_to_provider;
        std::vector<Said> heard;  // what was numbered and is not acknowledged
    };

    Connection* find(ConnectionId);
    Duration latency();
    Duration notice();
    void break_silently(ConnectionId);
    void tell_market(ConnectionId, Duration);
    void tell_provider(ConnectionId, Duration, const char* why);
    void opened(ConnectionId, const std::string& secret);
    void arrive_at_market(ConnectionId, const protocol::session::ProviderFrame&);
    void arrive_at_provider(ConnectionId, const protocol::session::FromMarket&);
    Time in_order(Time& last);
    bool is_cut(std::uint32_t provider);
    void check_ack(Connection&, std::uint64_t sequence);
    void deliver(const Request&, const Reply&);
    void forget(ConnectionId);

    Stage& stage_;
    MarketHost* market_ = nullptr;
    std::vector<ProviderHost*> providers_;
    std::map<ConnectionId, Connection> connections_;
    ConnectionId count_ = 0;
    std::map<std::uint32_t, Time> cut_until_;
};

}  // namespace shoal::simulation
