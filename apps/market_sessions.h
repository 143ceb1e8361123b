#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "apps/core_loop.h"
#include "apps/pace.h"
#include "io/http_server.h"
#include "io/loop.h"
#include "io/websocket.h"
#include "market/live.h"
#include "market/market.h"
#include "protocol/session.h"

namespace shoal::apps {

/// The market's side of all provider sessions: the handshake, what they say, what leaves for them.
/// All functions are for the core thread.
class ProviderSessions {
public:
    /// Called when a running attempt said something that the market accepted.
    using Heard = std::function<void(const protocol::session::Said&, Time now)>;

    ProviderSessions(io::Loop&, CoreLoop&, market::Market&, std::string release, Heard);

    /// Accepts the WebSocket of a request that came with a provider's key.
    void accept(const io::Exchange&, AccountId);

    /// A message of the core that has become durable.
    void send(const market::ToProvider&);

    std::size_t count() const { return open_.size(); }

private:
    struct Session;
    using Shared = std::shared_ptr<Session>;

    void received(const Shared&, const Result<protocol::session::ProviderFrame>&);
    void slow_down(const Shared&, std::size_t bytes, const io::Receipt&);
    void expect_proof(const Shared&);
    void hello(const Shared&, const protocol::session::Hello&);
    void proof(const Shared&, const protocol::session::Proof&);
    void said(const Shared&, const protocol::session::ProviderFrame&);
    void closed(const Shared&);
    CoreLoop::Release heard(const Shared&, const protocol::session::ProviderFrame&,
                            const Status&) const;
    void acknowledge(const Shared&, std::uint64_t sequence) const;
    /// Tells the live session of an identity that a second one was refused.
    void warn(const PublicKey&, const Error&) const;
    static void refuse(const Shared&, Code, const std::string& message);

    io::Loop& loop_;
    CoreLoop& core_;
    market::Market& market_;
    std::string release_;
    Heard heard_;
    std::map<ProviderId, Shared> open_;
    std::size_t count_ = 0;                   // of all that were accepted and have not closed
    std::map<AccountId, std::size_t> owned_;  // likewise, of each account
};

}  // namespace shoal::apps
