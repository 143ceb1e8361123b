#include "apps/provide_offer.h"

#include <algorithm>
#include <string_view>

#include "core/limits.h"
#include "core/text.h"
#include "ledger/price.h"

namespace shoal::apps {

namespace {

constexpr Size memory_reserve_min = 512_MiB;  // the system, the provider, its shims
constexpr std::uint64_t memory_reserve_share = 10;
constexpr std::uint64_t disk_share = 2;  // half of what is free

Size default_memory(Size total) {
    const std::uint64_t share = total.bytes / memory_reserve_share;
    const std::uint64_t reserve = std::max(memory_reserve_min.bytes, share);
    const std::uint64_t rest = total.bytes > reserve ? total.bytes - reserve : total.bytes / 2;
    return Size{rest >> 20U << 20U};
}

Size default_disk(Size free) {
    const std::uint64_t kept = limits::disk_free_min.bytes;
    const std::uint64_t spare = free.bytes > kept ? free.bytes - kept : 0;
    return Size{spare / disk_share >> 20U << 20U};
}

template <class Amount>
Status check_amount(std::string_view what, const Amount& asked, const Amount& there) {
    if (asked == Amount{}) return Error{Code::invalid, std::string(what) + ": nothing to offer"};
    if (asked <= there) return Done{};
    return Error{Code::invalid, std::string(what) + ": this machine does not have that much"};
}

/// The words of the fact that names them.
std::vector<std::string> cpu_features(const std::vector<protocol::HardwareFact>& facts) {
    std::vector<std::string> names;
    const auto found = std::ranges::find(facts, "cpu.features", &protocol::HardwareFact::name);
    if (found == facts.end() || found->value == "none") return names;
    for (std::size_t begin = 0; begin < found->value.size();) {
        const std::size_t end = std::min(found->value.find(' ', begin), found->value.size());
        if (end > begin) names.push_back(found->value.substr(begin, end - begin));
        begin = end + 1;
    }
    return names;
}

}  // namespace

Result<protocol::Offer> make_offer(const ProvideOptions& options, const Machine& machine) {
    protocol::Offer offer;
    offer.name = options.name.empty() ? machine.name : options.name;
    if (!is_name(offer.name)) {
        return Error{Code::invalid, "--name: expected 1 to 128 printable characters"};
    }
    offer.capacity.cores = options.cores.value_or(machine.cores);
    TRY(check_amount("--cores", offer.capacity.cores, machine.cores));
    offer.capacity.memory = options.memory.value_or(default_memory(machine.memory));
    TRY(check_amount("--memory", offer.capacity.memory, machine.memory));
    offer.capacity.disk = options.disk.value_or(default_disk(machine.disk_free));
    TRY(check_amount("--disk", offer.capacity.disk, machine.disk_free));
    offer.attempts_max = options.attempts.value_or(offer.capacity.cores);
    if (offer.attempts_max < 1 || offer.attempts_max > limits::attempts_per_provider) {
        return Error{Code::invalid,
                     "--attempts: expected 1 to " + std::to_string(limits::attempts_per_provider)};
    }
    offer.region = options.region;
    offer.pools = options.pools;
    for (const std::string& text : options.buyers) {
        const auto buyer = parse_id<AccountTag>(text);
        if (!buyer.ok()) return Error{Code::invalid, "--buyer: " + buyer.error().what};
        offer.buyers.push_back(buyer.value());
    }
    offer.cpu_features = cpu_features(machine.facts);
    TRY(ledger::check_price(options.price));
    offer.price = options.price;
    offer.hardware = machine.facts;
    return offer;
}

}  // namespace shoal::apps
