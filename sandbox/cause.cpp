#include "sandbox/cause.h"

#include <csignal>
#include <cstring>

#include <sys/wait.h>

namespace shoal::sandbox {

namespace {

using protocol::AttemptOutcome;
using protocol::Reason;

void set(AttemptOutcome& outcome, Reason reason, std::string detail) {
    outcome.reason = reason;
    outcome.detail = std::move(detail);
}

void explain_refusal(const JailNote& note, AttemptOutcome& outcome) {
    const bool program = note.step == static_cast<std::int32_t>(JailStep::program);
    set(outcome, program ? Reason::command_refused : Reason::sandbox_unavailable, describe(note));
}

/// The job ended by itself, and not well.
void explain_failure(const EndFacts& facts, int status, AttemptOutcome& outcome) {
    if (facts.use.out_of_memory_kills > 0) {
        return set(outcome, Reason::out_of_memory_job,
                   "its memory limit was reached and a process of it was killed");
    }
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ) {
        return set(outcome, Reason::disk_limit, "a file grew above the disk it asked for");
    }
    if (WIFSIGNALED(status)) {
        return set(outcome, Reason::signal, std::string("ended by ") + ::strsignal(outcome.signal));
    }
    const std::string code = "exit code " + std::to_string(outcome.exit_code);
    if (facts.use.forks_refused > 0) {
        return set(outcome, Reason::process_limit,
                   code + " after " + std::to_string(facts.use.forks_refused) +
                       " new processes were refused");
    }
    set(outcome, Reason::exit_code, code);
}

}  // namespace

void explain(const EndFacts& facts, AttemptOutcome& outcome) {
    if (facts.status && WIFEXITED(*facts.status)) outcome.exit_code = WEXITSTATUS(*facts.status);
    if (facts.status && WIFSIGNALED(*facts.status)) outcome.signal = WTERMSIG(*facts.status);
    if (facts.refusal) return explain_refusal(*facts.refusal, outcome);
    if (facts.stop) return set(outcome, facts.stop->reason, facts.stop->detail);
    if (!facts.status && facts.use.out_of_memory_kills > 0) {
        return set(outcome, Reason::out_of_memory_job,
                   "its memory limit was reached and all of it was killed");
    }
    if (!facts.status) {
        return set(outcome, Reason::runner_lost, "the job's sandbox was killed from outside");
    }
    const int status = *facts.status;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return set(outcome, Reason::completed, "");
    explain_failure(facts, status, outcome);
}

}  // namespace shoal::sandbox
