#include "simulation/facts.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "protocol/reasons.h"
#include "simulation/facts_expect.h"

namespace shoal::simulation {

using protocol::AccountKind;
using protocol::LedgerAccount;
using protocol::TransferPurpose;

void Facts::on(const protocol::Event& event) {
    ++events_;
    std::visit([this](const auto& it) { note(it); }, event);
}

void Facts::at(Time time) {
    expect(time >= now_, "time does not go back", time.time_since_epoch().count());
    now_ = time;
}

// --- accounts, keys, blobs -----------------------------------------------------------------------

void Facts::note(const protocol::MarketStarted& event) {
    at(event.at);
}

void Facts::note(const protocol::AccountCreated& event) {
    at(event.at);
    expect(accounts_.insert(event.account).second, "an id is given once", event.account);
}

void Facts::note(const protocol::KeyCreated& event) {
    at(event.at);
    expect(accounts_.contains(event.account), "a key is of an account", event.key);
    expect(!standings_[event.account].erased, "who was erased gets no key", event.key);
    expect(keys_.insert(event.key).second, "an id is given once", event.key);
}

void Facts::note(const protocol::KeyRevoked& event) {
    at(event.at);
    expect(keys_.contains(event.key), "a revoked key was made", event.key);
}

void Facts::note(const protocol::RequestAnswered& event) {
    at(event.at);
    answered_.emplace(event.account, event.key);
}

void Facts::note(const protocol::BlobStored& event) {
    at(event.at);
    blobs_.try_emplace({event.account, event.blob}, 0);
    expect(!standings_[event.account].erased, "who was erased stores nothing", event.account);
    if (!event.lease) return;
    const Lease* lease = find(leases_, *event.lease);
    expect(lease == nullptr || !lease->ended, "an output is of a live attempt", *event.lease);
}

void Facts::note(const protocol::BlobDropped& event) {
    at(event.at);
    const auto found = blobs_.find({event.account, event.blob});
    expect(found != blobs_.end(), "only what is stored is dropped", event.blob);
    if (found == blobs_.end()) return;
    expect(found->second == 0, "what an open job needs is kept", event.blob);
    blobs_.erase(found);
}

// --- money ---------------------------------------------------------------------------------------

void Facts::note(const protocol::TransferPosted& event) {
    at(event.at);
    const auto name = event.id;
    expect(event.id.value == ++transfers_, "transfers are counted without a gap", name);
    expect(event.amount > Lamports{}, "an amount is above zero", name);
    pay(event);
    move(event);
}

void Facts::move(const protocol::TransferPosted& event) {
    Lamports& from = balances_[event.from];
    from = from - event.amount;
    expect(from >= Lamports{} || event.from.kind == AccountKind::issuer, "no balance is below zero",
           event.from);
    touched_[event.from] = from;
    Lamports& to = balances_[event.to];
    to = to + event.amount;
    touched_[event.to] = to;
}

void Facts::pay(const protocol::TransferPosted& event) {
    const auto name = event.id;
    switch (event.purpose) {
        case TransferPurpose::credit_issued:
            expect(credit_keys_.insert(event.key).second, "credit is issued once", event.key);
            credited_[AccountId{event.to.owner}] =
                credited_[AccountId{event.to.owner}] + event.amount;
            return;
        case TransferPurpose::hold_placed:
            if (Job* job = find(jobs_, event.job)) {
                expect(!std::exchange(job->held, true), "a job is held once", name);
                expect(event.amount == job->hold, "the hold is the job's", name);
                expect(event.from == LedgerAccount::available(job->account),
                       "the buyer pays for its own job", name);
                count_hold(job->account, *job, event.amount);
            }
            return;
        case TransferPurpose::charge_provider:
        case TransferPurpose::charge_fee:
            return pay_charge(event);
        case TransferPurpose::hold_released:
            if (const Job* job = find(jobs_, event.job)) {
                expect(job->ended && job->owed == Lamports{}, "a hold returns at the end", name);
                expect(event.to == LedgerAccount::available(job->account),
                       "a hold returns to its buyer", name);
                count_release(job->account, *job, event.amount);
            }
            return;
        case TransferPurpose::credit_transferred:
            expect(!standings_[AccountId{event.from.owner}].frozen, "who is frozen gives nothing",
                   name);
            return;
        case TransferPurpose::credit_withdrawn:
        case TransferPurpose::fees_withdrawn:
            return;
    }
}

/// Of an attempt; without a lease, of a task that an earlier result has answered.
void Facts::pay_charge(const protocol::TransferPosted& event) {
    JobId payer = event.job;
    if (event.lease != LeaseId{}) {
        Lease* lease = find(leases_, event.lease);
        if (lease == nullptr) return;
        lease->paid = lease->paid + event.amount;
        expect(lease->ended && lease->paid <= lease->charge, "an attempt is paid once",
               event.lease);
        payer = lease->job;
    }
    Job* job = find(jobs_, payer);
    if (job == nullptr) return;
    job->owed = job->owed - event.amount;
    expect(job->owed >= Lamports{}, "no more is paid than was charged", event.id);
    expect(event.from == LedgerAccount::held(payer), "its own hold pays", event.id);
}

std::map<LedgerAccount, Lamports> Facts::take_touched() {
    return std::exchange(touched_, {});
}

// --- providers -----------------------------------------------------------------------------------

void Facts::note(const protocol::ProviderRegistered& event) {
    at(event.at);
    expect(providers_.try_emplace(event.provider).second, "an id is given once", event.provider);
    providers_[event.provider].account = event.account;
}

void Facts::note(const protocol::OfferPublished& event) {
    at(event.at);
    if (Provider* provider = find(providers_, event.provider)) provider->offer = event.offer;
}

void Facts::occupy(Provider& provider, const protocol::Resources& wanted) {
    provider.cores += wanted.cores;
    provider.memory_bytes += wanted.memory.bytes;
    provider.disk_bytes += wanted.disk.bytes;
    ++provider.attempts;
    const protocol::Resources& most = provider.offer.capacity;
    expect(provider.cores <= most.cores && provider.memory_bytes <= most.memory.bytes &&
               provider.disk_bytes <= most.disk.bytes &&
               provider.attempts <= provider.offer.attempts_max,
           "a provider is not filled beyond its offer", provider.offer.name);
}

void Facts::vacate(Provider& provider, const protocol::Resources& wanted) {
    provider.cores -= wanted.cores;
    provider.memory_bytes -= wanted.memory.bytes;
    provider.disk_bytes -= wanted.disk.bytes;
    --provider.attempts;
}

// --- jobs, tasks, attempts -----------------------------------------------------------------------

void Facts::note(const protocol::JobSubmitted& event) {
    at(event.at);
    const auto name = event.job;
    expect(!jobs_.contains(event.job), "an id is given once", name);
    Job& job = jobs_[event.job];
    job.account = event.account;
    job.resources = event.spec.resources;
    job.retries = event.spec.retries;
    job.hold = event.hold;
    job.tasks_open = event.tasks.size();
    job.submitted = event.at;
    check_submitted(event);
    expect(job.tasks_open > 0, "a job has a task", name);
    ++jobs_open_;
    for (const protocol::PlannedTask& planned : event.tasks) {
        expect(tasks_.try_emplace(planned.task).second, "an id is given once",
               to_string(planned.task));
        tasks_[planned.task].job = event.job;
    }
    job.secrets = event.spec.secrets;
    for (const std::string& secret : job.secrets) {
        const auto found = secrets_.find({event.account, secret});
        expect(found != secrets_.end(), "a job's secrets are there", name);
        if (found != secrets_.end()) ++found->second;
    }
    for (const protocol::JobInput& input : event.spec.inputs) need_blobs(input, job);
    job.waits = !event.spec.needs.empty();
    for (const auto& [step, need] : event.spec.needs) {
        const JobId other = workflows_[event.workflow][step];
        expect(jobs_.contains(other), "what a step needs is there before it", name);
        job.needs.emplace(other, need.on_failure);
    }
}

void Facts::need_blobs(const protocol::JobInput& input, Job& job) {
    std::vector<Hash> hashes;
    if (input.blob) hashes.push_back(*input.blob);
    for (const protocol::InputFile& file : input.files) hashes.push_back(file.blob);
    for (const Hash& hash : hashes) {
        const auto found = blobs_.find({job.account, hash});
        expect(found != blobs_.end(), "a job's inputs are there", hash);
        if (found != blobs_.end()) ++found->second;
        job.inputs.push_back(hash);
    }
}

void Facts::note(const protocol::WorkflowSubmitted& event) {
    at(event.at);
    auto& steps = workflows_[event.workflow];
    expect(steps.empty(), "an id is given once", to_string(event.workflow));
    for (const auto& [step, job] : event.steps) steps.emplace(step, job);
}

void Facts::note(const protocol::InputsResolved& event) {
    at(event.at);
    Job* job = find(jobs_, event.job);
    if (job == nullptr) return;
    expect(std::exchange(job->waits, false) && !job->ended, "a step begins once", event.job);
    for (const auto& [id, policy] : job->needs) {
        const Job& other = jobs_.at(id);
        expect(other.ended, "a step begins when all that it needs has ended", event.job);
        expect(other.finished || policy == protocol::OnFailure::run,
               "a step begins when what it needs has finished", event.job);
    }
    for (const protocol::JobInput& input : event.inputs) {
        if (input.from) need_blobs(input, *job);
    }
}

void Facts::note(const protocol::TaskReused& event) {
    at(event.at);
    Task* task = find(tasks_, event.task);
    const Lease* source = find(leases_, event.lease);
    if (task == nullptr || source == nullptr) return;
    const auto name = event.task;
    Job& job = jobs_.at(task->job);
    expect(!task->ended && task->live == LeaseId{} && !job.waits,
           "only what waits for a provider is answered by a result", name);
    expect(source->ended && source->reason == protocol::Reason::completed,
           "only what was completed answers another", name);
    expect(jobs_.at(source->job).account == job.account, "a result is its account's", name);
    expect(event.charge >= Lamports{} && event.charge <= source->charge,
           "a result costs no more than it did", name);
    expect(event.fee >= Lamports{} && event.fee <= event.charge, "a fee is of the charge", name);
    expect(!std::exchange(task->paid, true), "a task is paid once", name);
    job.owed = job.owed + event.charge;
}

void Facts::note(const protocol::LeaseGranted& event) {
    at(event.at);
    const auto name = event.lease;
    expect(leases_.empty() || leases_.rbegin()->first < event.lease, "leases only grow", name);
    Task* task = find(tasks_, event.task);
    Provider* provider = find(providers_, event.provider);
    if (task == nullptr || provider == nullptr) return;
    expect(task->live == LeaseId{}, "a task has one live lease", event.task);
    expect(!task->ended, "a task that has ended is not leased", event.task);
    task->live = event.lease;
    Job& job = jobs_.at(task->job);
    job.reserved = job.reserved + event.reserve;
    check_granted(job.account, provider->account, name);
    expect(!job.waits, "a step is leased when all that it needs has ended", name);
    expect(job.held, "a job is leased when its money is held", name);
    expect(job.reserved <= balances_[LedgerAccount::held(task->job)],
           "leases reserve what is held, and no more", name);
    occupy(*provider, job.resources);
    Lease lease;
    lease.job = task->job;
    lease.task = event.task;
    lease.provider = event.provider;
    lease.reserve = event.reserve;
    lease.granted = event.at;
    lease.deadline = event.deadline;
    lease.time_max = event.time_max;
    leases_.emplace(event.lease, lease);
    ++leases_live_;
}

void Facts::note(const protocol::LeaseRenewed& event) {
    Lease* lease = find(leases_, event.lease);
    if (lease == nullptr) return;
    expect(!lease->ended, "a lease that is over is not renewed", event.lease);
    expect(event.deadline >= lease->deadline, "a renewal takes no time away", event.lease);
    lease->deadline = event.deadline;
}

void Facts::note(const protocol::AttemptStarted& event) {
    at(event.at);
    Lease* lease = find(leases_, event.lease);
    if (lease == nullptr) return;
    expect(!lease->ended && !lease->started, "an attempt starts once", event.lease);
    lease->started = true;
}

void Facts::note(const protocol::AttemptExited& event) {
    at(event.at);
    Lease* lease = find(leases_, event.lease);
    if (lease == nullptr) return;
    expect(!lease->ended && !lease->exited, "an attempt exits once", event.lease);
    lease->exited = true;
}

void Facts::note(const protocol::AttemptEnded& event) {
    at(event.at);
    Lease* lease = find(leases_, event.lease);
    if (lease == nullptr) return;
    const auto name = event.lease;
    expect(!std::exchange(lease->ended, true), "an attempt ends once", name);
    expect(event.charge >= Lamports{} && event.charge <= lease->reserve,
           "a charge keeps within its reserve", name);
    expect(event.fee >= Lamports{} && event.fee <= event.charge, "a fee is of the charge", name);
    expect(event.ran >= Duration{0} && event.ran <= event.at - lease->granted &&
               event.ran <= lease->time_max,
           "no more time is billed than has passed", name);
    const bool is_paid = event.charge > Lamports{};
    expect(
        !is_paid || (lease->started && protocol::row(event.reason).payer == protocol::Payer::buyer),
        "nobody pays for what is not the buyer's", name);
    end_lease(*lease, event);
}

void Facts::end_lease(Lease& lease, const protocol::AttemptEnded& event) {
    lease.charge = event.charge;
    lease.reason = event.reason;
    --leases_live_;
    Task& task = tasks_.at(lease.task);
    expect(task.live == event.lease, "the attempt that ends is the live one", event.lease);
    task.live = LeaseId{};
    const bool is_paid = event.charge > Lamports{};
    expect(!is_paid || !std::exchange(task.paid, true), "a task is paid once", lease.task);
    Job& job = jobs_.at(lease.job);
    job.reserved = job.reserved - lease.reserve;
    job.owed = job.owed + event.charge;
    vacate(providers_.at(lease.provider), job.resources);
}

void Facts::note(const protocol::TaskRequeued& event) {
    at(event.at);
    Task* task = find(tasks_, event.task);
    if (task == nullptr) return;
    const auto name = event.task;
    expect(!task->ended && task->live == LeaseId{}, "what waits again is not leased", name);
    expect(protocol::row(event.reason).retried, "only some ends are tried again", name);
    if (event.reason == protocol::Reason::gang_broken) return;  // counted for who broke it
    expect(++task->retries <= jobs_.at(task->job).retries, "no more retries than asked for", name);
}

void Facts::note(const protocol::TaskEnded& event) {
    at(event.at);
    Task* task = find(tasks_, event.task);
    if (task == nullptr) return;
    const auto name = event.task;
    expect(!std::exchange(task->ended, true), "a task ends once", name);
    expect(task->live == LeaseId{}, "a task that ends has no live lease", name);
    Job& job = jobs_.at(task->job);
    --job.tasks_open;
    --standings_[job.account].tasks_open;
}

void Facts::note(const protocol::JobEnded& event) {
    at(event.at);
    Job* job = find(jobs_, event.job);
    if (job == nullptr) return;
    const auto name = event.job;
    expect(!std::exchange(job->ended, true), "a job ends once", name);
    expect(job->tasks_open == 0, "a job ends with its last task", name);
    job->finished = event.state == protocol::JobState::finished;
    --jobs_open_;
    --standings_[job->account].jobs_open;
    for (const std::string& secret : job->secrets) {
        const auto found = secrets_.find({job->account, secret});
        expect(found != secrets_.end() && found->second > 0, "an open job has its secrets", name);
        if (found != secrets_.end()) --found->second;
    }
    for (const Hash& hash : job->inputs) {
        const auto found = blobs_.find({job->account, hash});
        expect(found != blobs_.end() && found->second > 0, "an open job has its inputs", name);
        if (found != blobs_.end()) --found->second;
    }
}

void Facts::note(const protocol::AccountWeighted& event) {
    at(event.at);
    expect(event.weight > 0, "a weight is more than nothing", event.account);
}

void Facts::note(const protocol::ProviderVerified& event) {
    at(event.at);
    find(providers_, event.provider);
}

void Facts::note(const protocol::SecretSet& event) {
    at(event.at);
    expect(accounts_.contains(event.account), "a secret is an account's", event.account);
    expect(!event.sealed.empty(), "a secret is sealed", event.account);
    secrets_.try_emplace({event.account, event.secret});
}

void Facts::note(const protocol::SecretRemoved& event) {
    at(event.at);
    const auto found = secrets_.find({event.account, event.secret});
    expect(found != secrets_.end(), "a secret that is removed was there", event.account);
    if (found == secrets_.end()) return;
    expect(found->second == 0, "no open job names a secret that is removed", event.account);
    secrets_.erase(found);
}

void Facts::note(const protocol::ReceiptIssued& event) {
    at(event.at);
    Job* job = find(jobs_, event.job);
    if (job == nullptr) return;
    const auto name = event.job;
    expect(event.receipt.value == ++receipts_, "receipts are counted without a gap", name);
    expect(!std::exchange(job->receipt, true) && job->ended, "a job has one receipt", name);
    expect(balances_[LedgerAccount::held(event.job)] == Lamports{} && job->owed == Lamports{},
           "at its end a job's hold is paid out or returned", name);
}

// --- questions -----------------------------------------------------------------------------------

bool Facts::has_account(AccountId id) const {
    return accounts_.contains(id);
}

bool Facts::has_job(JobId id) const {
    return jobs_.contains(id);
}

bool Facts::has_lease(LeaseId id) const {
    return leases_.contains(id);
}

bool Facts::is_over(LeaseId id) const {
    return leases_.contains(id) && leases_.at(id).ended;
}

bool Facts::has_started(LeaseId id) const {
    return leases_.contains(id) && leases_.at(id).started;
}

bool Facts::has_exited(LeaseId id) const {
    return leases_.contains(id) && leases_.at(id).exited;
}

bool Facts::has_blob(AccountId account, const Hash& hash) const {
    return blobs_.contains({account, hash});
}

bool Facts::has_answer(AccountId account, const std::string& key) const {
    return answered_.contains({account, key});
}

ProviderId Facts::provider_of(LeaseId id) const {
    return leases_.contains(id) ? leases_.at(id).provider : ProviderId{};
}

protocol::Reason Facts::reason_of(LeaseId id) const {
    return leases_.at(id).reason;
}

Lamports Facts::credited(AccountId account) const {
    const auto found = credited_.find(account);
    return found == credited_.end() ? Lamports{} : found->second;
}

}  // namespace shoal::simulation
