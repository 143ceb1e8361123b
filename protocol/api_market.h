#pragma once

// What REST answers about providers, prices, reasons and what running attempts say.

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
};
BOOST_DESCRIBE_STRUCT(MarketView, (), (key, fee_basis_points))

/// Where a provider's hardware is known from. `claimed`: its owner says so.
enum class HardwareStanding { claimed };
BOOST_DESCRIBE_ENUM(HardwareStanding, claimed)

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
    HardwareStanding hardware_is = HardwareStanding::claimed;
    std::vector<HardwareFact> hardware;
    std::vector<IsolationFact> isolation;
    Time registered;
};
BOOST_DESCRIBE_STRUCT(ProviderView, (),
                      (provider, account, name, online, draining, tier, price, capacity, free,
                       attempts_max, attempts_live, attempts_accepted, attempts_failed, earned,
                       hardware_is, hardware, isolation, registered))

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
    std::string verify;  // how far the result is checked, in words
};
BOOST_DESCRIBE_STRUCT(Quote, (),
                      (tasks, providers_online, providers_fit, cheapest_task, cheapest_total,
                       dearest_task, dearest_total, verify))

/// One thing that is asked for, and how many pass it (of `of`).
struct Requirement {
    std::string name;    // "memory"
    std::string wanted;  // "4GiB"
    std::uint64_t pass = 0;
    std::uint64_t of = 0;
};
BOOST_DESCRIBE_STRUCT(Requirement, (), (name, wanted, pass, of))

/// Why a job waits, or why it ended. While it waits each requirement counts the providers that
/// pass it, `fit` those that pass all but being free, `position` its first waiting task's place in
/// the queue.
struct JobWhy {
    JobId job;
    JobState state = JobState::open;
    std::string sentence;
    TaskCounts tasks;
    std::optional<std::uint64_t> position;
    std::optional<std::uint64_t> fit;
    std::vector<Requirement> requirements;
    std::optional<Reason> reason;
    std::optional<Fault> fault;
    std::optional<Payer> payer;
    std::vector<std::string> help;
};
BOOST_DESCRIBE_STRUCT(JobWhy, (),
                      (job, state, sentence, tasks, position, fit, requirements, reason, fault,
                       payer, help))

/// Why a provider gets no work. Each requirement counts the waiting tasks that it passes.
struct ProviderWhy {
    ProviderId provider;
    bool online = false;
    bool draining = false;
    std::string sentence;
    std::uint64_t attempts_live = 0;
    std::uint64_t tasks_waiting = 0;
    std::uint64_t tasks_fit = 0;
    std::vector<Requirement> requirements;
    std::vector<std::string> help;
};
BOOST_DESCRIBE_STRUCT(ProviderWhy, (),
                      (provider, online, draining, sentence, attempts_live, tasks_waiting,
                       tasks_fit, requirements, help))

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

}  // namespace shoal::protocol
