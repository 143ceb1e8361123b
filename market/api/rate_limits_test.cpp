#include "market/api/rate_limits.h"

#include <string>

#include <doctest/doctest.h>

#include "core/random.h"

namespace shoal::market {
namespace {

using protocol::RequestRate;

constexpr Time begin{Duration{5'000'000}};

TEST_CASE("a bucket gives its burst at once, then so many a second") {
    const RequestRate rate{4, 3};
    TokenBucket bucket(rate, begin);
    for (int i = 0; i < 3; ++i) CHECK_FALSE(bucket.take(rate, begin));
    CHECK(bucket.take(rate, begin) == Duration{250});
    CHECK(bucket.take(rate, begin + Duration{249}) == Duration{1});
    CHECK_FALSE(bucket.take(rate, begin + Duration{250}));
    CHECK(bucket.take(rate, begin + Duration{250}) == Duration{250});
}

TEST_CASE("a bucket never holds more than its burst, however long nobody asks") {
    const RequestRate rate{1'000'000, 2};
    TokenBucket bucket(rate, begin);
    const Time later = begin + Duration{1LL << 60U};
    CHECK_FALSE(bucket.take(rate, later));
    CHECK_FALSE(bucket.take(rate, later));
    CHECK(bucket.take(rate, later));
}

TEST_CASE("in any time no more is let through than the burst and the rate") {
    Random random(7);
    for (int round = 0; round < 50; ++round) {
        const RequestRate rate{static_cast<std::uint32_t>(random.between(1, 50)),
                               static_cast<std::uint32_t>(random.between(1, 20))};
        TokenBucket bucket(rate, begin);
        Time now = begin;
        std::int64_t passed = 0;
        for (int i = 0; i < 2'000; ++i) {
            now += Duration{static_cast<std::int64_t>(random.below(60))};
            const auto wait = bucket.take(rate, now);
            if (!wait) ++passed;
            // Whoever waits as long as told is let through.
            if (wait) {
                TokenBucket copy = bucket;
                CHECK_FALSE(copy.take(rate, now + *wait));
            }
        }
        const std::int64_t most = rate.burst + (now - begin).count() * rate.per_second / 1'000;
        CHECK(passed <= most);
        CHECK(passed >= most / 3);
    }
}

TEST_CASE("a clock that stands, or a moment from before, gives nothing") {
    const RequestRate rate{1'000, 1};
    TokenBucket bucket(rate, begin);
    CHECK_FALSE(bucket.take(rate, begin));
    CHECK(bucket.take(rate, begin - Duration{10'000}));
    CHECK(bucket.take(rate, begin));
}

TEST_CASE("each has its own bucket, and one who was quiet is forgotten") {
    RateLimits<std::string> all(2);
    const RequestRate rate{1, 1};
    CHECK_FALSE(all.take("a", rate, begin));
    CHECK_FALSE(all.take("b", rate, begin));
    CHECK(all.take("a", rate, begin));
    CHECK(all.size() == 2);
    // There is no place for more: they share one bucket.
    CHECK_FALSE(all.take("c", rate, begin));
    CHECK(all.take("d", rate, begin));
    CHECK(all.size() == 2);
    const Time later = begin + Duration{1'000};
    CHECK_FALSE(all.take("d", rate, later));
    CHECK(all.size() == 1);
    CHECK(all.take("d", rate, later));
}

TEST_CASE("a key that was given a rate has that, any other what its role has") {
    ApiKey key;
    CHECK(rate_of(key).per_second == limits::requests_per_second);
    key.role = protocol::Role::provider;
    CHECK(rate_of(key).burst == limits::provider_requests_burst);
    key.role = protocol::Role::operator_;
    CHECK(rate_of(key).burst == limits::operator_requests_burst);
    key.rate = RequestRate{3, 4};
    CHECK(rate_of(key) == RequestRate{3, 4});
}

}  // namespace
}  // namespace shoal::market
