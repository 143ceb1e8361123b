#pragma once

#include <string_view>

#include <boost/describe.hpp>

namespace shoal::protocol {

/// Why an attempt, a task or a job ended. The list is closed: "unknown" does not exist.
enum class Reason {
    completed,
    cancelled_by_buyer,
    budget_spent,
    price_cap_passed,
    deadline_passed,
    lease_expired,
    provider_reclaimed,
    provider_lost,
    provider_drained,
    runner_lost,
    market_restarted,
    out_of_memory_job,
    out_of_memory_host,
    out_of_memory_gpu,
    disk_limit,
    log_limit,
    output_limit,
    time_limit,
    process_limit,
    command_refused,
    exit_code,
    signal,
    fetch_failed,
    fetch_refused,
    image_refused,
    input_missing,
    input_changed,
    output_missing,
    output_refused,
    upload_failed,
    verification_failed,
    dispute_lost,
    no_progress,
    stopped_early,
    sandbox_unavailable,
    hardware_fault,
    no_provider_fits,
    gang_broken,
    need_failed,
    step_skipped,
    handover_failed,
    secret_lost
};
BOOST_DESCRIBE_ENUM(Reason, completed, cancelled_by_buyer, budget_spent, price_cap_passed,
                    deadline_passed, lease_expired, provider_reclaimed, provider_lost,
                    provider_drained, runner_lost, market_restarted, out_of_memory_job,
                    out_of_memory_host, out_of_memory_gpu, disk_limit, log_limit, output_limit,
                    time_limit, process_limit, command_refused, exit_code, signal, fetch_failed,
                    fetch_refused, image_refused, input_missing, input_changed, output_missing,
                    output_refused, upload_failed, verification_failed, dispute_lost, no_progress,
                    stopped_early, sandbox_unavailable, hardware_fault, no_provider_fits,
                    gang_broken, need_failed, step_skipped, handover_failed, secret_lost)

enum class Fault { nobody, buyer, provider, market };
BOOST_DESCRIBE_ENUM(Fault, nobody, buyer, provider, market)

/// Who pays for the time that the attempt ran: the buyer, or nobody (the hold returns).
enum class Payer { nobody, buyer };
BOOST_DESCRIBE_ENUM(Payer, nobody, buyer)

/// What follows from a reason.
struct ReasonRow {
    Reason reason;
    std::string_view name;
    Fault fault;
    bool retried;  // the task goes back to the queue while its retries last
    Payer payer;
    std::string_view sentence;  // for people; starts lower-case, no full stop
};

const ReasonRow& row(Reason);
std::string_view to_string(Reason);

}  // namespace shoal::protocol
