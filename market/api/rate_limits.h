#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "core/check.h"
#include "core/limits.h"
#include "core/time.h"
#include "market/state.h"
#include "protocol/events_accounts.h"

namespace shoal::market {

/// A bucket of tokens, full at first, that fills with time; each thing that is done takes one.
class TokenBucket {
public:
    TokenBucket(const protocol::RequestRate& rate, Time now) : level_(full(rate)), at_(now) {}

    /// Takes a token. If there is none: how long until there is.
    std::optional<Duration> take(const protocol::RequestRate& rate, Time now) {
        check(rate.per_second > 0 && rate.burst > 0);
        level_ = level_at(rate, now);
        at_ = std::max(at_, now);
        if (level_ >= token) {
            level_ -= token;
            return std::nullopt;
        }
        const std::uint64_t missing = token - level_;
        return Duration{
            static_cast<std::int64_t>((missing + rate.per_second - 1) / rate.per_second)};
    }

    bool is_full(const protocol::RequestRate& rate, Time now) const {
        return level_at(rate, now) >= full(rate);
    }

private:
    static constexpr std::uint64_t token = 1'000;  // so that a millisecond brings per_second parts

    static std::uint64_t full(const protocol::RequestRate& rate) { return token * rate.burst; }

    std::uint64_t level_at(const protocol::RequestRate& rate, Time now) const {
        const std::uint64_t most = full(rate);
        const auto passed = static_cast<std::uint64_t>(std::max(now - at_, Duration{}).count());
        if (passed > most / rate.per_second) return most;
        return std::min(most, level_ + passed * rate.per_second);
    }

    std::uint64_t level_;
    Time at_;
};

/// How often each of many may ask. Who has not asked for long has a full bucket, and is forgotten;
/// when too many ask at once, those that are not known share one bucket.
template <class Who>
class RateLimits {
public:
    explicit RateLimits(std::size_t count_max) : count_max_(count_max) {}

    /// Counts one request. If it is one too many: how long to wait.
    std::optional<Duration> take(const Who& who, const protocol::RequestRate& rate, Time now) {
        const auto known = buckets_.find(who);
        if (known != buckets_.end()) {
            // Another rate than before begins with a full bucket.
            if (known->second.rate != rate) known->second = {TokenBucket(rate, now), rate};
            return known->second.bucket.take(rate, now);
        }
        if (buckets_.size() >= count_max_) forget_full(now);
        if (buckets_.size() < count_max_) {
            const Entry entry{TokenBucket(rate, now), rate};
            return buckets_.emplace(who, entry).first->second.bucket.take(rate, now);
        }
        if (!shared_) shared_ = TokenBucket(rate, now);
        return shared_->take(rate, now);
    }

    std::size_t size() const { return buckets_.size(); }

private:
    struct Entry {
        TokenBucket bucket;
        protocol::RequestRate rate;
    };

    /// Walks all of them, so not more often than once a second.
    void forget_full(Time now) {
        constexpr Duration apart{1'000};
        if (forgot_ && now - *forgot_ < apart) return;
        forgot_ = now;
        std::erase_if(buckets_, [&](const auto& item) {
            return item.second.bucket.is_full(item.second.rate, now);
        });
    }

    std::size_t count_max_;
    std::map<Who, Entry> buckets_;
    std::optional<TokenBucket> shared_;
    std::optional<Time> forgot_;
};

/// What the key may ask: what the operator said of it, or else what its role has.
inline protocol::RequestRate rate_of(const ApiKey& key) {
    if (key.rate) return *key.rate;
    switch (key.role) {
        case protocol::Role::buyer:
            return {limits::requests_per_second, limits::requests_burst};
        case protocol::Role::provider:
            return {limits::provider_requests_per_second, limits::provider_requests_burst};
        case protocol::Role::operator_:
            return {limits::operator_requests_per_second, limits::operator_requests_burst};
    }
    check(false);
    return {};
}

}  // namespace shoal::market
