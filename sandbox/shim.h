#pragma once

// The shim: the process that owns one attempt's sandbox. It outlives the provider's process, which
// attaches to it again after a restart. Its folder holds
//     attempt.json   what to run (protocol::AttemptSpec), before it starts
//     work/ out/     the job's own folders
//     log reports    what the job said, as far as the limits let it
//     shim.sock      where providers attach
//     outcome.json   how it ended (protocol::AttemptOutcome): whole or absent, and written only
//                    when nothing of the job runs any more
//
// On the socket both sides speak lines. To every provider, at once when it attaches and then as it
// happens: `started`, `grown` (the log or the reports), `ended` (outcome.json is there). From it:
// `stop REASON GRACE_MS` (SIGTERM to the job, SIGKILL after the grace), `deadline MS_FROM_NOW` (of
// the lease).

#include <string>

namespace shoal::sandbox {

/// Runs the attempt of a folder to its end. Descriptor 0 may be the listening socket already; else
/// it is made here. The values of the secrets that attempt.json names are on descriptor 3: they
/// come into the job's environment and out of what it says, and are written nowhere. 0:
/// outcome.json tells how it ended; 1: not even that could be written.
int run_shim(const std::string& attempt_folder);

}  // namespace shoal::sandbox
