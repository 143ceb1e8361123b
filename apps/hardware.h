#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/units.h"
#include "protocol/offer.h"

namespace shoal::apps {

/// What this machine has, as far as this process may use it.
struct Machine {
    std::string name;
    std::uint32_t cores = 1;  // those we may run on, within the control group's share
    Size memory;              // of the machine, or the control group's limit
    Size disk_free;           // where the data folder lies
    std::vector<protocol::HardwareFact> facts;
};

/// Looks. What cannot be found out is a fact of its own, `unavailable`, and never a guess.
Machine detect_machine(const std::filesystem::path& data);

/// The limit of processor time that a control group's files tell, in whole cores rounded up; zero:
/// none. The forms are those of cpu.max ("200000 100000", "max 100000").
std::uint32_t cores_of_quota(std::string_view cpu_max);

}  // namespace shoal::apps
