#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/hash.h"
#include "core/units.h"
#include "protocol/job.h"
#include "protocol/reasons.h"

namespace shoal::sandbox {

/// One file that the job made.
struct CollectedFile {
    std::string path;  // relative to /out
    Hash hash;
    std::uint64_t size_bytes = 0;
    std::string source;  // on the host
};

/// Why nothing is collected: output_missing, output_refused or output_limit, and which file.
struct CollectRefusal {
    protocol::Reason reason = protocol::Reason::output_refused;
    std::string detail;
};

struct Collection {
    std::vector<CollectedFile> files;  // by path; empty if it was refused
    std::optional<CollectRefusal> refusal;
};

struct CollectLimits {
    Size size = 1_GiB;  // of all together, by their lengths
    std::size_t files = 5'000;
    int depth = 32;
};

/// Finds the declared outputs in the folder that was the job's /out, and hashes them. A declared
/// folder stands for all below it; what is not declared is left alone.
///
/// To be called when nothing of the job runs any more. What it left is hostile all the same: only
/// plain files with plain names count, reached without a link, and one breach refuses everything.
Collection collect(const std::string& out, const std::vector<protocol::JobOutput>& declared,
                   const CollectLimits&);

}  // namespace shoal::sandbox
