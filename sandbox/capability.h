#pragma once

#include <string_view>
#include <vector>

#include <boost/describe.hpp>

#include "core/result.h"
#include "protocol/offer.h"

namespace shoal::sandbox {

/// What this machine can isolate. Every line was found by doing, not by asking for a version: the
/// limits by a process that tried to break them. It protects the provider and proves nothing to a
/// buyer.
struct Report {
    protocol::Tier tier = protocol::Tier::d;
    std::vector<protocol::IsolationFact> isolation;

    friend bool operator==(const Report&, const Report&) = default;
};
BOOST_DESCRIBE_STRUCT(Report, (), (tier, isolation))

/// Tries everything, in about a tenth of a second.
Report examine();

/// Whether strangers' jobs may run here at all. unavailable: no, and every reason.
Status may_run_strangers(const Report&);

/// For people: "B: shared kernel, every limit enforced".
std::string_view in_words(protocol::Tier);

/// The tier that follows from what was tried. Never `a`: this release starts no virtual machines.
protocol::Tier judge(const std::vector<protocol::IsolationFact>&);

}  // namespace shoal::sandbox
