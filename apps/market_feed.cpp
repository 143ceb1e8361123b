#include "apps/market_feed.h"

#include <algorithm>
#include <utility>

#include "apps/market_recovery.h"
#include "core/json.h"
#include "core/limits.h"

namespace shoal::apps {

namespace {

constexpr std::size_t rows_at_once = 500;
constexpr std::uint16_t try_again_later = 1013;
constexpr std::size_t heard_bytes_max = 4 << 10;  // of what nobody listens to

void send_item(io::WebSocket& socket, const protocol::FeedItem& item) {
    socket.send(json::print(json::write(item)));
}

}  // namespace

struct FeedHub::Subscriber {
    std::shared_ptr<io::WebSocket> socket;
    market::Principal principal;
    market::FeedFilter filter;
    std::uint64_t seen = 0;  // the last sequence number that was looked at
    bool live = false;       // it has seen all that is durable
    bool over = false;

    void offer(const std::optional<protocol::FeedItem>& item) const {
        if (item && market::passes(filter, *item)) send_item(*socket, *item);
    }
};

FeedHub::FeedHub(io::Loop& loop, CoreLoop& core, io::Journal& journal, const market::Market& market)
    : loop_(loop), core_(core), journal_(journal), market_(market) {}

void FeedHub::accept(const io::Exchange& exchange, const market::Principal& principal,
                     const market::FeedFilter& filter) {
    if (subscribers_.size() >= limits::feed_subscribers) {
        const Error full{Code::exhausted, "too many subscribers; try again later"};
        return exchange.answer(io::refusal(full, ""));
    }
    auto subscriber = std::make_shared<Subscriber>();
    subscriber->principal = principal;
    subscriber->filter = filter;
    subscriber->seen = filter.after;
    if (filter.job && begins_.contains(*filter.job)) {
        subscriber->seen = std::max(subscriber->seen, begins_.at(*filter.job) - 1);
    }
    io::WebSocketEvents events;
    events.message = [](const std::string& /*text*/, const io::Receipt& /*receipt*/) {};
    events.closed = [this, subscriber](std::uint16_t /*code*/, const std::string& /*reason*/) {
        loop_.post([this, subscriber] {
            subscriber->over = true;
            subscribers_.remove(subscriber);
        });
    };
    io::WebSocketLimits bounds;
    bounds.message_bytes_max = heard_bytes_max;
    subscriber->socket = exchange.accept(std::move(events), bounds);
    subscribers_.push_back(subscriber);
    read_on(subscriber);
}

void FeedHub::read_on(const Shared& subscriber) {
    if (subscriber->over) return;
    if (subscriber->seen >= core_.last_sequence()) {
        subscriber->live = true;
        return;
    }
    loop_.post_blocking([this, subscriber, after = subscriber->seen] {
        // What was dropped by now is not told any more.
        auto rows = journal_.read(std::max(after, journal_.first_sequence() - 1), rows_at_once);
        loop_.post([this, subscriber, rows = std::move(rows)] { history(subscriber, rows); });
    });
}

void FeedHub::history(const Shared& subscriber, const Result<std::vector<io::Row>>& rows) {
    if (subscriber->over) return;
    if (!rows.ok()) {
        return subscriber->socket->close(try_again_later, "the journal cannot be read");
    }
    for (const io::Row& row : rows.value()) {
        if (row.sequence > core_.last_sequence()) break;  // durable, but not yet let out
        subscriber->seen = row.sequence;
        const auto event = read_row(row);
        if (!event.ok()) {
            return subscriber->socket->close(try_again_later, event.error().what);
        }
        subscriber->offer(
            market::feed_item(market_.state(), subscriber->principal, row.sequence, event.value()));
    }
    read_on(subscriber);
}

void FeedHub::event(std::uint64_t sequence, const protocol::Event& event) {
    if (const auto* submitted = std::get_if<protocol::JobSubmitted>(&event)) {
        begins_.emplace(submitted->job, sequence);
    }
    for (const Shared& subscriber : subscribers_) {
        if (!subscriber->live) continue;
        subscriber->seen = sequence;
        subscriber->offer(
            market::feed_item(market_.state(), subscriber->principal, sequence, event));
    }
}

void FeedHub::said(const protocol::session::Said& words, Time now) {
    for (const Shared& subscriber : subscribers_) {
        if (!subscriber->live) continue;
        for (const protocol::FeedItem& item :
             market::feed_items(market_.state(), subscriber->principal, words, now)) {
            subscriber->offer(item);
        }
    }
}

}  // namespace shoal::apps
