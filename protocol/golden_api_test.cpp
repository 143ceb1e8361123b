#include <array>

#include <doctest/doctest.h>

#include "protocol/api.h"
#include "protocol/api_market.h"
#include "protocol/api_secrets.h"
#include "protocol/api_workflow.h"
#include "protocol/golden_for_test.h"

namespace shoal::protocol {

namespace {

TEST_CASE("what accounts are answered is on the wire as it always was") {
    check_goldens(
        "api_accounts",
        std::array{wire_kind<Problem>("Problem"), wire_kind<Health>("Health"),
                   wire_kind<AccountPage>("AccountPage"), wire_kind<KeyRequest>("KeyRequest"),
                   wire_kind<KeyPage>("KeyPage"), wire_kind<CreditRequest>("CreditRequest"),
                   wire_kind<StatementPage>("StatementPage"), wire_kind<Books>("Books"),
                   wire_kind<LimitsView>("LimitsView"), wire_kind<RateRequest>("RateRequest"),
                   wire_kind<FreezeRequest>("FreezeRequest"),
                   wire_kind<TransferOrder>("TransferOrder"), wire_kind<AuditPage>("AuditPage"),

                   wire_kind<SecretRequest>("SecretRequest"), wire_kind<SecretPage>("SecretPage")});
}

TEST_CASE("what is answered about jobs is on the wire as it always was") {
    check_goldens(
        "api_jobs",
        std::array{wire_kind<JobPage>("JobPage"), wire_kind<TaskPage>("TaskPage"),
                   wire_kind<AttemptPage>("AttemptPage"), wire_kind<ArtifactPage>("ArtifactPage"),
                   wire_kind<JobWhy>("JobWhy"), wire_kind<TaskWhy>("TaskWhy"),
                   wire_kind<Quote>("Quote"), wire_kind<MetricsView>("MetricsView"),
                   wire_kind<BlobView>("BlobView")});
}

TEST_CASE("what is answered about workflows is on the wire as it always was") {
    check_goldens("api_workflow", std::array{wire_kind<WorkflowPage>("WorkflowPage")});
}

TEST_CASE("what is answered about providers is on the wire as it always was") {
    check_goldens("api_market", std::array{wire_kind<MarketView>("MarketView"),
                                           wire_kind<ProviderPage>("ProviderPage"),
                                           wire_kind<WeightRequest>("WeightRequest"),
                                           wire_kind<VerifiedRequest>("VerifiedRequest"),
                                           wire_kind<ProviderWhy>("ProviderWhy")});
}

TEST_CASE("an item of the feed is on the wire as it always was") {
    check_goldens("feed", std::array{wire_kind<FeedItem>("FeedItem")});
}

}  // namespace

}  // namespace shoal::protocol
