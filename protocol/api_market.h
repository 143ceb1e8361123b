#pragma once

// What REST answers about providers, prices, reasons, artifacts and what running attempts say.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/describe.hpp>

#include "core/hash.h"
#include "core/id.h"
#include "core/json.h"
#include "core/lamports.h"
#include "core/signature.h"
#include "core/time.h"
#include "protocol/api.h"
#include "protocol/api_why.h"
#include "protocol/events.h"
#include "protocol/job.h"
#include "protocol/ledger.h"
#include "protocol/offer.h"
#include "protocol/reasons.h"

namespace shoal::protocol {

/// GET /v1/market: whose signature stands on receipts, and what is the platform's of a charge.
struct MarketView {
    PublicKey key;
    std::uint32_t fee_basis_points = 0;
    std::uint32_t cache_basis_points = 0;  // of what a result cost, for giving it again
};
BOOST_DESCRIBE_STRUCT(MarketView, (), (key, fee_basis_points, cache_basis_points))

/// Where a provider's hardware is known from. `claimed`: its owner says so.
enum class HardwareStanding { claimed, verified };
BOOST_DESCRIBE_ENUM(HardwareStanding, claimed, verified)

/// `account` and `earned` are told to its owner and the operator alone.
struct ProviderView {
    ProviderId provider;
    std::optional<AccountId> account;
    std::string name;
    bool online = false;
    bool draining = false;
    Tier tier = Tier::d;
    Price price;
    Resources capacity;
    Resources free;
    std::uint32_t attempts_max = 0;
    std::uint64_t attempts_live = 0;
    std::uint64_t attempts_accepted = 0;
    std::uint64_t attempts_failed = 0;
    std::optional<Lamports> earned;
    std::uint32_t reputation = 0;  // in percent
    std::string region;
    std::vector<std::string> cpu_features;
    std::vector<std::string> pools;
    HardwareStanding hardware_is = HardwareStanding::claimed;
    std::vector<HardwareFact> hardware;
    std::vector<IsolationFact> isolation;
    Time registered;
};
BOOST_DESCRIBE_STRUCT(ProviderView, (),
                      (provider, account, name, online, draining, tier, price, capacity, free,
                       attempts_max, attempts_live, attempts_accepted, attempts_failed, earned,
                       reputation, region, cpu_features, pools, hardware_is, hardware, isolation,
                       registered))

/// The operator's word: how large an account's part is beside others', 100 for all at first.
struct WeightRequest {
    static constexpr std::array<std::string_view, 1> required{"weight"};
    std::uint32_t weight = 0;
};
BOOST_DESCRIBE_STRUCT(WeightRequest, (), (weight))

/// The operator's word: the provider's machine was checked.
struct VerifiedRequest {
    static constexpr std::array<std::string_view, 1> required{"verified"};
    bool verified = false;
};
BOOST_DESCRIBE_STRUCT(VerifiedRequest, (), (verified))

struct ProviderPage {
    std::vector<ProviderView> items;
    std::optional<std::string> next;
};
BOOST_DESCRIBE_STRUCT(ProviderPage, (), (items, next))

/// What a job may cost at most, rounded up once at the total: each task for its whole time limit,
/// without retries. Amounts are absent while no provider fits.
struct Quote {
    std::uint64_t tasks = 0;
    std::uint64_t providers_online = 0;
    std::uint64_t providers_fit = 0;
    std::optional<Lamports> cheapest_task;
    std::optional<Lamports> cheapest_total;
    std::optional<Lamports> dearest_task;
    std::optional<Lamports> dearest_total;
    std::vector<PriceStep> prices;  // at most ten, the cheapest first
    std::string verify;             // how far the result is checked, in words
};
BOOST_DESCRIBE_STRUCT(Quote, (),
                      (tasks, providers_online, providers_fit, cheapest_task, cheapest_total,
                       dearest_task, dearest_total, prices, verify))

/// One metric of one attempt. Long ones are thinned: every kept point is one that was reported.
struct MetricSeries {
    TaskId task;
    LeaseId lease;
    std::string name;
    std::vector<std::int64_t> steps;
    std::vector<double> values;
};
BOOST_DESCRIBE_STRUCT(MetricSeries, (), (task, lease, name, steps, values))

struct MetricsView {
    std::vector<MetricSeries> series;
};
BOOST_DESCRIBE_STRUCT(MetricsView, (), (series))

struct BlobView {
    Hash blob;
    std::uint64_t size_bytes = 0;
};
BOOST_DESCRIBE_STRUCT(BlobView, (), (blob, size_bytes))

/// One frame of GET /v1/events. `sequence` is the journal's, to resume by ?after=; 0 marks what
/// comes only once ("log", "metric", "progress").
struct FeedItem {
    std::uint64_t sequence = 0;
    Time at;
    std::string name;
    std::optional<JobId> job;
    std::optional<TaskId> task;
    std::optional<LeaseId> lease;
    std::optional<ProviderId> provider;
    json::Value body;
};
BOOST_DESCRIBE_STRUCT(FeedItem, (), (sequence, at, name, job, task, lease, provider, body))

/// `available`: its bytes are there. `dropped`: since when they are gone, where that is remembered.
struct ArtifactView {
    std::string path;
    TaskId task;
    LeaseId lease;
    Hash blob;
    std::uint64_t size_bytes = 0;
    bool available = true;
    std::optional<Time> dropped;
};
BOOST_DESCRIBE_STRUCT(ArtifactView, (), (path, task, lease, blob, size_bytes, available, dropped))

struct ArtifactPage {
    std::vector<ArtifactView> items;
    std::optional<std::string> next;
};
BOOST_DESCRIBE_STRUCT(ArtifactPage, (), (items, next))

}  // namespace shoal::protocol
