#include "market/rules.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "market/matching.h"
#include "market/needs.h"

namespace shoal::market {

namespace {

template <class T>
bool holds(const std::vector<T>& list, const T& wanted) {
    return std::ranges::find(list, wanted) != list.end();
}

const protocol::Resources& needs(const Demand& demand) {
    return demand.job.spec.resources;
}

const protocol::Placement& where(const Demand& demand) {
    return demand.job.spec.placement;
}

const protocol::Offer& offer(const Supply& supply) {
    return supply.provider.offer;
}

// --- what passes ---------------------------------------------------------------------------------

bool takes_work(const Demand& /*demand*/, const Supply& supply) {
    return !supply.draining && offer(supply).attempts_max > 0;
}

bool may_begin(const Demand& demand, const Supply& supply) {
    return !demand.is_stopped && !supply.is_stopped;
}

bool has_cores(const Demand& demand, const Supply& supply) {
    return needs(demand).cores <= offer(supply).capacity.cores;
}

bool has_memory(const Demand& demand, const Supply& supply) {
    return needs(demand).memory <= offer(supply).capacity.memory;
}

bool has_disk(const Demand& demand, const Supply& supply) {
    return needs(demand).disk <= offer(supply).capacity.disk;
}

/// A part of the name, in any case of its letters.
bool is_part(std::string_view part, std::string_view name) {
    const auto same = [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) ==
               std::tolower(static_cast<unsigned char>(b));
    };
    return !std::ranges::search(name, part, same).empty() || part.empty();
}

bool has_gpus(const Demand& demand, const Supply& supply) {
    const protocol::Gpus& wanted = needs(demand).gpu;
    const protocol::Gpus& there = offer(supply).capacity.gpu;
    return wanted.count == 0 || (wanted.count <= there.count && wanted.memory <= there.memory &&
                                 is_part(wanted.model, there.model));
}

bool has_features(const Demand& demand, const Supply& supply) {
    return std::ranges::all_of(where(demand).cpu_features, [&](const std::string& name) {
        return holds(offer(supply).cpu_features, name);
    });
}

bool in_region(const Demand& demand, const Supply& supply) {
    return where(demand).regions.empty() || holds(where(demand).regions, offer(supply).region);
}

bool in_tier(const Demand& demand, const Supply& supply) {
    return !where(demand).tier || offer(supply).tier <= *where(demand).tier;
}

bool is_verified(const Demand& demand, const Supply& supply) {
    return !where(demand).verified || supply.provider.verified;
}

bool has_reputation(const Demand& demand, const Supply& supply) {
    return where(demand).reputation <= reputation(supply.provider);
}

bool in_pool(const Demand& demand, const Supply& supply) {
    return !where(demand).pool || holds(offer(supply).pools, *where(demand).pool);
}

bool takes_buyer(const Demand& demand, const Supply& supply) {
    const AccountId buyer = demand.job.account;
    return (offer(supply).buyers.empty() || holds(offer(supply).buyers, buyer)) &&
           !holds(offer(supply).block_accounts, buyer);
}

bool takes_seller(const Demand& demand, const Supply& supply) {
    return !holds(where(demand).block_accounts, supply.provider.account) &&
           !holds(where(demand).block_providers, supply.provider.id);
}

bool keeps_to_cap(const Demand& demand, const Supply& supply) {
    return within_cap(offer(supply).price, demand.job.spec);
}

bool is_paid(const Demand& demand, const Supply& supply) {
    return allowance(demand.job, demand.waiting, offer(supply).price, demand.paid_time_min)
        .has_value();
}

bool has_room_now(const Demand& demand, const Supply& supply) {
    return has_room(offer(supply), supply.usage, needs(demand));
}

// --- what is wanted ------------------------------------------------------------------------------

std::string want_work(const Demand& /*demand*/) {
    return "takes work";
}

std::string want_open(const Demand& /*demand*/) {
    return "neither account is frozen";
}

std::string want_cores(const Demand& demand) {
    return std::to_string(needs(demand).cores);
}

std::string want_memory(const Demand& demand) {
    return to_string(needs(demand).memory);
}

std::string want_disk(const Demand& demand) {
    return to_string(needs(demand).disk);
}

std::string want_gpus(const Demand& demand) {
    const protocol::Gpus& wanted = needs(demand).gpu;
    if (wanted.count == 0) return "none";
    return fmt::format("{}{}{}{}", wanted.count, wanted.model.empty() ? "" : " " + wanted.model,
                       wanted.memory.bytes == 0 ? "" : ", each with ",
                       wanted.memory.bytes == 0 ? "" : to_string(wanted.memory));
}

std::string want_features(const Demand& demand) {
    const auto& names = where(demand).cpu_features;
    return names.empty() ? "any CPU" : fmt::format("{}", fmt::join(names, ", "));
}

std::string want_region(const Demand& demand) {
    const auto& names = where(demand).regions;
    return names.empty() ? "anywhere" : fmt::format("{}", fmt::join(names, " or "));
}

std::string want_tier(const Demand& demand) {
    if (!where(demand).tier) return "any";
    const std::string name(1, static_cast<char>('a' + static_cast<int>(*where(demand).tier)));
    return name == "a" ? name : name + " or better";
}

std::string want_verified(const Demand& demand) {
    return where(demand).verified ? "verified by the market" : "claimed is enough";
}

std::string want_reputation(const Demand& demand) {
    return fmt::format("at least {} %", where(demand).reputation);
}

std::string want_pool(const Demand& demand) {
    return where(demand).pool.value_or("any");
}

std::string want_buyer(const Demand& /*demand*/) {
    return "takes this account's jobs";
}

std::string want_seller(const Demand& demand) {
    const std::size_t count =
        where(demand).block_accounts.size() + where(demand).block_providers.size();
    return count == 0 ? "any" : fmt::format("not one of {} blocked", count);
}

std::string want_price(const Demand& demand) {
    const auto& cap = demand.job.spec.price.max_hour;
    return cap ? "at most " + to_string(*cap) + " an hour" : "any price";
}

std::string want_money(const Demand& demand) {
    const Job& job = demand.job;
    return "paid from " + to_string(job.hold - job.charged - job.reserved) + " that is left";
}

std::string want_room(const Demand& demand) {
    return fmt::format(
        "{} cores, {} memory, {} disk{} not in use", needs(demand).cores,
        to_string(needs(demand).memory), to_string(needs(demand).disk),
        needs(demand).gpu.count == 0 ? "" : fmt::format(", {} GPUs", needs(demand).gpu.count));
}

constexpr std::array all_rules{
    Rule{"not draining", true, false, takes_work, want_work,
         "wait for a provider that takes work again", "end draining"},
    Rule{"account", true, false, may_begin, want_open, "ask the operator why the account is frozen",
         "ask the operator why the account is frozen"},
    Rule{"cores", true, false, has_cores, want_cores, "ask for fewer cores", "offer more cores"},
    Rule{"memory", true, false, has_memory, want_memory, "ask for less memory",
         "offer more memory"},
    Rule{"disk", true, false, has_disk, want_disk, "ask for less disk", "offer more disk"},
    Rule{"gpu", true, false, has_gpus, want_gpus, "ask for fewer or smaller GPUs, or another model",
         "offer GPUs"},
    Rule{"cpu features", true, false, has_features, want_features, "ask for fewer CPU features",
         "offer a machine whose CPU has them"},
    Rule{"region", true, false, in_region, want_region, "name more regions",
         "say the machine's region"},
    Rule{"tier", true, false, in_tier, want_tier, "accept a weaker tier", "reach a better tier"},
    Rule{"verified", true, false, is_verified, want_verified, "accept hardware that is claimed",
         "have the machine verified"},
    Rule{"reputation", true, false, has_reputation, want_reputation, "accept a lower reputation",
         "earn reputation with jobs that do not ask for it"},
    Rule{"pool", true, false, in_pool, want_pool, "leave the pool out, or ask its owner",
         "name the pool in the offer"},
    Rule{"buyer", true, false, takes_buyer, want_buyer,
         "ask the providers to take this account's jobs", "take more accounts' jobs"},
    Rule{"seller", true, false, takes_seller, want_seller, "block fewer accounts and providers",
         "ask the buyers that block it"},
    Rule{"price", true, true, keeps_to_cap, want_price, "raise price.max_hour",
         "ask a lower price"},
    Rule{"money", true, true, is_paid, want_money,
         "submit again with a higher price.max_total or a shorter limits.time",
         "ask a lower price"},
    Rule{"free", false, false, has_room_now, want_room,
         "wait until an attempt ends, or add a provider", "wait until an attempt ends"},
};

}  // namespace

std::span<const Rule> rules() {
    return all_rules;
}

bool passes_all(const Demand& demand, const Supply& supply) {
    return std::ranges::all_of(all_rules,
                               [&](const Rule& rule) { return rule.passes(demand, supply); });
}

bool passes_placement(const Demand& demand, const Supply& supply) {
    return std::ranges::all_of(all_rules, [&](const Rule& rule) {
        return !rule.is_lasting || rule.is_price || rule.passes(demand, supply);
    });
}

bool passes_terms(const Demand& demand, const Supply& supply) {
    return passes_placement(demand, supply) && keeps_to_cap(demand, supply);
}

bool passes_lasting(const Demand& demand, const Supply& supply) {
    return std::ranges::all_of(all_rules, [&](const Rule& rule) {
        return !rule.is_lasting || rule.passes(demand, supply);
    });
}

}  // namespace shoal::market
