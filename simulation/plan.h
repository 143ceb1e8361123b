#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

#include <boost/describe.hpp>

#include "core/random.h"
#include "core/time.h"

namespace shoal::simulation {

/// What may go wrong in the simulated world. Each run draws which of them do, and how often.
enum class Fault {
    delay,              // a message takes long
    loss,               // a message that may be lost is; a request or its answer is
    duplication,        // a message or a request arrives twice
    reordering,         // a message overtakes another one
    broken_connection,  // a session breaks: each side notices in its own time
    partition,          // nothing passes between a provider and the market for a while
    write_failed,       // the journal's write fails, and whether it is there is not known
    write_torn,         // of the batch that was being written at a crash only a part is there
    write_lost,         // likewise none of it
    disk_full,          // the journal finds no space
    snapshot_damaged,   // a snapshot is cut short
    market_crash,       // the market's process dies, at any step
    provider_crash,     // a provider's process dies, at any effect
    provider_away,      // a provider's machine loses its power; its jobs die with it
    drain,              // a provider's owner wants the machine back
    shim_killed,        // the process that holds an attempt is killed
    machine_fault,      // an attempt ends by what is no fault of its job
    transfer_failed,    // an input or output cannot be moved
    lie,                // a provider says what is not so
    key_lost            // the market begins with another key for secrets than it had
};
BOOST_DESCRIBE_ENUM(Fault, delay, loss, duplication, reordering, broken_connection, partition,
                    write_failed, write_torn, write_lost, disk_full, snapshot_damaged, market_crash,
                    provider_crash, provider_away, drain, shim_killed, machine_fault,
                    transfer_failed, lie, key_lost)
constexpr std::size_t fault_count = static_cast<std::size_t>(Fault::key_lost) + 1;
std::string_view to_string(Fault);
std::vector<Fault> all_faults();

/// A bug in the simulated shell, planted to see that it is caught.
enum class Bug {
    none,
    answer_before_commit,
    message_before_commit,
    ack_before_commit,
    commit_skipped,
    torn_batch_kept,
    row_applied_twice,
    snapshot_ahead,
    tick_forgotten,
    repetition_without_key,
    frames_reordered,
    message_to_another,
    shims_forgotten
};
BOOST_DESCRIBE_ENUM(Bug, none, answer_before_commit, message_before_commit, ack_before_commit,
                    commit_skipped, torn_batch_kept, row_applied_twice, snapshot_ahead,
                    tick_forgotten, repetition_without_key, frames_reordered, message_to_another,
                    shims_forgotten)
std::string_view to_string(Bug);
std::vector<Bug> all_bugs();  // but none

/// One run: everything that happens in it follows from this.
struct Plan {
    std::uint64_t seed = 1;
    std::uint32_t providers = 4;
    Duration length{};                     // under faults; then the world heals
    std::uint64_t steps_max = UINT64_MAX;  // under faults, likewise
    std::set<Fault> without;               // faults that do not happen
    Bug bug = Bug::none;
};

/// How this run's world is: drawn from the seed.
struct World {
    std::array<std::uint32_t, fault_count>
        per_million{};  // of the occasions on which it may strike
    std::uint32_t buyers = 1;
    Duration think{};  // between two requests of a buyer, about
    Duration lease_term{};
    Duration retry_delay{};
    Duration keep_upload{};
    Duration keep_blob{};
    std::uint32_t fee_basis_points = 0;
    std::uint32_t snapshot_after = 0;  // rows that were replayed at a start
    bool as_text = false;  // every message and every row of the journal goes through its text
};
World draw_world(Random&, const Plan&);

}  // namespace shoal::simulation
