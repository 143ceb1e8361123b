#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "core/hash.h"
#include "core/id.h"
#include "core/limits.h"
#include "core/time.h"
#include "market/state.h"

namespace shoal::market {

/// Bytes that are there for an account; `lease` is its live attempt whose output they are.
struct StoredBlob {
    AccountId account;
    Hash blob;
    std::uint64_t size_bytes = 0;
    std::optional<LeaseId> lease;
};

/// How long an account's blobs are kept.
struct Retention {
    Duration upload = limits::upload_life;  // for a job to name it
    Duration blob = limits::blob_retention;
    Duration log = limits::log_retention;
    Duration delay = limits::sweep_delay;  // after the last hold has ended

    friend bool operator==(const Retention&, const Retention&) = default;
};

/// Why each account's blobs are kept, and which of them nothing keeps any more.
///
/// An open job holds its inputs and what its attempts left; a live attempt holds what it has
/// uploaded. A job that waits for others holds what those that have ended left, until it has its
/// inputs; one that was given an earlier result holds that. After a job's end its files are held
/// for a while, its logs for a shorter one, and an upload that no job names only for a moment. When
/// the last hold has ended the bytes lie for the delay, then they are due. Found again from the
/// State, like Index; nothing is walked.
class BlobHolds {
public:
    using Due = std::tuple<Time, AccountId, Hash>;  // since when nothing holds it

    explicit BlobHolds(const Retention& retention) : retention_(retention) {}
    BlobHolds(const State&, const Retention&);

    /// The account has the blob, or asked for it anew.
    void stored(AccountId, const Hash&, Time);
    void dropped(AccountId, const Hash&);

    void upload_begun(AccountId, const Hash&);
    void job_begun(const Job&);
    /// The attempt's uploads are only held further if it names them. Its job is still open.
    void attempt_ended(AccountId, const Attempt&);
    void job_ended(const State&, const Job&);
    /// `Job` waits, and `needed` has ended.
    void need_ended(const State&, const Job&, const Job& needed);
    /// It has its inputs, and waits no more.
    void inputs_resolved(const State&, const Job&);
    void task_reused(AccountId, const Attempt& source);

    /// Of what nothing holds: since when, the longest first.
    const std::set<Due>& unheld() const { return unheld_; }
    std::optional<Time> next_due() const;

    /// One blob that the account has.
    std::optional<Hash> first_of(AccountId) const;

    friend bool operator==(const BlobHolds&, const BlobHolds&) = default;

private:
    using Key = std::pair<AccountId, Hash>;
    struct Holding {
        bool is_stored = false;
        std::uint64_t holds = 0;
        Time until{};  // the end of the last hold that ended, or will by itself

        friend bool operator==(const Holding&, const Holding&) = default;
    };

    /// Changes one holding and its place in `unheld_`.
    template <class Change>
    void change(const Key&, Change);
    void hold(const Key&);
    void release(const Key&, Time until);
    void release_needs(const State&, const Job&);

    Retention retention_;
    std::map<Key, Holding> holdings_;
    std::set<Due> unheld_;
};

}  // namespace shoal::market
