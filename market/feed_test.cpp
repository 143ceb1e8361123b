#include "market/feed.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "market/world_for_test.h"

namespace shoal::market {
namespace {

using protocol::FeedItem;
using protocol::Role;

struct Fed : World {
    Fed() {
        stranger = account();
        secret = market.create_key(buyer, Role::buyer, moment(), batch).value().secret;
        flush();
        machine = provider(4, core_price(3'600));
        seller = market.state().providers.at(machine).account;
        job = submit(simple_job()).value();
        lease = live().at(0);
        work(lease, Duration{1'000}, {{"loss", 0.5}});
    }

    /// All that an account sees of the journal.
    std::vector<FeedItem> seen(AccountId account, Role role) const {
        std::vector<FeedItem> items;
        std::uint64_t sequence = 0;
        for (const auto& [name, body] : journal) {
            const auto value = json::parse(body, body.size());
            const auto event = protocol::read_event(name, value.value());
            const Principal principal{account, {}, role};
            const auto item = feed_item(market.state(), principal, ++sequence, event.value());
            if (!item) continue;
            CHECK(item->name == name);
            CHECK(item->sequence == sequence);
            CHECK(item->at != Time{});
            items.push_back(*item);
        }
        return items;
    }

    AccountId stranger;
    AccountId seller;
    ProviderId machine;
    JobId job;
    LeaseId lease;
    std::string secret;
};

std::vector<std::string> names(const std::vector<FeedItem>& items) {
    std::vector<std::string> all;
    all.reserve(items.size());
    for (const FeedItem& item : items) all.push_back(item.name);
    return all;
}

bool has(const std::vector<std::string>& all, std::string_view name) {
    return std::ranges::find(all, name) != all.end();
}

TEST_CASE("a buyer sees its jobs and its money, and nothing of providers' own") {
    const Fed fed;
    const auto all = names(fed.seen(fed.buyer, Role::buyer));
    for (const char* name :
         {"transfer_posted", "key_created", "job_submitted", "lease_granted", "attempt_started",
          "attempt_exited", "attempt_ended", "task_ended", "job_ended", "receipt_issued"}) {
        CAPTURE(name);
        CHECK(has(all, name));
    }
    for (const char* name : {"provider_registered", "offer_published", "request_answered"}) {
        CAPTURE(name);
        CHECK_FALSE(has(all, name));
    }
}

TEST_CASE("a provider's account sees its attempts and earnings, and nothing of the buyer's own") {
    const Fed fed;
    const auto items = fed.seen(fed.seller, Role::provider);
    const auto all = names(items);
    for (const char* name : {"provider_registered", "offer_published", "lease_granted",
                             "attempt_started", "attempt_ended", "transfer_posted"}) {
        CAPTURE(name);
        CHECK(has(all, name));
    }
    for (const char* name : {"job_submitted", "task_ended", "job_ended", "key_created"}) {
        CAPTURE(name);
        CHECK_FALSE(has(all, name));
    }
    for (const FeedItem& item : items) {
        if (item.name != "transfer_posted") continue;
        CHECK(item.body.at("purpose") == "charge_provider");
    }
}

TEST_CASE("a stranger sees its own account alone, an operator sees more than anyone") {
    const Fed fed;
    CHECK(names(fed.seen(fed.stranger, Role::buyer)) ==
          std::vector<std::string>{"account_created"});
    const auto all = fed.seen(fed.stranger, Role::operator_);
    CHECK(all.size() > fed.seen(fed.buyer, Role::buyer).size());
    CHECK(has(names(all), "provider_registered"));
    CHECK(has(names(all), "job_submitted"));
}

TEST_CASE("no secret and no command is ever told, not even hashed") {
    const Fed fed;
    for (const FeedItem& item : fed.seen(fed.stranger, Role::operator_)) {
        const std::string text = json::print(item);
        CHECK(text.find(fed.secret) == std::string::npos);
        CHECK(text.find(to_string(sha256(fed.secret))) == std::string::npos);
        CHECK(text.find("./work") == std::string::npos);
    }
}

TEST_CASE("what a running attempt says is told to its buyer, once and escaped") {
    const Fed fed;
    const protocol::session::Said said{fed.lease, 7, "\x1b[31mred\n", {{3, {{"loss", 0.5}}}}, 0.25};
    const auto tell = [&](AccountId account, Role role) {
        return feed_items(fed.market.state(), {account, {}, role}, said, Time{Duration{9}});
    };
    const auto items = tell(fed.buyer, Role::buyer);
    CHECK(names(items) == std::vector<std::string>{"log", "metric", "progress"});
    CHECK(items.at(0).sequence == 0);
    CHECK(items.at(0).job == fed.job);
    CHECK(items.at(0).body.at("text") == "\\x1b[31mred\n");
    CHECK(items.at(1).body.at("values").at("loss") == 0.5);
    CHECK(tell(fed.stranger, Role::buyer).empty());
    CHECK(tell(fed.stranger, Role::operator_).size() == 3);
}

TEST_CASE("a filter keeps one job's items, of some names, after a sequence number") {
    const Fed fed;
    const auto filter =
        read_feed_filter({{"job", to_string(fed.job)}, {"name", "attempt_"}, {"after", "3"}});
    REQUIRE(filter.ok());
    std::vector<std::string> passed;
    for (const FeedItem& item : fed.seen(fed.buyer, Role::buyer)) {
        if (passes(filter.value(), item)) passed.push_back(item.name);
    }
    CHECK(passed == std::vector<std::string>{"attempt_started", "attempt_exited", "attempt_ended"});
    FeedItem item;
    item.sequence = 3;
    CHECK_FALSE(passes({3, {}, ""}, item));
    CHECK(passes({2, {}, ""}, item));
    item.sequence = 0;
    CHECK(passes({3, {}, ""}, item));
}

TEST_CASE("a filter that cannot be read is refused") {
    CHECK(read_feed_filter({}).ok());
    CHECK(read_feed_filter({{"job", "x"}}).error().code == Code::invalid);
    CHECK(read_feed_filter({{"after", "-1"}}).error().code == Code::invalid);
    CHECK(read_feed_filter({{"after", "1x"}}).error().code == Code::invalid);
    CHECK(read_feed_filter({{"jobs", "job_1"}}).error().code == Code::invalid);
}

}  // namespace
}  // namespace shoal::market
