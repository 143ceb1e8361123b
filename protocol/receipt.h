#pragma once

// The signed record of a finished job: who did what, for how much, with which results.

#include <cstdint>
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

/// One attempt of the job, in the order of its lease.
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

    friend bool operator==(const ReceiptLine&, const ReceiptLine&) = default;
};
BOOST_DESCRIBE_STRUCT(ReceiptLine, (),
                      (lease, task, provider, provider_key, reason, started, ran, charge, fee,
                       artifacts))

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

    friend bool operator==(const Receipt&, const Receipt&) = default;
};
BOOST_DESCRIBE_STRUCT(Receipt, (),
                      (receipt, job, buyer, job_name, spec, state, reason, submitted, ended, held,
                       charged, released, lines, market, signature))

/// What is signed: domain tag, version, every field but the signature, in canonical binary.
Bytes receipt_bytes(const Receipt&);

/// Whether the receipt is whole: the signature is the market's, the lines add up to `charged`, and
/// charged and released make up the hold. invalid: which of these fails, and by how much.
Status verify_receipt(const Receipt&);

}  // namespace shoal::protocol
