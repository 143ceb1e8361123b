#include "provider/outbox.h"

#include <algorithm>

#include "core/check.h"

namespace shoal::provider {

void Outbox::put(LeaseId lease, protocol::session::FromProvider message) {
    entries_.push_back({lease, std::move(message)});
}

std::optional<protocol::session::ProviderFrame> Outbox::next() {
    if (sent_ == entries_.size() || sent_ == window_) return std::nullopt;
    protocol::session::ProviderFrame frame{first_ + sent_, entries_[sent_].message};
    ++sent_;
    return frame;
}

std::vector<Outbox::Entry> Outbox::acknowledge(std::uint64_t sequence) {
    std::vector<Entry> known;
    while (sent_ > 0 && first_ <= sequence) {
        known.push_back(std::move(entries_.front()));
        entries_.pop_front();
        ++first_;
        --sent_;
    }
    return known;
}

void Outbox::reopen() {
    first_ = 1;
    sent_ = 0;
}

void Outbox::drop(LeaseId lease) {
    const auto unsent = entries_.begin() + static_cast<std::ptrdiff_t>(sent_);
    entries_.erase(std::remove_if(unsent, entries_.end(),
                                  [lease](const Entry& entry) { return entry.lease == lease; }),
                   entries_.end());
}

void Outbox::check_invariants() const {
    check(sent_ <= entries_.size() && sent_ <= window_ && first_ >= 1);
}

}  // namespace shoal::provider
