// The machine under a provider's process: shims, jobs, folders.

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "simulation/provider_host.h"

namespace shoal::simulation {

using protocol::Reason;

namespace {

constexpr std::uint64_t contents = 64;  // of outputs: the same bytes come again

protocol::Artifact make_artifact(std::string path, Random& random) {
    protocol::Artifact artifact;
    artifact.path = std::move(path);
    const auto content = static_cast<std::uint8_t>(random.below(contents));
    artifact.blob = Hash{{1, content}};
    artifact.size_bytes = 1 + std::uint64_t{content} * 1'000;
    return artifact;
}

}  // namespace

ProviderHost::Shim* ProviderHost::find(LeaseId lease, std::uint64_t shim) {
    const auto found = shims_.find(lease);
    const bool is_same = found != shims_.end() && found->second.number == shim;
    return is_same ? &found->second : nullptr;
}

/// The machine has room for it beside all that runs.
void ProviderHost::check_room(const provider::StartShim& start) {
    protocol::Resources used = start.order.resources;
    std::uint32_t count = 1;
    for (const auto& [lease, shim] : shims_) {
        if (!shim.is_alive) continue;
        used.cores += shim.order.resources.cores;
        used.memory.bytes += shim.order.resources.memory.bytes;
        used.disk.bytes += shim.order.resources.disk.bytes;
        ++count;
        if (shim.slot == start.slot) stage_.fail("attempts that run at once have their own slots");
    }
    const protocol::Resources& most = offer_.capacity;
    if (used.cores <= most.cores && used.memory <= most.memory && used.disk <= most.disk &&
        count <= offer_.attempts_max) {
        return;
    }
    stage_.fail(fmt::format("a machine is not filled beyond its offer: {}", offer_.name));
}

void ProviderHost::perform(const provider::StartShim& start) {
    const LeaseId lease = start.order.lease;
    if (shims_.contains(lease)) {  // its folder is there: it cannot be made
        provider::JobEnded ended{lease, {}};
        ended.outcome.reason = Reason::sandbox_unavailable;
        return later(Duration{1}, ended);
    }
    check_room(start);
    Shim& shim = shims_[lease];
    shim.order = start.order;
    shim.slot = start.slot;
    shim.number = ++shims_started_;
    shim.deadline = clock() + start.left;
    draw_fate(shim);
    stage_.later(stage_.between(5, 500),
                 [this, lease, number = shim.number] { start_job(lease, number); });
    watch_deadline(lease, shim.number);
}

/// How the job will end if it is left alone.
void ProviderHost::draw_fate(Shim& shim) {
    Random& random = stage_.random();
    constexpr Reason by_machine[] = {Reason::out_of_memory_host, Reason::sandbox_unavailable,
                                     Reason::hardware_fault, Reason::runner_lost};
    constexpr Reason by_job[] = {
        Reason::exit_code,  Reason::exit_code, Reason::signal,        Reason::out_of_memory_job,
        Reason::disk_limit, Reason::log_limit, Reason::process_limit, Reason::command_refused};
    constexpr unsigned fails = 20;
    if (stage_.strikes(Fault::machine_fault)) {
        shim.fate = by_machine[random.below(std::size(by_machine))];
    } else if (!stage_.healed() && random.percent(fails)) {
        shim.fate = by_job[random.below(std::size(by_job))];
    }
    shim.length = Duration{200};
    constexpr Duration longest{600'000};
    while (shim.length < longest && random.percent(stage_.healed() ? 30 : 80)) shim.length *= 2;
    shim.length += stage_.between(0, shim.length.count());
    const Duration most = std::min(shim.order.time_max, shim.order.limits.time.length);
    if (shim.length <= most) return;
    shim.length = most;
    shim.fate = Reason::time_limit;
}

void ProviderHost::start_job(LeaseId lease, std::uint64_t number) {
    Shim* shim = find(lease, number);
    if (shim == nullptr || !shim->is_alive) return;
    if (shim->fate == Reason::sandbox_unavailable || shim->fate == Reason::command_refused) {
        return end_job(lease, number, shim->fate);
    }
    shim->has_started = true;
    shim->started = clock();
    stage_.later(shim->length,
                 [this, lease, number, fate = shim->fate] { end_job(lease, number, fate); });
    if (stage_.strikes(Fault::shim_killed)) {
        stage_.later(
            Duration{stage_.random().below(static_cast<std::uint64_t>(shim->length.count()) + 1)},
            [this, lease, number] { kill(lease, number); });
    }
    const Duration half = shim->length / 2;
    handle(provider::JobStarted{lease});
    const std::string words = what_is_said();
    stage_.later(half, [this, lease, number, words] {
        const Shim* there = find(lease, number);
        if (there == nullptr || !there->is_alive) return;
        handle(provider::JobSaid{lease, 0, "half of it is done\n", words});
    });
}

std::string ProviderHost::what_is_said() const {
    if (stage_.random().percent(10)) return "no json\n{\"progress\": 7}\n{\"metric\": {}}\n";
    return fmt::format("{{\"metric\": {{\"step\": 1, \"loss\": 0.{}}}}}\n{{\"progress\": 0.5}}\n",
                       1 + stage_.random().below(9));
}

/// A shim whose deadline nobody moved ends its job.
void ProviderHost::watch_deadline(LeaseId lease, std::uint64_t number) {
    const Shim* shim = find(lease, number);
    if (shim == nullptr || !shim->is_alive) return;
    if (clock() >= shim->deadline) return end_job(lease, number, Reason::lease_expired);
    stage_.later(shim->deadline - clock(),
                 [this, lease, number] { watch_deadline(lease, number); });
}

void ProviderHost::end_job(LeaseId lease, std::uint64_t number, Reason reason) {
    Shim* shim = find(lease, number);
    if (shim == nullptr || !shim->is_alive) return;
    shim->is_alive = false;
    protocol::AttemptOutcome outcome;
    outcome.reason = reason;
    outcome.started = shim->has_started;
    if (shim->started) outcome.ran_ms = (clock() - *shim->started).count();
    if (reason == Reason::exit_code) outcome.exit_code = 1;
    shim->outcome = outcome;
    tell_end(lease);
}

void ProviderHost::kill(LeaseId lease, std::uint64_t number) {
    Shim* shim = find(lease, number);
    if (shim == nullptr || !shim->is_alive) return;
    stage_.tell(fmt::format("the shim of {} is killed", to_string(lease)));
    shim->is_alive = false;
    tell_end(lease);
}

/// The process, if there is one, reads how the attempt ended.
void ProviderHost::tell_end(LeaseId lease) {
    const Shim& shim = shims_.at(lease);
    provider::JobEnded ended{lease, {}};
    if (shim.outcome) ended.outcome = *shim.outcome;
    if (process_) later(Duration{1}, ended);
}

void ProviderHost::perform(const provider::StopShim& stop) {
    const auto found = shims_.find(stop.lease);
    if (found == shims_.end() || !found->second.is_alive) return;
    const std::int64_t grace = std::max<std::int64_t>(1, stop.grace.count());
    stage_.later(stage_.between(0, grace),
                 [this, lease = stop.lease, number = found->second.number, reason = stop.reason] {
                     end_job(lease, number, reason);
                 });
}

void ProviderHost::perform(const provider::MoveDeadline& move) {
    const auto found = shims_.find(move.lease);
    if (found != shims_.end()) found->second.deadline = clock() + move.left;
}

void ProviderHost::perform(const provider::Collect& asked) {
    Random& random = stage_.random();
    provider::Collected collected;
    collected.lease = asked.order.lease;
    const bool has_log = random.percent(70);
    if (has_log) collected.log = make_artifact("log", random);
    if (asked.wanted == provider::Wanted::outputs_and_log) {
        constexpr Reason refusals[] = {Reason::output_refused, Reason::output_limit,
                                       Reason::output_missing};
        constexpr unsigned refused = 6;
        if (!stage_.healed() && random.percent(refused)) {
            collected.refusal = provider::Collected::Refusal{
                refusals[random.below(std::size(refusals))], "as it was drawn"};
        } else {
            for (const protocol::JobOutput& output : asked.order.outputs) {
                constexpr unsigned made = 95;
                if (random.percent(made)) {
                    collected.artifacts.push_back(make_artifact(output.path, random));
                }
            }
        }
    }
    later(stage_.between(1, 200), collected);
}

void ProviderHost::perform(const provider::Forget& forget) {
    const auto found = shims_.find(forget.lease);
    if (found == shims_.end()) return;
    stage_.later(stage_.between(0, 20),
                 [this, lease = forget.lease, number = found->second.number, life = life_] {
                     if (life != life_ || find(lease, number) == nullptr) return;
                     shims_.erase(lease);
                 });
}

}  // namespace shoal::simulation
