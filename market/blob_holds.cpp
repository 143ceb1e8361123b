#include "market/blob_holds.h"

#include <algorithm>

#include "core/check.h"

namespace shoal::market {

namespace {

/// Each blob that the job takes in; one that is there twice comes twice.
template <class Visit>
void visit_inputs(const Job& job, Visit visit) {
    for (const protocol::JobInput& input : job.spec.inputs) {
        if (input.blob) visit(*input.blob);
        for (const protocol::InputFile& file : input.files) visit(file.blob);
    }
}

/// Each attempt of the job.
template <class Visit>
void visit_attempts(const State& state, const Job& job, Visit visit) {
    for (const TaskId task : job.tasks) {
        for (const LeaseId lease : state.tasks.at(task).attempts) visit(state.attempts.at(lease));
    }
}

}  // namespace

BlobHolds::BlobHolds(const State& state, const Retention& retention) : retention_(retention) {
    for (const auto& [hash, blob] : state.blobs) {
        for (const AccountId account : blob.accounts) {
            stored(account, hash, blob.uploaded.at(account));
        }
    }
    for (const auto& [id, job] : state.jobs) {
        job_begun(job);
        visit_attempts(state, job, [&](const Attempt& attempt) {
            for (const Hash& hash : attempt.uploads) upload_begun(job.account, hash);
            if (attempt.phase == Phase::ended) attempt_ended(job.account, attempt);
        });
        if (job.ended) job_ended(state, job);
    }
}

template <class Change>
void BlobHolds::change(const Key& key, Change make) {
    Holding& holding = holdings_[key];
    const auto place = [&] { return Due{holding.until, key.first, key.second}; };
    if (holding.is_stored && holding.holds == 0) check(unheld_.erase(place()) == 1);
    make(holding);
    if (holding.is_stored && holding.holds == 0) unheld_.insert(place());
    if (!holding.is_stored && holding.holds == 0) holdings_.erase(key);
}

void BlobHolds::stored(AccountId account, const Hash& hash, Time at) {
    change({account, hash}, [&](Holding& holding) {
        holding.is_stored = true;
        holding.until = std::max(holding.until, at + retention_.upload);
    });
}

void BlobHolds::dropped(AccountId account, const Hash& hash) {
    change({account, hash}, [&](Holding& holding) {
        holding.is_stored = false;
        holding.until = Time{};
    });
}

void BlobHolds::hold(const Key& key) {
    change(key, [](Holding& holding) { ++holding.holds; });
}

void BlobHolds::release(const Key& key, Time until) {
    change(key, [&](Holding& holding) {
        check(holding.holds > 0);
        --holding.holds;
        if (holding.is_stored) holding.until = std::max(holding.until, until);
    });
}

void BlobHolds::upload_begun(AccountId account, const Hash& hash) {
    hold({account, hash});
}

void BlobHolds::job_begun(const Job& job) {
    visit_inputs(job, [&](const Hash& hash) { hold({job.account, hash}); });
}

void BlobHolds::attempt_ended(AccountId account, const Attempt& attempt) {
    for (const protocol::Artifact& artifact : attempt.artifacts) hold({account, artifact.blob});
    if (attempt.log) hold({account, attempt.log->blob});
    for (const Hash& hash : attempt.uploads) release({account, hash}, Time{});
}

void BlobHolds::job_ended(const State& state, const Job& job) {
    const Time ended = job.ended.value_or(Time{});
    visit_inputs(job,
                 [&](const Hash& hash) { release({job.account, hash}, ended + retention_.blob); });
    visit_attempts(state, job, [&](const Attempt& attempt) {
        for (const protocol::Artifact& artifact : attempt.artifacts) {
            release({job.account, artifact.blob}, ended + retention_.blob);
        }
        if (attempt.log) release({job.account, attempt.log->blob}, ended + retention_.log);
    });
}

std::optional<Hash> BlobHolds::first_of(AccountId account) const {
    for (auto it = holdings_.lower_bound({account, Hash{}}); it != holdings_.end(); ++it) {
        if (it->first.first != account) break;
        if (it->second.is_stored) return it->first.second;
    }
    return std::nullopt;
}

std::optional<Time> BlobHolds::next_due() const {
    if (unheld_.empty()) return std::nullopt;
    return std::get<Time>(*unheld_.begin()) + retention_.delay;
}

}  // namespace shoal::market
