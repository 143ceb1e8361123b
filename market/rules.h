#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/time.h"
#include "market/index.h"
#include "market/state.h"

namespace shoal::market {

/// A waiting task's side: its job, and how many of the job's tasks have no lease (at least one).
struct Demand {
    const Job& job;
    std::size_t waiting = 1;
    Duration paid_time_min{};  // Settings
    bool is_stopped = false;   // its account is frozen
};

/// A provider's side: what it offers and what of it is in use.
struct Supply {
    const Provider& provider;
    Usage usage;
    bool draining = false;
    bool is_stopped = false;  // likewise
};

/// What a provider that is online must pass to be given a task. Matching and `why` both ask these
/// and nothing else. `is_lasting`: waiting for the end of another attempt does not help.
struct Rule {
    std::string_view name;
    bool is_lasting = true;
    bool is_price = false;  // of the job's caps, not of its placement
    bool (*passes)(const Demand&, const Supply&) = nullptr;
    std::string (*wanted)(const Demand&) = nullptr;
    std::string_view help;        // for the buyer
    std::string_view offer_help;  // for the provider
};

/// In the order in which they are asked: what costs least first.
std::span<const Rule> rules();

bool passes_all(const Demand&, const Supply&);

/// Whether the provider is what the job asks for, whatever it costs; and whether it keeps to the
/// price's cap for an hour too.
bool passes_placement(const Demand&, const Supply&);
bool passes_terms(const Demand&, const Supply&);

/// Whether the provider could ever be given the task, were it idle.
bool passes_lasting(const Demand&, const Supply&);

}  // namespace shoal::market
