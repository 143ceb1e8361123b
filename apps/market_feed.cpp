#include "apps/market_feed.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "apps/market_recovery.h"
#include "core/json.h"
#include "core/limits.h"

namespace shoal::apps {

namespace {

constexpr std::size_t rows_at_once = 100;
constexpr std::size_t queue_bytes_max = 256 << 10;  // of one subscriber; above it he is too slow
constexpr std::size_t news_bytes_max = 64 << 10;    // gathered; then they are told
constexpr Duration news_pause{100};
constexpr Duration drain_pause{20};  // of one who is told what was
constexpr std::uint16_t try_again_later = 1013;
constexpr std::size_t heard_bytes_max = 4 << 10;  // of what nobody listens to

std::string text_of(const market::FeedDraft& draft) {
    return json::print(draft.item);
}

void add_line(std::string& message, const std::string& item) {
    if (!message.empty()) message += '\n';
    message += item;
}

Time now() {
    return Time{
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())};
}

}  // namespace

struct FeedHub::Subscriber {
    std::shared_ptr<io::WebSocket> socket;
    market::Principal principal;
    market::FeedFilter filter;
    std::uint64_t seen = 0;  // the last that was looked at in the journal
    bool live = false;       // it has seen all that is durable
    bool over = false;

    bool wants(const market::FeedDraft& draft) const {
        return market::may_see(principal, draft) && market::passes(filter, draft.item);
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
    bounds.queue_bytes_max = queue_bytes_max;
    subscriber->socket = exchange.accept(std::move(events), bounds);
    subscribers_.push_back(subscriber);
    read_on(subscriber);
}

void FeedHub::read_on(const Shared& subscriber) {
    if (subscriber->over) return;
    if (subscriber->socket->queued_bytes() > queue_bytes_max / 4) {
        loop_.after(drain_pause, [this, subscriber] { read_on(subscriber); });
        return;
    }
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
    std::string message;
    for (const io::Row& row : rows.value()) {
        if (row.sequence > core_.last_sequence()) break;  // durable, but not yet let out
        subscriber->seen = row.sequence;
        const auto event = read_row(row);
        if (!event.ok()) {
            return subscriber->socket->close(try_again_later, event.error().what);
        }
        const auto draft = market::feed_draft(market_.state(), row.sequence, event.value());
        if (!draft || !subscriber->wants(*draft)) continue;
        add_line(message, text_of(*draft));
        if (message.size() < news_bytes_max) continue;
        subscriber->socket->send(std::exchange(message, {}));
    }
    if (!message.empty()) subscriber->socket->send(std::move(message));
    read_on(subscriber);
}

void FeedHub::tell(market::FeedDraft draft) {
    if (subscribers_.empty()) return;
    std::string text = text_of(draft);
    news_bytes_ += text.size();
    news_.push_back({std::move(draft), std::move(text)});
    if (news_bytes_ >= news_bytes_max) return tell_all();
    if (telling_) return;
    const Duration wait = std::max(Duration{0}, told_at_ + news_pause - now());
    telling_ = loop_.after(wait, [this] { tell_all(); });
}

void FeedHub::tell_all() {
    if (telling_) loop_.cancel(*std::exchange(telling_, std::nullopt));
    told_at_ = now();
    for (const Shared& subscriber : subscribers_) {
        if (!subscriber->live) continue;
        std::string message = told_to(*subscriber);
        if (!message.empty()) subscriber->socket->send(std::move(message));
    }
    news_.clear();
    news_bytes_ = 0;
    messages_.clear();
}

/// What it has not read in the journal already. Most want what others want too.
std::string FeedHub::told_to(const Subscriber& subscriber) {
    std::vector<bool> wanted;
    wanted.reserve(news_.size());
    for (const News& one : news_) {
        const std::uint64_t sequence = one.draft.item.sequence;
        const bool is_new = sequence == 0 || sequence > subscriber.seen;
        wanted.push_back(is_new && subscriber.wants(one.draft));
    }
    const auto [message, is_first] = messages_.try_emplace(std::move(wanted));
    for (std::size_t i = 0; is_first && i < news_.size(); ++i) {
        if (!message->first[i]) continue;
        add_line(message->second, news_[i].text);
    }
    return message->second;
}

void FeedHub::event(std::uint64_t sequence, const protocol::Event& event) {
    if (const auto* submitted = std::get_if<protocol::JobSubmitted>(&event)) {
        begins_.emplace(submitted->job, sequence);
    }
    if (subscribers_.empty()) return;
    auto draft = market::feed_draft(market_.state(), sequence, event);
    if (draft) tell(std::move(*draft));
}

void FeedHub::said(const protocol::session::Said& words, Time now) {
    if (subscribers_.empty()) return;
    for (market::FeedDraft& draft : market::feed_drafts(market_.state(), words, now)) {
        tell(std::move(draft));
    }
}

}  // namespace shoal::apps
