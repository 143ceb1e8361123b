#include "simulation/coverage.h"

#include <boost/mp11/algorithm.hpp>

#include "simulation/plan.h"

namespace shoal::simulation {

namespace {

void add_counts(std::map<std::string, std::uint64_t>& to,
                const std::map<std::string, std::uint64_t>& from) {
    for (const auto& [name, count] : from) to[name] += count;
}

void note_gap(std::vector<std::string>& found, const std::map<std::string, std::uint64_t>& counts,
              std::string_view kind, std::string_view name) {
    if (counts.contains(std::string(name))) return;
    found.push_back(std::string(kind) + " " + std::string(name));
}

}  // namespace

void Coverage::add(const Coverage& other) {
    add_counts(events, other.events);
    add_counts(refusals, other.refusals);
    add_counts(ends, other.ends);
    add_counts(faults, other.faults);
}

bool is_reserved(protocol::Reason reason) {
    using enum protocol::Reason;
    switch (reason) {
        case price_cap_passed:
        case deadline_passed:
        case market_restarted:
        case out_of_memory_gpu:
        case fetch_refused:
        case image_refused:
        case verification_failed:
        case dispute_lost:
        case no_progress:
        case stopped_early:
        case no_provider_fits:
            return true;
        case completed:
        case cancelled_by_buyer:
        case budget_spent:
        case lease_expired:
        case provider_reclaimed:
        case provider_lost:
        case provider_drained:
        case runner_lost:
        case out_of_memory_job:
        case out_of_memory_host:
        case disk_limit:
        case log_limit:
        case output_limit:
        case time_limit:
        case process_limit:
        case command_refused:
        case exit_code:
        case signal:
        case fetch_failed:
        case input_missing:
        case input_changed:
        case output_missing:
        case output_refused:
        case upload_failed:
        case sandbox_unavailable:
        case hardware_fault:
        case gang_broken:
        case need_failed:
        case step_skipped:
        case handover_failed:
        case secret_lost:
            return false;
    }
    return false;
}

std::vector<std::string> gaps(const Coverage& coverage) {
    std::vector<std::string> found;
    using Kinds = boost::mp11::mp_transform<boost::mp11::mp_identity, protocol::Event>;
    boost::mp11::mp_for_each<Kinds>(
        [&]<class Kind>(Kind) { note_gap(found, coverage.events, "event", Kind::type::name); });
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<protocol::Reason>>(
        [&](auto reason) {
            if (!is_reserved(reason.value)) {
                note_gap(found, coverage.ends, "end", reason.name);
            } else if (coverage.ends.contains(reason.name)) {
                found.push_back(std::string("end ") + reason.name + ", which nothing gives");
            }
        });
    constexpr Code codes[] = {Code::invalid,   Code::denied,     Code::not_found,   Code::conflict,
                              Code::exhausted, Code::stale,      Code::unavailable, Code::timeout,
                              Code::corrupt,   Code::unsupported};
    for (const Code code : codes) note_gap(found, coverage.refusals, "refusal", to_string(code));
    for (const Fault fault : all_faults()) {
        note_gap(found, coverage.faults, "fault", to_string(fault));
    }
    return found;
}

}  // namespace shoal::simulation
