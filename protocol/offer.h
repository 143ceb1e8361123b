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

/// What the provider rents out in all, at what price, and to whom. Its hardware is *claimed*.
struct Offer {
    std::string name;  // of the machine, chosen by its owner
    Resources capacity;
    std::uint32_t attempts_max = 1;
    Price price;
    Tier tier = Tier::d;
    std::string region;                     // as its owner names it: "eu-west"; or empty
    std::vector<std::string> cpu_features;  // by the names of /proc/cpuinfo
    std::vector<std::string> pools;  // a job that asks for a pool runs only where it is named
    std::vector<AccountId> buyers;   // the only ones whose jobs it takes; none: anybody's
    std::vector<AccountId> block_accounts;  // whose jobs it does not take
    std::vector<HardwareFact> hardware;
    std::vector<IsolationFact> isolation;

    friend bool operator==(const Offer&, const Offer&) = default;
};
BOOST_DESCRIBE_STRUCT(Offer, (),
                      (name, capacity, attempts_max, price, tier, region, cpu_features, pools,
                       buyers, block_accounts, hardware, isolation))

}  // namespace shoal::protocol
