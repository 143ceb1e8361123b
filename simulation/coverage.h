#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <boost/describe.hpp>

#include "core/json.h"
#include "core/result.h"
#include "protocol/events.h"
#include "protocol/reasons.h"

namespace shoal::simulation {

/// How often runs came to what: events by type, refusals by code, ends of attempts and tasks by
/// reason, faults by kind.
struct Coverage {
    std::map<std::string, std::uint64_t> events;
    std::map<std::string, std::uint64_t> refusals;
    std::map<std::string, std::uint64_t> ends;
    std::map<std::string, std::uint64_t> faults;

    void add(const Coverage&);

    friend bool operator==(const Coverage&, const Coverage&) = default;
};
BOOST_DESCRIBE_STRUCT(Coverage, (), (events, refusals, ends, faults))

/// What must be reached and was not, like "event blob_dropped"; nothing in `reserved_ends` may be.
std::vector<std::string> gaps(const Coverage&);

/// The reasons on the closed list that nothing gives yet.
bool is_reserved(protocol::Reason);

}  // namespace shoal::simulation
