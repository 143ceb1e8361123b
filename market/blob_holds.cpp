#include "market/blob_holds.h"

#include <algorithm>

#include "core/check.h"
#include "market/workflows.h"

namespace shoal::market {

namespace {

/// Each blob that the job takes in; one that is there twice comes twice.
template <class Visit>
void visit_input(const protocol::JobInput& input, Visit visit) {
    if (input.blob) visit(*input.blob);
    for (const protocol::InputFile& file : input.files) visit(file.blob);
}

template <class Visit>
void visit_inputs(const Job& job, Visit visit) {
    for (const protocol::JobInput& input : job.spec.inputs) visit_input(input, visit);
}

/// Likewise, but only what came from other steps.
template <class Visit>
void visit_handed_over(const Job& job, Visit visit) {
    for (const protocol::JobInput& input : job.spec.inputs) {
        if (input.from) visit_input(input, visit);
    }
}

/// Each attempt of the job.
template <class Visit>
void visit_attempts(const State& state, const Job& job, Visit visit) {
    for (const TaskId task : job.tasks) {
        for (const LeaseId lease : state.tasks.at(task).attempts) visit(state.attempts.at(lease));
    }
}

/// Each earlier attempt whose result answered a task of the job.
template <class Visit>
void visit_reused(const State& state, const Job& job, Visit visit) {
    for (const TaskId task : job.tasks) {
        const auto& reused = state.tasks.at(task).reused;
        if (reused) visit(state.attempts.at(reused->lease));
    }
}

/// Each file that a job left, in attempts of its own or by earlier results.
template <class Visit>
void visit_left(const State& state, const Job& job, Visit visit) {
    const auto files = [&](const Attempt& attempt) {
        for (const protocol::Artifact& artifact : attempt.artifacts) visit(artifact.blob);
    };
    visit_attempts(state, job, files);
    visit_reused(state, job, files);
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
        visit_reused(state, job, [&](const Attempt& it) { task_reused(job.account, it); });
        if (job.ended) job_ended(state, job);
        if (!job.needs_open) continue;
        visit_needs(state, job, [&](const Job& needed) {
            if (needed.ended) need_ended(state, job, needed);
        });
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

void BlobHolds::task_reused(AccountId account, const Attempt& source) {
    for (const protocol::Artifact& artifact : source.artifacts) hold({account, artifact.blob});
}

void BlobHolds::need_ended(const State& state, const Job& job, const Job& needed) {
    visit_left(state, needed, [&](const Hash& hash) { hold({job.account, hash}); });
}

void BlobHolds::release_needs(const State& state, const Job& job) {
    visit_needs(state, job, [&](const Job& needed) {
        if (!needed.ended) return;
        visit_left(state, needed, [&](const Hash& hash) { release({job.account, hash}, Time{}); });
    });
}

void BlobHolds::inputs_resolved(const State& state, const Job& job) {
    visit_handed_over(job, [&](const Hash& hash) { hold({job.account, hash}); });
    release_needs(state, job);
}

void BlobHolds::job_ended(const State& state, const Job& job) {
    if (job.needs_open) release_needs(state, job);
    const Time ended = job.ended.value_or(Time{});
    visit_inputs(job,
                 [&](const Hash& hash) { release({job.account, hash}, ended + retention_.blob); });
    visit_left(state, job,
               [&](const Hash& hash) { release({job.account, hash}, ended + retention_.blob); });
    visit_attempts(state, job, [&](const Attempt& attempt) {
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
