#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/lamports.h"
#include "protocol/job.h"
#include "protocol/ledger.h"
#include "protocol/offer.h"

namespace shoal::market {

struct Provider;
struct Usage;

/// What a job asks, in numbers that can be compared quickly. Of several jobs: the least that any of
/// them asks, so what does not pass it passes none of them.
struct Ask {
    std::uint64_t memory_bytes = 0;
    std::uint64_t disk_bytes = 0;
    std::uint64_t gpu_memory_bytes = 0;
    std::uint64_t labels = 0;  // a bit for each label, by its hash
    std::uint32_t cores = 0;
    std::uint32_t gpus = 0;
    std::uint32_t reputation = 0;
    protocol::Tier tier = protocol::Tier::d;

    void add(const Ask&);

    friend bool operator==(const Ask&, const Ask&) = default;
};

/// What a provider has free, and what it is. Of several: the best that any of them has.
struct Machine {
    std::uint64_t memory_bytes = 0;
    std::uint64_t disk_bytes = 0;
    std::uint64_t gpu_memory_bytes = 0;
    std::uint64_t labels = 0;
    std::uint32_t cores = 0;
    std::uint32_t gpus = 0;
    std::uint32_t reputation = 0;
    protocol::Tier tier = protocol::Tier::d;
    std::uint32_t slots = 0;     // attempts that it would take more
    std::uint32_t attempts = 0;  // that it has; of several: the fewest
    Lamports usual;              // an hour of a usual task; of several the lowest
    protocol::Price price;       // of several: each part the lowest
    protocol::Price dearest;     // of several: each part the highest

    void add(const Machine&);

    friend bool operator==(const Machine&, const Machine&) = default;
};

Ask ask(const protocol::JobSpec&);
Machine machine(const Provider&, const Usage&);

/// What an hour of one core and a GiB costs, or the most there is: what orders machines.
Lamports usual_price(const protocol::Price&);

/// No more than what an hour of it costs on the machine or, of several, on any of them. Exact for
/// one machine.
Lamports least_hourly(const Machine&, const protocol::Resources&);

/// False where it is certain that the machine (or any of several) has no room for, or is not what,
/// the job (or any of several) asks. True proves nothing: the rules decide.
bool could_serve(const Machine&, const Ask&);

/// In percent, of what a provider was given: (1 + accepted) / (2 + accepted + failed by its fault),
/// Laplace's rule of succession. Nobody knows a new provider: it has 50.
std::uint32_t reputation(const Provider&);

}  // namespace shoal::market
