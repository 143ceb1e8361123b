#include "provider/attempts.h"

#include <algorithm>

#include "core/check.h"
#include "provider/link.h"
#include "provider/order.h"

namespace shoal::provider {

using protocol::Reason;
using protocol::session::Ack;
using protocol::session::Alive;
using protocol::session::Ended;
using protocol::session::Exited;
using protocol::session::Finished;
using protocol::session::Granted;
using protocol::session::Order;
using protocol::session::Renewed;
using protocol::session::Said;
using protocol::session::Started;
using protocol::session::Welcome;

namespace {

constexpr Duration drain_grace_max{10'000};  // the owner waits
constexpr Duration drain_patience{20'000};   // for the market's acknowledgements, after the end
constexpr Duration grace_max = limits::grace_max;

std::string short_detail(std::string_view detail) {
    return std::string(detail.substr(0, limits::text_bytes));
}

/// A lease's time as the market says it, within what a lease may be.
Duration bounded(Duration left) {
    return std::clamp(left, Duration{0}, limits::attempt_time_max);
}

}  // namespace

Attempts::Attempts(Settings settings) : settings_(settings) {
    check(settings_.attempts_max >= 1);
    check(settings_.attempts_max <= limits::attempts_per_provider);
}

void Attempts::restore(const std::vector<Found>& found, Time now) {
    check(attempts_.empty());
    for (const Found& one : found) {
        Attempt attempt;
        attempt.order = one.order;
        attempt.phase = Phase::starting;
        attempt.lease_end = now + limits::lease_term;
        attempt.asked = true;
        attempt.found = true;
        attempt.slot = one.slot;
        attempts_.emplace(one.order.lease, std::move(attempt));
    }
}

// --- the market's words ------------------------------------------------------------------------

void Attempts::on(const Welcome& welcome, const Moment& moment, Effects& effects) {
    outbox_.reopen();
    std::set<LeaseId> listed;
    for (const Order& order : welcome.leases) listed.insert(order.lease);
    std::vector<LeaseId> over;
    for (const auto& [lease, attempt] : attempts_) {
        if (!listed.contains(lease)) over.push_back(lease);
    }
    for (const LeaseId lease : over) release(lease, Reason::lease_expired, effects);

    alive_at_ = moment.now + settings_.alive_every;
    for (const Order& order : welcome.leases) {
        Attempt* known = find(order.lease);
        if (known != nullptr) {
            renew(*known, order.left, moment, effects);
        } else {
            begin(order, moment, effects);
        }
    }
    start_waiting(moment, effects);
    send_waiting(effects);
    say_alive(moment, effects);
}

void Attempts::on(const Granted& granted, const Moment& moment, Effects& effects) {
    Attempt* known = find(granted.order.lease);
    if (known != nullptr) {
        renew(*known, granted.order.left, moment, effects);
        return;
    }
    begin(granted.order, moment, effects);
    start_waiting(moment, effects);
    send_waiting(effects);
}

void Attempts::on(const Renewed& renewed, const Moment& moment, Effects& effects) {
    Attempt* known = find(renewed.lease);
    if (known != nullptr) renew(*known, renewed.left, moment, effects);
}

void Attempts::on(const Ended& ended, const Moment& moment, Effects& effects) {
    release(ended.lease, ended.reason, effects);
    start_waiting(moment, effects);
    tick_drain(moment, effects);
}

void Attempts::on(const Ack& ack, const Moment& moment, Effects& effects) {
    for (const Outbox::Entry& known : outbox_.acknowledge(ack.sequence)) {
        if (!std::holds_alternative<Finished>(known.message)) continue;
        release(known.lease, Reason::completed, effects);
    }
    start_waiting(moment, effects);
    send_waiting(effects);
    tick_drain(moment, effects);
}

void Attempts::session_closed() {
    alive_at_.reset();
}

// --- what the shell found ----------------------------------------------------------------------

void Attempts::on(const InputsFetched& fetched, const Moment& moment, Effects& effects) {
    Attempt* attempt = find(fetched.lease);
    if (attempt == nullptr || attempt->phase != Phase::fetching) return;
    if (!goes_on(*attempt, moment, effects)) return;
    attempt->phase = Phase::waiting;
    start_waiting(moment, effects);
    send_waiting(effects);
}

void Attempts::on(const InputsFailed& failed, const Moment& moment, Effects& effects) {
    Attempt* attempt = find(failed.lease);
    if (attempt == nullptr || attempt->phase != Phase::fetching) return;
    if (!goes_on(*attempt, moment, effects)) return;
    if (failed.hope == Hope::again) {
        try_later(*attempt, failed.wait, moment);
        attempt->detail = short_detail(failed.detail);
        return;
    }
    finish(*attempt, failed.reason, failed.detail);
    send_waiting(effects);
}

void Attempts::on(const JobStarted& started, const Moment& /*moment*/, Effects& effects) {
    Attempt* attempt = find(started.lease);
    if (attempt == nullptr || attempt->phase != Phase::starting) return;
    attempt->phase = Phase::running;
    if (!attempt->over) tell_started(*attempt);
    send_waiting(effects);
}

void Attempts::on(const JobSaid& said, const Moment& moment, Effects& effects) {
    Attempt* attempt = find(said.lease);
    if (attempt == nullptr || !occupies(*attempt)) return;
    Reports::News news = attempt->reports.read(said.reports, moment.now);
    if (!alive_at_ || attempt->over || (news.empty() && said.log.empty())) return;
    effects.emplace_back(Send{
        {0, Said{said.lease, said.log_offset, said.log, std::move(news.metrics), news.progress}}});
}

void Attempts::on(const JobEnded& ended, const Moment& moment, Effects& effects) {
    Attempt* attempt = find(ended.lease);
    if (attempt == nullptr || !occupies(*attempt)) return;
    attempt->phase = Phase::collecting;
    attempt->asked = false;
    if (attempt->over) {
        forget(ended.lease, effects);
    } else {
        attempt->reason = ended.outcome.reason;
        attempt->detail = short_detail(ended.outcome.detail);
        if (ended.outcome.started) {
            tell_started(*attempt);
            outbox_.put(ended.lease, Exited{ended.lease, ended.outcome});
        }
        collect(*attempt, effects);
    }
    start_waiting(moment, effects);
    send_waiting(effects);
}

void Attempts::on(const Collected& collected, const Moment& moment, Effects& effects) {
    Attempt* attempt = find(collected.lease);
    if (attempt == nullptr || attempt->phase != Phase::collecting) return;
    if (!goes_on(*attempt, moment, effects)) return;
    attempt->log = collected.log;
    if (collected.refusal) {
        attempt->reason = collected.refusal->reason;
        attempt->detail = short_detail(collected.refusal->detail);
    } else if (attempt->reason == Reason::completed) {
        attempt->artifacts = collected.artifacts;
    }
    if (attempt->artifacts.empty() && !attempt->log) {
        const std::string detail = attempt->detail;
        finish(*attempt, attempt->reason, detail);
    } else {
        attempt->phase = Phase::uploading;
        upload(*attempt, effects);
    }
    send_waiting(effects);
}

void Attempts::on(const Uploaded& uploaded, const Moment& /*moment*/, Effects& effects) {
    Attempt* attempt = find(uploaded.lease);
    if (attempt == nullptr || attempt->phase != Phase::uploading) return;
    attempt->asked = false;
    if (attempt->over) {
        forget(uploaded.lease, effects);
        return;
    }
    const std::string detail = attempt->detail;
    finish(*attempt, attempt->reason, detail);  // all is there: whoever asked to stop is too late
    send_waiting(effects);
}

void Attempts::on(const UploadFailed& failed, const Moment& moment, Effects& effects) {
    Attempt* attempt = find(failed.lease);
    if (attempt == nullptr || attempt->phase != Phase::uploading) return;
    if (!goes_on(*attempt, moment, effects)) return;
    if (failed.hope == Hope::again) {
        if (failed.taken > 0) attempt->failures = 0;
        attempt->uploaded += failed.taken;
        try_later(*attempt, failed.wait, moment);
        return;
    }
    attempt->log.reset();
    attempt->artifacts.clear();
    const bool was_good = attempt->reason == Reason::completed;
    const std::string detail = was_good ? failed.detail : attempt->detail;
    finish(*attempt, was_good ? Reason::upload_failed : attempt->reason, detail);
    send_waiting(effects);
}

void Attempts::on(const Drain& /*drain*/, const Moment& moment, Effects& effects) {
    if (draining()) return;
    drain_end_ = moment.now + settings_.drain_time;
    for (auto& [lease, attempt] : attempts_) {
        const bool begun = attempt.phase != Phase::fetching && attempt.phase != Phase::waiting;
        if (!begun) stop(attempt, Reason::provider_drained, effects);
    }
    send_waiting(effects);
    if (alive_at_) say_alive(moment, effects);
    tick_drain(moment, effects);
}

// --- time --------------------------------------------------------------------------------------

void Attempts::tick(const Moment& moment, Effects& effects) {
    tick_attempts(moment, effects);
    start_waiting(moment, effects);
    tick_drain(moment, effects);
    send_waiting(effects);
    if (alive_at_ && moment.now >= *alive_at_) say_alive(moment, effects);
}

void Attempts::tick_attempts(const Moment& moment, Effects& effects) {
    for (auto& [lease, attempt] : attempts_) {
        if (is_done(attempt)) continue;
        if (!attempt.stop && moment.now >= attempt.lease_end) {
            stop(attempt, Reason::lease_expired, effects);
            continue;
        }
        if (attempt.again_at && moment.now >= *attempt.again_at) retry(attempt, effects);
    }
}

void Attempts::tick_drain(const Moment& moment, Effects& effects) {
    if (!drain_end_) return;
    const bool late = moment.now >= *drain_end_ + drain_patience;
    if (attempts_.empty() || late) {
        effects.emplace_back(Leave{Leave::Why::drained, ""});
        return;
    }
    if (drain_stopped_ || moment.now < *drain_end_) return;
    drain_stopped_ = true;
    for (auto& [lease, attempt] : attempts_) {
        if (!is_done(attempt) && !attempt.stop) stop(attempt, Reason::provider_drained, effects);
    }
}

std::optional<Time> Attempts::next_deadline() const {
    std::optional<Time> first = alive_at_;
    const auto consider = [&first](Time time) { first = first ? std::min(*first, time) : time; };
    for (const auto& [lease, attempt] : attempts_) {
        if (is_done(attempt)) continue;
        if (!attempt.stop) consider(attempt.lease_end);
        if (attempt.again_at) consider(*attempt.again_at);
    }
    if (drain_end_) consider(drain_stopped_ ? *drain_end_ + drain_patience : *drain_end_);
    return first;
}

// --- one attempt -------------------------------------------------------------------------------

bool Attempts::occupies(const Attempt& attempt) {
    return attempt.phase == Phase::starting || attempt.phase == Phase::running;
}

bool Attempts::is_done(const Attempt& attempt) {
    return attempt.over || attempt.phase == Phase::delivered;
}

Attempts::Attempt* Attempts::find(LeaseId lease) {
    const auto found = attempts_.find(lease);
    return found == attempts_.end() ? nullptr : &found->second;
}

std::optional<Phase> Attempts::phase(LeaseId lease) const {
    const auto found = attempts_.find(lease);
    if (found == attempts_.end()) return std::nullopt;
    return found->second.phase;
}

void Attempts::begin(const Order& order, const Moment& moment, Effects& effects) {
    Attempt& attempt = attempts_[order.lease];
    attempt.order = order;
    attempt.lease_end = moment.now + bounded(order.left);
    const Status sound = check_order(order);
    if (!sound.ok()) {
        finish(attempt, Reason::provider_reclaimed, "the order: " + sound.error().what);
    } else if (draining()) {
        finish(attempt, Reason::provider_drained, "the provider takes no more work");
    } else if (attempts_.size() > limits::attempts_per_provider) {
        finish(attempt, Reason::provider_reclaimed, "the provider holds too many attempts");
    } else if (!within(order.resources, settings_.capacity)) {
        finish(attempt, Reason::provider_reclaimed,
               "the attempt asks for more than the whole provider has to offer");
    } else if (order.inputs.empty()) {
        attempt.phase = Phase::waiting;
    } else {
        attempt.phase = Phase::fetching;
        attempt.asked = true;
        effects.emplace_back(FetchInputs{order});
    }
}

void Attempts::start_waiting(const Moment& moment, Effects& effects) {
    for (auto& [lease, attempt] : attempts_) {
        if (attempt.phase != Phase::waiting) continue;
        if (!fits(attempt.order.resources)) return;  // those behind it wait their turn
        attempt.slot = free_slot();
        attempt.phase = Phase::starting;
        attempt.asked = true;
        const Duration left = std::max(Duration{0}, attempt.lease_end - moment.now);
        effects.emplace_back(StartShim{attempt.order, attempt.slot, left});
        attempt.order.secrets.clear();  // handed on; nothing else here has to do with them
    }
}

void Attempts::tell_started(Attempt& attempt) {
    if (attempt.told_started) return;
    attempt.told_started = true;
    outbox_.put(attempt.order.lease, Started{attempt.order.lease});
}

void Attempts::collect(Attempt& attempt, Effects& effects) {
    attempt.asked = true;
    const bool good = attempt.reason == Reason::completed;
    effects.emplace_back(Collect{attempt.order, good ? Wanted::outputs_and_log : Wanted::log});
}

void Attempts::upload(Attempt& attempt, Effects& effects) {
    attempt.asked = true;
    const std::vector<protocol::Artifact>& all = attempt.artifacts;
    const auto taken = static_cast<std::ptrdiff_t>(std::min(attempt.uploaded, all.size()));
    effects.emplace_back(
        Upload{attempt.order.lease, {all.begin() + taken, all.end()}, attempt.log});
}

void Attempts::try_later(Attempt& attempt, Duration wait, const Moment& moment) {
    const Duration patience = backoff(attempt.failures++, moment.entropy);
    attempt.again_at = moment.now + std::max(patience, wait);
}

void Attempts::retry(Attempt& attempt, Effects& effects) {
    attempt.again_at.reset();
    if (attempt.phase == Phase::uploading) {
        upload(attempt, effects);
        return;
    }
    check(attempt.phase == Phase::fetching);
    attempt.asked = true;
    effects.emplace_back(FetchInputs{attempt.order});
}

void Attempts::finish(Attempt& attempt, Reason reason, std::string_view detail) {
    attempt.phase = Phase::delivered;
    attempt.again_at.reset();
    attempt.reason = reason;
    Finished finished;
    finished.lease = attempt.order.lease;
    finished.reason = reason;
    finished.detail = short_detail(detail);
    if (reason == Reason::completed) finished.artifacts = attempt.artifacts;
    finished.log = attempt.log;
    finished.metrics = attempt.reports.last_values();
    outbox_.put(attempt.order.lease, std::move(finished));
}

void Attempts::renew(Attempt& attempt, Duration left, const Moment& moment, Effects& effects) {
    attempt.lease_end = moment.now + bounded(left);
    if (occupies(attempt) && !attempt.stop) {
        effects.emplace_back(MoveDeadline{attempt.order.lease, bounded(left)});
    }
}

void Attempts::stop(Attempt& attempt, Reason reason, Effects& effects) {
    if (occupies(attempt)) {
        if (attempt.stop) return;
        attempt.stop = reason;
        const bool hurry = reason == Reason::provider_drained;
        const Duration wanted = attempt.order.limits.grace.length;
        const Duration grace = std::min(wanted, hurry ? drain_grace_max : grace_max);
        effects.emplace_back(StopShim{attempt.order.lease, reason, grace});
        return;
    }
    if (!attempt.stop) attempt.stop = reason;
    if (attempt.asked || is_done(attempt)) return;
    // The outputs of an attempt that ran well could not be delivered; one that did not has its own
    // reason already.
    const bool keep = attempt.phase == Phase::uploading && attempt.reason != Reason::completed;
    if (attempt.phase == Phase::uploading) attempt.log.reset();
    const std::string detail = attempt.detail;
    finish(attempt, keep ? attempt.reason : reason, detail);
}

void Attempts::release(LeaseId lease, Reason reason, Effects& effects) {
    Attempt* attempt = find(lease);
    if (attempt == nullptr) return;
    outbox_.drop(lease);
    attempt->over = true;
    if (!attempt->asked) {
        forget(lease, effects);
    } else if (occupies(*attempt)) {
        stop(*attempt, reason, effects);
    }
}

bool Attempts::goes_on(Attempt& attempt, const Moment& /*moment*/, Effects& effects) {
    attempt.asked = false;
    if (attempt.over) {
        forget(attempt.order.lease, effects);
        return false;
    }
    if (attempt.stop && attempt.phase != Phase::collecting) {
        stop(attempt, *attempt.stop, effects);
        send_waiting(effects);
        return false;
    }
    return true;
}

void Attempts::forget(LeaseId lease, Effects& effects) {
    attempts_.erase(lease);
    effects.emplace_back(Forget{lease});
}

// --- words to the market -----------------------------------------------------------------------

void Attempts::say_alive(const Moment& moment, Effects& effects) {
    alive_at_ = moment.now + settings_.alive_every;
    Alive alive;
    alive.draining = draining();
    for (const auto& [lease, attempt] : attempts_) {
        if (!attempt.over) alive.leases.push_back(lease);
    }
    effects.emplace_back(Send{{0, std::move(alive)}});
}

void Attempts::send_waiting(Effects& effects) {
    if (!alive_at_) return;
    while (auto frame = outbox_.next()) effects.emplace_back(Send{std::move(*frame)});
}

}  // namespace shoal::provider
