#pragma once

#include <cstdint>
#include <map>

#include "core/id.h"
#include "core/lamports.h"
#include "core/result.h"
#include "core/time.h"
#include "core/units.h"
#include "market/state.h"

namespace shoal::market {

/// What an account's jobs have cost it, and what of them is open.
struct Spent {
    Lamports spent;        // since the beginning; stays at the most that there can be
    Lamports held;         // set aside for open jobs
    std::int64_t day = 0;  // of the job that came last, in days since 1970 (UTC)
    Lamports placed;       // set aside on that day, less what returned of that
    std::uint64_t jobs_open = 0;
    std::uint64_t tasks_open = 0;

    /// What was set aside on the day of that moment, which is not before the last job's.
    Lamports placed_on(Time now) const;

    friend bool operator==(const Spent&, const Spent&) = default;
};

/// The sums that limits are held against, so that a check walks nothing. Found again from the
/// State, like Index: Spending(state) must always equal what this has.
class Spending {
public:
    Spending() = default;
    explicit Spending(const State&);

    void job_begun(const Job&);
    void attempt_charged(AccountId, Lamports);
    void task_ended(AccountId);
    /// With all its charges.
    void job_ended(const Job&);

    const Spent& of(AccountId) const;

    friend bool operator==(const Spending&, const Spending&) = default;

private:
    std::map<AccountId, Spent> accounts_;
};

/// What a job, or several that come together, would take of the account's limits.
struct Need {
    Lamports hold;
    std::uint64_t tasks = 0;
    std::uint64_t jobs = 1;
};

/// The tighter of the operator's limits and the account's own; what blobs may take is always
/// limited.
protocol::AccountLimits most(const Account&);

/// exhausted: names the limit, what is used of it, and what the job needs.
Status check_quota(const protocol::AccountLimits&, const Spent&, const Need&, Time now);

/// exhausted: so many bytes more would be more than the account may have. What an attempt leaves is
/// taken beyond a limit that was lowered, as far as every account may go: what runs shall end well.
enum class BlobFrom { owner, attempt };
Status check_blob_space(const Account&, std::uint64_t size_bytes, BlobFrom);

/// exhausted: the account has more than it may, so that it begins no job.
Status check_blobs_kept(const Account&);

/// denied: the account is frozen or erased.
Status check_open(const Account&);

/// invalid: an amount below zero. denied: a limit of the account's own is above the operator's.
Status check_limits(const protocol::AccountLimits& wanted, protocol::LimitedBy, const Account&);

}  // namespace shoal::market
