#include "protocol/reasons.h"

#include <algorithm>
#include <array>

#include "core/check.h"

namespace shoal::protocol {

namespace {

using enum Reason;

constexpr bool again = true;
constexpr bool once = false;

// clang-format off
constexpr std::array rows{
    ReasonRow{completed, "completed", Fault::nobody, once, Payer::buyer, "the work is done"},
    ReasonRow{cancelled_by_buyer, "cancelled_by_buyer", Fault::buyer, once, Payer::buyer, "the buyer cancelled it"},
    ReasonRow{budget_spent, "budget_spent", Fault::buyer, once, Payer::buyer, "the money held for it is used up"},
    ReasonRow{price_cap_passed, "price_cap_passed", Fault::buyer, once, Payer::buyer, "the price rose above the job's cap"},
    ReasonRow{deadline_passed, "deadline_passed", Fault::buyer, once, Payer::buyer, "the job's deadline has passed"},
    ReasonRow{lease_expired, "lease_expired", Fault::provider, again, Payer::nobody, "the provider did not renew its lease in time"},
    ReasonRow{provider_reclaimed, "provider_reclaimed", Fault::provider, again, Payer::nobody, "the provider took its machine back"},
    ReasonRow{provider_lost, "provider_lost", Fault::provider, again, Payer::nobody, "the provider no longer has the attempt"},
    ReasonRow{provider_drained, "provider_drained", Fault::provider, again, Payer::nobody, "the provider was drained"},
    ReasonRow{runner_lost, "runner_lost", Fault::provider, again, Payer::nobody, "the process that ran the job on the provider was killed"},
    ReasonRow{market_restarted, "market_restarted", Fault::market, again, Payer::nobody, "the market was restarted"},
    ReasonRow{out_of_memory_job, "out_of_memory_job", Fault::buyer, once, Payer::buyer, "the job used more memory than it asked for"},
    ReasonRow{out_of_memory_host, "out_of_memory_host", Fault::provider, again, Payer::nobody, "the provider's machine ran out of memory"},
    ReasonRow{out_of_memory_gpu, "out_of_memory_gpu", Fault::buyer, once, Payer::buyer, "the job used more GPU memory than there is"},
    ReasonRow{disk_limit, "disk_limit", Fault::buyer, once, Payer::buyer, "the job wrote more to disk than it asked for"},
    ReasonRow{log_limit, "log_limit", Fault::buyer, once, Payer::buyer, "the job's log passed its limit"},
    ReasonRow{output_limit, "output_limit", Fault::buyer, once, Payer::buyer, "the outputs are larger than their limit"},
    ReasonRow{time_limit, "time_limit", Fault::buyer, once, Payer::buyer, "the job ran longer than its time limit"},
    ReasonRow{process_limit, "process_limit", Fault::buyer, once, Payer::buyer, "the job started more processes than it may"},
    ReasonRow{command_refused, "command_refused", Fault::buyer, once, Payer::nobody, "the command could not be started"},
    ReasonRow{exit_code, "exit_code", Fault::buyer, once, Payer::buyer, "the command ended with an exit code that is not 0"},
    ReasonRow{signal, "signal", Fault::buyer, once, Payer::buyer, "the command was ended by a signal"},
    ReasonRow{fetch_failed, "fetch_failed", Fault::market, again, Payer::nobody, "an input could not be fetched"},
    ReasonRow{fetch_refused, "fetch_refused", Fault::buyer, once, Payer::nobody, "the job asked to fetch what it may not"},
    ReasonRow{image_refused, "image_refused", Fault::buyer, once, Payer::nobody, "the image is not one that can be run"},
    ReasonRow{input_missing, "input_missing", Fault::buyer, once, Payer::nobody, "an input does not exist"},
    ReasonRow{input_changed, "input_changed", Fault::buyer, once, Payer::nobody, "an input is not what its hash says"},
    ReasonRow{output_missing, "output_missing", Fault::buyer, once, Payer::buyer, "a declared output was not produced"},
    ReasonRow{output_refused, "output_refused", Fault::buyer, once, Payer::buyer, "an output is not a plain file"},
    ReasonRow{upload_failed, "upload_failed", Fault::provider, again, Payer::nobody, "the provider could not deliver the outputs"},
    ReasonRow{verification_failed, "verification_failed", Fault::provider, again, Payer::nobody, "the result did not pass its check"},
    ReasonRow{dispute_lost, "dispute_lost", Fault::provider, again, Payer::nobody, "the provider lost the dispute about it"},
    ReasonRow{no_progress, "no_progress", Fault::buyer, once, Payer::buyer, "the job made no progress"},
    ReasonRow{stopped_early, "stopped_early", Fault::nobody, once, Payer::buyer, "the search stopped it early"},
    ReasonRow{sandbox_unavailable, "sandbox_unavailable", Fault::provider, again, Payer::nobody, "the provider cannot isolate the job"},
    ReasonRow{hardware_fault, "hardware_fault", Fault::provider, again, Payer::nobody, "the provider's hardware failed"},
    ReasonRow{no_provider_fits, "no_provider_fits", Fault::nobody, once, Payer::nobody, "no provider fits"},
    ReasonRow{gang_broken, "gang_broken", Fault::nobody, again, Payer::nobody, "another task of its gang ended, and they run together or not at all"},
    ReasonRow{need_failed, "need_failed", Fault::nobody, once, Payer::nobody, "a step that it needs did not finish"},
    ReasonRow{step_skipped, "step_skipped", Fault::nobody, once, Payer::nobody, "a step that it needs did not finish, so it is left out"},
    ReasonRow{handover_failed, "handover_failed", Fault::buyer, once, Payer::nobody, "a step that it needs left no such file, or too many"},
    ReasonRow{secret_lost, "secret_lost", Fault::market, once, Payer::nobody, "the market lost a secret that the job names; set it again"},
};
// clang-format on

}  // namespace

const ReasonRow& row(Reason reason) {
    const auto found = std::ranges::find(rows, reason, &ReasonRow::reason);
    check(found != rows.end());
    return *found;
}

std::string_view to_string(Reason reason) {
    return row(reason).name;
}

}  // namespace shoal::protocol
