#pragma once

// The signed record of a finished job: who did what, for how much, with which results.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/describe.hpp>

#include "core/bytes.h"
#include "core/hash.h"
#include "core/id.h"
#include "core/lamports.h"
#include "core/signature.h"
#include "core/time.h"
#include "protocol/events.h"
#include "protocol/reasons.h"

namespace shoal::protocol {

/// That a task was answered by an earlier result: of which job, whose receipt has the attempt's own
/// line, and whether that result had been checked.
struct ReusedResult {
    JobId job;
    Hash identity;
    bool verified = false;

    friend bool operator==(const ReusedResult&, const ReusedResult&) = default;
};
BOOST_DESCRIBE_STRUCT(ReusedResult, (), (job, identity, verified))

/// One attempt of the job, in the order of its lease. With `reused` it is an earlier job's attempt,
/// which ran then, and `charge` is what its answer cost.
struct ReceiptLine {
    LeaseId lease;
    TaskId task;
    ProviderId provider;
    PublicKey provider_key;
    Reason reason = Reason::completed;
    Time started;
    Duration ran{};
    Lamports charge;
    Lamports fee;  // the part of `charge` that the platform keeps
    std::vector<Artifact> artifacts;
    std::optional<ReusedResult> reused{};

    friend bool operator==(const ReceiptLine&, const ReceiptLine&) = default;
};
BOOST_DESCRIBE_STRUCT(ReceiptLine, (),
                      (lease, task, provider, provider_key, reason, started, ran, charge, fee,
                       artifacts, reused))

/// Which step of which workflow the job was, and the files that other steps handed over to it, by
/// their paths below /in.
struct ReceiptStep {
    WorkflowId workflow;
    std::string name;
    std::vector<Artifact> handed_over;

    friend bool operator==(const ReceiptStep&, const ReceiptStep&) = default;
};
BOOST_DESCRIBE_STRUCT(ReceiptStep, (), (workflow, name, handed_over))

struct Receipt {
    ReceiptId receipt;
    JobId job;
    AccountId buyer;
    std::string job_name;
    Hash spec;  // of the job as it was submitted: SHA-256 of its canonical JSON text
    JobState state = JobState::finished;
    Reason reason = Reason::completed;
    Time submitted;
    Time ended;
    Lamports held;
    Lamports charged;
    Lamports released;
    std::vector<ReceiptLine> lines;
    PublicKey market;
    Signature signature;
    std::optional<ReceiptStep> step{};  // of a job that is one

    friend bool operator==(const Receipt&, const Receipt&) = default;
};
BOOST_DESCRIBE_STRUCT(Receipt, (),
                      (receipt, job, buyer, job_name, spec, state, reason, submitted, ended, held,
                       charged, released, lines, market, signature, step))

/// What is signed: domain tag, version, every field but the signature, in canonical binary. A
/// receipt of a plain job without reused results has the bytes that it always had.
Bytes receipt_bytes(const Receipt&);

/// Whether the receipt is whole: the signature is the market's, the lines add up to `charged`, and
/// charged and released make up the hold. invalid: which of these fails, and by how much.
Status verify_receipt(const Receipt&);

}  // namespace shoal::protocol
