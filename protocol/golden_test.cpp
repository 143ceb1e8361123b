#include <array>

#include <doctest/doctest.h>

#include "protocol/attempt.h"
#include "protocol/events.h"
#include "protocol/golden_for_test.h"
#include "protocol/job.h"
#include "protocol/offer.h"
#include "protocol/receipt.h"
#include "protocol/session.h"
#include "protocol/workflow.h"

namespace shoal::protocol {

namespace {

TEST_CASE("a job is on the wire as it always was") {
    check_goldens(
        "job", std::array{wire_kind<JobSpec>("JobSpec"), wire_kind<WorkflowSpec>("WorkflowSpec")});
}

TEST_CASE("a provider's session is on the wire as it always was") {
    check_goldens("session", std::array{wire_kind<session::ProviderFrame>("ProviderFrame"),
                                        wire_kind<session::FromMarket>("FromMarket")});
}

TEST_CASE("every message of a session has its line") {
    constexpr std::size_t messages =
        std::variant_size_v<session::FromProvider> + std::variant_size_v<session::FromMarket>;
    CHECK(read_golden_lines("session").size() == messages);
}

TEST_CASE("an attempt's files are as they always were") {
    check_goldens("attempt", std::array{wire_kind<AttemptSpec>("AttemptSpec"),
                                        wire_kind<AttemptOutcome>("AttemptOutcome")});
}

TEST_CASE("a receipt is on the wire as it always was") {
    check_goldens("receipt", std::array{wire_kind<Receipt>("Receipt")});
}

TEST_CASE("the journal holds events as it always did") {
    check_goldens("events", std::array{wire_kind<Event>("Event")});
    const std::vector<GoldenLine> lines = read_golden_lines("events");
    CHECK(lines.size() == std::variant_size_v<Event>);
    for (const GoldenLine& line : lines) {
        const json::Value whole = json::parse(line.text, limits::body_bytes).value();
        const auto& [name, body] = *whole.as_object().begin();
        const auto event = read_event(name, body);
        REQUIRE(event.ok());
        CHECK(event_name(event.value()) == name);
        CHECK(print_event(event.value()) == json::print(body));
    }
}

TEST_CASE("an event of unknown name is told from one of unknown form") {
    CHECK(read_event("later_event", {{"a", 1}}).error().code == Code::unsupported);
    CHECK(read_event("", {{"a", 1}}).error().code == Code::unsupported);
    CHECK(read_event("lease_renewed", {{"deadline", "soon"}}).error().code == Code::invalid);
    CHECK(read_event("lease_renewed", nullptr).error().code == Code::invalid);
}

TEST_CASE("the closed lists are what they always were") {
    check_enumerators(
        "lists",
        std::array{
            wire_kind<std::vector<Reason>>("Reason"), wire_kind<std::vector<Fault>>("Fault"),
            wire_kind<std::vector<Payer>>("Payer"), wire_kind<std::vector<Role>>("Role"),
            wire_kind<std::vector<TaskState>>("TaskState"),
            wire_kind<std::vector<JobState>>("JobState"),
            wire_kind<std::vector<JobKind>>("JobKind"), wire_kind<std::vector<Best>>("Best"),
            wire_kind<std::vector<Verify>>("Verify"),
            wire_kind<std::vector<Determinism>>("Determinism"),
            wire_kind<std::vector<Cache>>("Cache"), wire_kind<std::vector<OnFailure>>("OnFailure"),
            wire_kind<std::vector<Tier>>("Tier"), wire_kind<std::vector<Provenance>>("Provenance"),
            wire_kind<std::vector<AccountKind>>("AccountKind"),
            wire_kind<std::vector<LimitedBy>>("LimitedBy"),
            wire_kind<std::vector<TransferPurpose>>("TransferPurpose")});
}

}  // namespace

}  // namespace shoal::protocol
