#include "market/needs.h"

#include <algorithm>
#include <limits>

#include "market/index.h"
#include "market/state.h"
#include "market/summary_tree.h"

namespace shoal::market {

namespace {

/// A bit for the label of that kind. Two labels may share one: then a subtree is looked into for
/// nothing. (FNV-1a, so that it is the same on every machine.)
std::uint64_t label_bit(char kind, std::string_view label) {
    constexpr std::uint64_t prime = 1'099'511'628'211U;
    std::uint64_t hash = 14'695'981'039'346'656'037U ^ static_cast<unsigned char>(kind);
    for (const char c : label) hash = (hash ^ static_cast<unsigned char>(c)) * prime;
    constexpr std::uint64_t bits = 64;
    return std::uint64_t{1} << (spread(hash) % bits);
}

constexpr char cpu_feature = 'c';
constexpr char region = 'r';
constexpr char pool = 'p';
constexpr char verified = 'v';

std::uint64_t rest(std::uint64_t whole, std::uint64_t used) {
    return whole > used ? whole - used : 0;
}

std::uint32_t rest32(std::uint32_t whole, std::uint64_t used) {
    return static_cast<std::uint32_t>(rest(whole, used));
}

__extension__ using Wide = unsigned __int128;

constexpr Lamports most{std::numeric_limits<std::int64_t>::max()};

Wide wide(Lamports amount) {
    return static_cast<Wide>(amount.value);
}

Lamports narrow(Wide amount) {
    return amount < wide(most) ? Lamports{static_cast<std::int64_t>(amount)} : most;
}

/// Each part of the price is what `choose` makes of both.
void join(protocol::Price& price, const protocol::Price& other,
          const Lamports& (*choose)(const Lamports&, const Lamports&)) {
    price.start = choose(price.start, other.start);
    price.hour = choose(price.hour, other.hour);
    price.core_hour = choose(price.core_hour, other.core_hour);
    price.gpu_hour = choose(price.gpu_hour, other.gpu_hour);
    price.gib_hour = choose(price.gib_hour, other.gib_hour);
}

}  // namespace

void Ask::add(const Ask& other) {
    memory_bytes = std::min(memory_bytes, other.memory_bytes);
    disk_bytes = std::min(disk_bytes, other.disk_bytes);
    gpu_memory_bytes = std::min(gpu_memory_bytes, other.gpu_memory_bytes);
    labels &= other.labels;
    cores = std::min(cores, other.cores);
    gpus = std::min(gpus, other.gpus);
    reputation = std::min(reputation, other.reputation);
    tier = std::max(tier, other.tier);
}

void Machine::add(const Machine& other) {
    memory_bytes = std::max(memory_bytes, other.memory_bytes);
    disk_bytes = std::max(disk_bytes, other.disk_bytes);
    gpu_memory_bytes = std::max(gpu_memory_bytes, other.gpu_memory_bytes);
    labels |= other.labels;
    cores = std::max(cores, other.cores);
    gpus = std::max(gpus, other.gpus);
    reputation = std::max(reputation, other.reputation);
    tier = std::min(tier, other.tier);
    slots = std::max(slots, other.slots);
    attempts = std::min(attempts, other.attempts);
    usual = std::min(usual, other.usual);
    join(price, other.price, std::min<Lamports>);
    join(dearest, other.dearest, std::max<Lamports>);
}

Ask ask(const protocol::JobSpec& spec) {
    const protocol::Placement& where = spec.placement;
    Ask wanted;
    wanted.memory_bytes = spec.resources.memory.bytes;
    wanted.disk_bytes = spec.resources.disk.bytes;
    wanted.gpu_memory_bytes = spec.resources.gpu.memory.bytes;
    wanted.cores = spec.resources.cores;
    wanted.gpus = spec.resources.gpu.count;
    wanted.reputation = where.reputation;
    wanted.tier = where.tier.value_or(protocol::Tier::d);
    for (const std::string& name : where.cpu_features)
        wanted.labels |= label_bit(cpu_feature, name);
    if (where.regions.size() == 1) wanted.labels |= label_bit(region, where.regions.front());
    if (where.pool) wanted.labels |= label_bit(pool, *where.pool);
    if (where.verified) wanted.labels |= label_bit(verified, {});
    return wanted;
}

Machine machine(const Provider& provider, const Usage& usage) {
    const protocol::Offer& offer = provider.offer;
    Machine free;
    free.memory_bytes = rest(offer.capacity.memory.bytes, usage.memory_bytes);
    free.disk_bytes = rest(offer.capacity.disk.bytes, usage.disk_bytes);
    free.gpu_memory_bytes = offer.capacity.gpu.memory.bytes;
    free.cores = rest32(offer.capacity.cores, usage.cores);
    free.gpus = rest32(offer.capacity.gpu.count, usage.gpus);
    free.reputation = reputation(provider);
    free.tier = offer.tier;
    free.slots = rest32(offer.attempts_max, usage.attempts);
    free.attempts = static_cast<std::uint32_t>(usage.attempts);
    free.usual = usual_price(offer.price);
    free.price = offer.price;
    free.dearest = offer.price;
    for (const std::string& name : offer.cpu_features) free.labels |= label_bit(cpu_feature, name);
    for (const std::string& name : offer.pools) free.labels |= label_bit(pool, name);
    free.labels |= label_bit(region, offer.region);
    if (provider.verified) free.labels |= label_bit(verified, {});
    return free;
}

Lamports usual_price(const protocol::Price& price) {
    const Wide whole =
        wide(price.start) + wide(price.hour) + wide(price.core_hour) + wide(price.gib_hour);
    return narrow(whole);
}

/// Each machine's price is a sum of its parts, so a part of it may be bounded by the lowest usual
/// price and the rest by the lowest of each part: the one is near for tasks like the usual one,
/// where different machines have the lowest parts.
Lamports least_hourly(const Machine& several, const protocol::Resources& needed) {
    constexpr unsigned gib_bits = 30;
    constexpr Wide gib = Wide{1} << gib_bits;
    const protocol::Price& price = several.price;
    const Wide cores = needed.cores * gib;
    const Wide memory = needed.memory.bytes;
    const Wide usual = several.usual == most ? 0 : std::min({gib, cores, memory});
    const Wide sum =
        wide(several.usual) * usual + (wide(price.start) + wide(price.hour)) * (gib - usual) +
        wide(price.core_hour) * (cores - usual) + wide(price.gib_hour) * (memory - usual) +
        wide(price.gpu_hour) * (needed.gpu.count * gib);
    return narrow((sum + gib - 1) >> gib_bits);
}

bool could_serve(const Machine& free, const Ask& wanted) {
    return free.slots > 0 && wanted.cores <= free.cores &&
           wanted.memory_bytes <= free.memory_bytes && wanted.disk_bytes <= free.disk_bytes &&
           wanted.gpus <= free.gpus && wanted.gpu_memory_bytes <= free.gpu_memory_bytes &&
           (wanted.labels & ~free.labels) == 0 && wanted.reputation <= free.reputation &&
           free.tier <= wanted.tier;
}

std::uint32_t reputation(const Provider& provider) {
    constexpr std::uint64_t percent = 100;
    const std::uint64_t good = provider.attempts_accepted + 1;
    const std::uint64_t all = provider.attempts_accepted + provider.attempts_faulty + 2;
    return static_cast<std::uint32_t>(percent * good / all);
}

}  // namespace shoal::market
