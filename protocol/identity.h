#pragma once

#include "core/hash.h"
#include "protocol/job.h"

namespace shoal::protocol {

/// What makes two tasks the same for the result cache: the program's words and variables with the
/// matrix's values in their places, each input's name and hashes, the declared outputs, the cores
/// and GPUs that the program may count, the limits that may cut it off, the kind and the class of
/// determinism. Not the job's name, its price, or who runs it. The inputs must be resolved.
Hash task_identity(const JobSpec&, const Parameters&);

}  // namespace shoal::protocol
