#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "protocol/attempt.h"
#include "sandbox/launch.h"

namespace shoal::sandbox {

/// Why an attempt was ended from outside.
struct StopCause {
    protocol::Reason reason;
    std::string detail;
};

/// All that is known when an attempt is over.
struct EndFacts {
    std::optional<StopCause> stop;    // it was told to end before it did
    std::optional<JailNote> refusal;  // a step of the launch failed
    std::optional<int> status;        // of the job's first process, as wait() gives it
    GroupUse use;
};

/// Puts reason, detail, exit code and signal into the outcome. What the control group counted is
/// believed before what the signal suggests: a SIGKILL alone says nothing of memory.
void explain(const EndFacts&, protocol::AttemptOutcome&);

}  // namespace shoal::sandbox
