#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/core_loop.h"
#include "io/http_server.h"
#include "io/journal.h"
#include "io/loop.h"
#include "market/feed.h"
#include "market/market.h"

namespace shoal::apps {

/// The event feed of all subscribers: first what the journal has after the place they name, then
/// what becomes durable: at once after a pause, else gathered for 100 ms, so that many subscribers
/// of many events cost one message each in that time. All functions are for the core thread.
class FeedHub {
public:
    FeedHub(io::Loop&, CoreLoop&, io::Journal&, const market::Market&);

    /// Accepts the WebSocket of a request that was authorised.
    void accept(const io::Exchange&, const market::Principal&, const market::FeedFilter&);

    /// An event became durable. Also to be called for each event that is replayed at the start.
    void event(std::uint64_t sequence, const protocol::Event&);

    /// A running attempt said something.
    void said(const protocol::session::Said&, Time now);

    std::size_t count() const { return subscribers_.size(); }

private:
    struct Subscriber;
    using Shared = std::shared_ptr<Subscriber>;

    void read_on(const Shared&);
    struct News {
        market::FeedDraft draft;
        std::string text;  // printed once for all who want it
    };

    void tell(market::FeedDraft);
    void tell_all();
    std::string told_to(const Subscriber&);
    void history(const Shared&, const Result<std::vector<io::Row>>&);

    io::Loop& loop_;
    CoreLoop& core_;
    io::Journal& journal_;
    const market::Market& market_;
    std::list<Shared> subscribers_;
    std::vector<News> news_;  // not told yet
    std::size_t news_bytes_ = 0;
    std::map<std::vector<bool>, std::string> messages_;  // of the news by what is wanted of them
    std::optional<io::Loop::TimerId> telling_;
    Time told_at_{Duration{-1'000}};
    std::map<JobId, std::uint64_t> begins_;  // where the journal first speaks of a job
};

}  // namespace shoal::apps
