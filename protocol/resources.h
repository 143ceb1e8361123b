#pragma once

// What a task asks of a provider's machine, and of the provider.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/describe.hpp>

#include "core/id.h"
#include "core/json.h"
#include "core/units.h"

namespace shoal::protocol {

/// Equal GPUs. Of a task: `model` is a part of the name that they must have, in any case of its
/// letters, or empty; `memory` is the least that each has.
struct Gpus {
    std::uint32_t count = 0;
    Size memory;
    std::string model;

    friend bool operator==(const Gpus&, const Gpus&) = default;
};
BOOST_DESCRIBE_STRUCT(Gpus, (), (count, memory, model))

/// What one attempt may use of its provider.
struct Resources {
    std::uint32_t cores = 1;
    Size memory = 1_GiB;
    Size disk = 1_GiB;
    Gpus gpu{};

    friend bool operator==(const Resources&, const Resources&) = default;
};
BOOST_DESCRIBE_STRUCT(Resources, (), (cores, memory, disk, gpu))

/// A: micro-VM. B: shared kernel, fully enforced. C: not fully enforced. D: no isolation.
enum class Tier { a, b, c, d };
BOOST_DESCRIBE_ENUM(Tier, a, b, c, d)

/// Which providers a job may run on, of those whose machines are large enough. Lists that are empty
/// and fields that are absent ask for nothing.
struct Placement {
    std::vector<std::string> cpu_features;  // all of them, by the names of /proc/cpuinfo: "avx512f"
    std::vector<std::string> regions;       // one of them
    std::optional<Tier> tier;               // this one or a better one
    bool verified = false;                  // the market has checked the machine
    std::uint32_t reputation = 0;           // at least, in percent of attempts not failed
    std::optional<std::string> pool;        // one that the provider's offer names
    std::vector<AccountId> block_accounts;
    std::vector<ProviderId> block_providers;

    friend bool operator==(const Placement&, const Placement&) = default;
};
BOOST_DESCRIBE_STRUCT(Placement, (),
                      (cpu_features, regions, tier, verified, reputation, pool, block_accounts,
                       block_providers))

}  // namespace shoal::protocol
