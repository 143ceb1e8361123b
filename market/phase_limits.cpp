#include "market/phase_limits.h"

#include "core/check.h"
#include "core/limits.h"

namespace shoal::market {

namespace {

Duration transfer_time(std::uint64_t bytes) {
    constexpr std::uint64_t milliseconds = 1'000;
    const std::uint64_t seconds = bytes / limits::slowest_transfer.bytes;
    return Duration{static_cast<std::int64_t>(seconds * milliseconds)};
}

std::uint64_t input_bytes(const protocol::JobSpec& spec) {
    std::uint64_t sum = 0;
    for (const protocol::JobInput& input : spec.inputs) {
        sum += input.size_bytes;
        for (const protocol::InputFile& file : input.files) sum += file.size_bytes;
    }
    return sum;
}

}  // namespace

Time phase_due(const Attempt& attempt, const protocol::JobSpec& spec) {
    const protocol::JobLimits& limit = spec.limits;
    switch (attempt.phase) {
        case Phase::fetching:
            return attempt.granted + limits::phase_slack + transfer_time(input_bytes(spec));
        case Phase::running:
            return attempt.started.value_or(attempt.granted) + limits::phase_slack +
                   attempt.time_max + limit.grace.length;
        case Phase::uploading:
            return attempt.exited.value_or(attempt.granted) + limits::phase_slack +
                   transfer_time(limit.output.bytes + limit.log.bytes);
        case Phase::ended:
            return Time::max();
    }
    check(false);
    return {};
}

protocol::Reason overdue_reason(Phase phase) {
    switch (phase) {
        case Phase::fetching:
            return protocol::Reason::fetch_failed;
        case Phase::uploading:
            return protocol::Reason::upload_failed;
        case Phase::running:
        case Phase::ended:
            return protocol::Reason::lease_expired;
    }
    check(false);
    return {};
}

}  // namespace shoal::market
