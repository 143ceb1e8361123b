#pragma once

// What a provider sells, at what price, and what it says of its machine.

#include <cstdint>
#include <string>
#include <vector>

#include <boost/describe.hpp>

#include "core/units.h"
#include "protocol/job.h"
#include "protocol/ledger.h"

namespace shoal::protocol {

/// Where a number about a machine comes from.
enum class Provenance { measured, estimated, declared, unavailable };
BOOST_DESCRIBE_ENUM(Provenance, measured, estimated, declared, unavailable)

/// One fact about the machine: "cpu.model" = "…", read from "/proc/cpuinfo".
struct HardwareFact {
    std::string name;
    std::string value;
    Provenance provenance = Provenance::unavailable;
    std::string source;

    friend bool operator==(const HardwareFact&, const HardwareFact&) = default;
};
BOOST_DESCRIBE_STRUCT(HardwareFact, (), (name, value, provenance, source))

/// One line of what was found out about the sandbox by doing.
struct IsolationFact {
    std::string name;
    bool holds = false;
    std::string detail;

    friend bool operator==(const IsolationFact&, const IsolationFact&) = default;
};
BOOST_DESCRIBE_STRUCT(IsolationFact, (), (name, holds, detail))

/// A: micro-VM. B: shared kernel, fully enforced. C: not fully enforced. D: no isolation.
enum class Tier { a, b, c, d };
BOOST_DESCRIBE_ENUM(Tier, a, b, c, d)

/// What the provider rents out in all, and at what price. Its hardware is *claimed*.
struct Offer {
    std::string name;  // of the machine, chosen by its owner
    Resources capacity;
    std::uint32_t attempts_max = 1;
    Price price;
    Tier tier = Tier::d;
    std::vector<HardwareFact> hardware;
    std::vector<IsolationFact> isolation;

    friend bool operator==(const Offer&, const Offer&) = default;
};
BOOST_DESCRIBE_STRUCT(Offer, (), (name, capacity, attempts_max, price, tier, hardware, isolation))

}  // namespace shoal::protocol
