#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "market/api/api.h"
#include "market/live.h"
#include "simulation/market_core.h"
#include "simulation/wire.h"

namespace shoal::simulation {

/// The market's process with its doors: REST, uploads, and the providers' sessions, around the
/// core as the real shell has them. What leaves is held against what is durable.
class MarketHost {
public:
    using Answer = std::function<void(const market::ApiAnswer&)>;

    MarketHost(Stage&, Disk&, Wire&);

    void boot() { core_.boot(); }
    /// Whether it takes connections; it may not be ready yet.
    bool is_up() const { return core_.is_up(); }
    MarketCore& core() { return core_; }
    const MarketCore& core() const { return core_; }

    void request(const market::ApiRequest&, const Answer&);
    void upload(const market::ApiRequest&, std::uint64_t size_bytes, const Answer&);

    // --- sessions ---
    /// A connection for a session: refused with the status of the answer, or accepted.
    using Entered = std::function<void(std::optional<Error>)>;
    void enter(Wire::ConnectionId, const std::string& secret, const Entered&);
    void received(Wire::ConnectionId, const protocol::session::ProviderFrame&);
    void closed(Wire::ConnectionId);

private:
    struct Session {
        enum class Stage { waiting, challenged, open, over };
        Wire::ConnectionId connection = 0;
        AccountId account;
        Stage stage = Stage::waiting;
        protocol::session::Challenge challenge;
        PublicKey key;
        ProviderId provider;
        std::uint64_t received = 0;
    };
    using Shared = std::shared_ptr<Session>;

    void died();
    void check_secrets(const protocol::session::Order&);
    void message(const market::ToProvider&);
    void send(const Session&, const protocol::session::FromMarket&);
    void event(const protocol::Event&);
    void answer(const market::ApiRequest&, const market::ApiAnswer&, const Answer&);
    void check_answer(const market::ApiRequest&, const market::ApiAnswer&);
    void stored(const market::ApiRequest&, const market::UploadGrant&, const Answer&);

    void hello(const Shared&, const protocol::session::Hello&);
    void proof(const Shared&, const protocol::session::Proof&);
    void said(const Shared&, const protocol::session::ProviderFrame&);
    MarketCore::Release heard(const Shared&, const protocol::session::ProviderFrame&,
                              const Status&);
    void refuse(const Shared&, Code, const std::string& message);
    void warn(const PublicKey&);

    Stage& stage_;
    Disk& disk_;
    Wire& wire_;
    MarketCore core_;
    std::unique_ptr<market::Live> live_;
    std::unique_ptr<market::Api> api_;
    std::map<Wire::ConnectionId, Shared> sessions_;
    std::map<ProviderId, Shared> open_;
};

/// The promise that a message would break if it left now, when only this is durable; else empty.
std::string broken_promise(const Facts& durable, ProviderId, const protocol::session::FromMarket&);

}  // namespace shoal::simulation
