#pragma once

#include <string>

#include "core/hash.h"
#include "core/id.h"
#include "core/lamports.h"
#include "simulation/market_core.h"
#include "simulation/people.h"
#include "simulation/stage.h"
#include "simulation/wire.h"

namespace shoal::simulation {

/// A buyer who does not stay: stores something, runs a job, limits itself, gives credit away, and
/// has itself forgotten as soon as the market lets it. Then nothing that it wrote is left.
class Guest {
public:
    static constexpr Lamports wealth{5'000'000};

    Guest(Stage& stage, Wire& wire, const MarketCore& core)
        : stage_(stage), core_(core), client_(stage, wire, "guest") {}

    void begin(AccountId, const std::string& secret);

private:
    void act();
    void submit();
    void limit();
    void give();
    void leave();
    void check_forgotten() const;

    Stage& stage_;
    const MarketCore& core_;
    Client client_;
    AccountId account_;
};

}  // namespace shoal::simulation
