#include "sandbox/cause.h"

#include <csignal>
#include <vector>

#include <doctest/doctest.h>

namespace shoal::sandbox {

namespace {

using protocol::AttemptOutcome;
using protocol::Reason;

int exited(int code) {
    return code << 8;
}

AttemptOutcome explained(const EndFacts& facts) {
    AttemptOutcome outcome;
    explain(facts, outcome);
    return outcome;
}

EndFacts ended(int status, GroupUse use = {}) {
    return {.stop = {}, .refusal = {}, .status = status, .use = use};
}

JailNote refusal(JailStep step) {
    return {JailNote::Kind::failed, static_cast<std::int32_t>(step), 2};
}

}  // namespace

TEST_CASE("the cause of an end follows from what is known, the counted before the guessed") {
    const GroupUse killed{.out_of_memory_kills = 1};
    const GroupUse refused{.forks_refused = 3};
    CHECK(explained(ended(exited(0))).reason == Reason::completed);
    CHECK(explained(ended(exited(0), killed)).reason == Reason::completed);
    CHECK(explained(ended(exited(0), refused)).reason == Reason::completed);
    CHECK(explained(ended(exited(7))).reason == Reason::exit_code);
    CHECK(explained(ended(SIGSEGV)).reason == Reason::signal);
    CHECK(explained(ended(SIGKILL)).reason == Reason::signal);
    CHECK(explained(ended(SIGKILL, killed)).reason == Reason::out_of_memory_job);
    CHECK(explained(ended(exited(1), killed)).reason == Reason::out_of_memory_job);
    CHECK(explained(ended(exited(1), refused)).reason == Reason::process_limit);
    CHECK(explained(ended(SIGSEGV, refused)).reason == Reason::signal);
    CHECK(explained(ended(SIGXFSZ)).reason == Reason::disk_limit);
}

TEST_CASE("a job of which nothing is left but its group's count") {
    EndFacts facts;
    CHECK(explained(facts).reason == Reason::runner_lost);
    facts.use.out_of_memory_kills = 1;
    CHECK(explained(facts).reason == Reason::out_of_memory_job);
}

TEST_CASE("what stopped a job is the cause, however it then went; its exit code is kept") {
    EndFacts facts = ended(exited(85));
    facts.stop = StopCause{Reason::provider_drained, "leaving"};
    const AttemptOutcome outcome = explained(facts);
    CHECK(outcome.reason == Reason::provider_drained);
    CHECK(outcome.detail == "leaving");
    CHECK(outcome.exit_code == 85);
}

TEST_CASE("a command that cannot run is the buyer's, a wall that cannot be built the provider's") {
    EndFacts facts;
    facts.refusal = refusal(JailStep::program);
    CHECK(explained(facts).reason == Reason::command_refused);
    facts.refusal = refusal(JailStep::loopback);
    CHECK(explained(facts).reason == Reason::sandbox_unavailable);
    CHECK(explained(facts).detail == "cannot bring up loopback: No such file or directory");
}

TEST_CASE("details are for people") {
    CHECK(explained(ended(exited(3))).detail == "exit code 3");
    CHECK(explained(ended(SIGSEGV)).detail == "ended by Segmentation fault");
    CHECK(explained(ended(SIGSEGV)).signal == SIGSEGV);
    CHECK(explained(ended(exited(1), {.forks_refused = 3})).detail ==
          "exit code 1 after 3 new processes were refused");
}

}  // namespace shoal::sandbox
