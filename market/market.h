#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/hash.h"
#include "core/result.h"
#include "core/signature.h"
#include "market/batch.h"
#include "market/matching.h"
#include "market/memory.h"
#include "market/principal.h"
#include "market/rules.h"
#include "market/settings.h"
#include "protocol/receipt.h"
#include "protocol/session.h"
#include "protocol/workflow.h"

namespace shoal::market {

/// The market: who asked for what, who works on it, until when, and who is paid.
///
/// Each command first makes every check; a refusal has changed nothing. Then it records events:
/// each is applied at once and put into the batch, so the next command sees it. What leaves
/// (answers, messages) may leave only when the batch is durable. Commands expect that tick() was
/// called for their moment.
class Market : public Memory {
public:
    Market(Settings, const SecretKey& signer);

    /// A market as a snapshot has it; its journal's later events are to be applied.
    Market(Settings, const SecretKey& signer, State);

    // --- commands ------------------------------------------------------------------------------

    /// The process serves: every live lease is extended by the downtime and one term.
    void start(std::string_view release, const Moment&, Batch&);

    /// Ends what is overdue, and lets waiting tasks go whose time has come.
    void tick(const Moment&, Batch&);

    AccountId create_account(const Moment&, Batch&);

    /// not_found: no such account.
    Result<NewKey> create_key(AccountId, protocol::Role, const Moment&, Batch&);
    /// not_found: no such key.
    Status revoke_key(KeyId, const Moment&, Batch&);

    /// The operator issues credit. not_found: no such account. Refuses like Ledger::transfer.
    Result<protocol::TransferPosted> issue_credit(AccountId, Lamports, const std::string& key,
                                                  const Moment&, Batch&);

    /// The account has a blob; what it has already is kept longer. exhausted: it has too many
    /// bytes, or the attempt too many outputs. stale: the attempt is over.
    Status store_blob(const StoredBlob&, const Moment&, Batch&);

    /// invalid: the field and the reason. not_found: a blob that the account does not have.
    /// exhausted: not enough credit. denied: a price cap is below every offer that fits.
    Result<JobId> submit(AccountId, protocol::JobSpec, const Moment&, Batch&);

    /// In every state; nothing happens to a job that has ended. not_found: no such job.
    Status cancel(JobId, const Moment&, Batch&);

    /// All its steps or none; refuses like submit, the path below `steps.NAME`. A step waits until
    /// all that it needs has ended. denied: they set aside more than the workflow may cost.
    Result<WorkflowId> submit_workflow(AccountId, protocol::WorkflowSpec, const Moment&, Batch&);
    /// Every step that has not ended. not_found: no such workflow.
    Status cancel_workflow(WorkflowId, const Moment&, Batch&);

    /// not_found: no such account. invalid: not from 1 to limits::weight_most.
    Status weigh_account(AccountId, std::uint32_t weight, const Moment&, Batch&);
    /// The operator has checked the provider's machine. not_found: no such provider.
    Status verify_provider(ProviderId, bool verified, const Moment&, Batch&);

    /// These limits hold instead of those before. not_found: no such account. invalid: an amount.
    /// denied: a limit of its own is above the operator's.
    Status limit_account(const protocol::AccountLimited&, Batch&);
    /// How many requests it may make; nothing: what its role has. not_found: no such key. invalid.
    Status limit_key(KeyId, std::optional<protocol::RequestRate>, const Moment&, Batch&);
    /// With a reason the account is stopped, without one it goes on. not_found: no such account.
    /// invalid: the reason.
    Status freeze_account(AccountId, const std::optional<std::string>& reason, const Moment&,
                          Batch&);
    /// Moves credit to another account. not_found: no such account. invalid: the amount, or to
    /// itself. denied: it is frozen. exhausted: there is less.
    Status transfer_credit(const CreditTransfer&, const Moment&, Batch&);
    /// Closes the account and forgets its owner. not_found: no such account. denied: it is frozen,
    /// and its owner asks. conflict: what has to end or be given up before.
    Status erase_account(const Erasure&, const Moment&, Batch&);
    /// Notes what an operator did.
    void note_action(protocol::OperatorActed, Batch&);
    /// The account's jobs may see this value from now on; it is kept sealed. invalid: the name, or
    /// the value's length. exhausted: too many secrets. unavailable: this market keeps none.
    Status set_secret(AccountId, const NamedSecret&, const Moment&, Batch&);
    /// not_found: no such secret. conflict: an open job names it.
    Status remove_secret(AccountId, const std::string& name, const Moment&, Batch&);

    /// Notes the answer to a request that came with an Idempotency-Key.
    void remember_answer(const protocol::RequestAnswered&, Batch&);

    // --- providers -----------------------------------------------------------------------------

    /// A provider has proved its key: it is registered if it is new, its offer is published, it
    /// is online, and a welcome leaves for it. invalid: the offer. denied: the key is another
    /// account's. exhausted: the account has too many providers.
    Result<ProviderId> join(AccountId, const PublicKey&, protocol::Offer, const Moment&, Batch&);

    /// The session is closed. Its leases live on until they expire.
    void leave(ProviderId);

    /// What a provider says after it has joined. stale: the lease is over, or the message is old;
    /// denied: another provider's lease. Both are to be acknowledged all the same.
    Status hear(ProviderId, const protocol::session::FromProvider&, const Moment&, Batch&);

    // --- recovery and questions ----------------------------------------------------------------

    std::optional<Time> next_deadline() const;

    /// Whose key this is; nothing for a wrong or revoked one.
    std::optional<Principal> authenticate(std::string_view secret) const;

    const Settings& settings() const { return settings_; }
    const PublicKey& key() const { return signer_.public_key(); }

    /// Both sides of a match, as the rules ask them. The provider need not be online.
    Demand demand(const Job&) const;
    Supply supply(ProviderId) const;
    /// Whether the job would take room on the provider that is kept for another.
    bool is_kept_from(const Job&, ProviderId, Time now) const;

    /// When the first machine that fits one of the job's tasks has room at the latest; looks at no
    /// more than a few dozen, the cheapest.
    std::optional<Time> room_at(const Job&, Time now) const;

    /// The signed receipt of a job that has ended; not_found: it has not.
    Result<protocol::Receipt> receipt(JobId) const;

    /// Whether the account may read the blob: it has it, or it provides for a job that needs it.
    bool may_read(AccountId, const Hash&) const;

    /// The secrets that the market's key does not open. They are removed when it starts.
    std::vector<std::pair<AccountId, std::string>> lost_secrets() const;

    /// Since when the account's blob is gone; nothing if it is there, never was, or that was too
    /// long ago.
    std::optional<Time> dropped(AccountId, const Hash&) const;

private:
    struct Choice {
        ProviderId provider;
        Allowance allowance;
    };
    /// How an attempt ended, as far as the provider or the market can say.
    struct End {
        protocol::Reason reason = protocol::Reason::completed;
        std::string detail;
        std::vector<protocol::Artifact> artifacts;
        std::optional<protocol::Artifact> log;
        std::map<std::string, double> metrics;
    };
    /// Out of a job's hold, for its provider and for the market.
    struct Payment {
        std::string key;
        std::string fee_key;
        JobId job;
        LeaseId lease;
        ProviderId provider;
        ledger::Split parts;
    };

    /// The only way state changes: the event is applied and put into the batch.
    template <class T>
    void record(T event, Batch& batch) {
        on(event);
        batch.events.emplace_back(std::move(event));
    }
    /// Transfers that belong together; those of nothing are left out.
    void post(std::vector<ledger::TransferRequest>, const Moment&, Batch&);
    void pay(Payment, const Moment&, Batch&);
    void send(ProviderId, protocol::session::FromMarket, Batch&);

    Result<const Account*> unerased(AccountId) const;
    Status check_leaving(const Erasure&) const;
    bool is_last_operator(AccountId) const;
    Result<protocol::JobSubmitted> plan(AccountId, protocol::JobSpec, Time now) const;
    Status check_buyer(AccountId) const;
    Status check_funds(AccountId, const Need&, Time now) const;
    JobId begin_job(protocol::JobSubmitted, const Moment&, Batch&);
    void follow_needs(JobId ended, const Moment&, Batch&);
    void begin_step(JobId, const Moment&, Batch&);
    void reuse_results(JobId, const Moment&, Batch&);
    bool reuse_result(const Job&, const Task&, const Moment&, Batch&);

    Status check_inputs(AccountId, protocol::JobSpec&) const;
    Status check_providers(AccountId) const;
    Status check_secrets(AccountId, const protocol::JobSpec&) const;
    Result<std::string> open_secret(AccountId, const std::string& name, const Secret&) const;
    std::map<std::string, std::string> secrets_of(const Job&) const;
    void drop_lost_secrets(const Moment&, Batch&);
    Result<bool> is_new_output(const StoredBlob&) const;
    void drop_blobs(const Moment&, Batch&);
    Result<Lamports> hold_for(AccountId, const protocol::JobSpec&, std::size_t tasks) const;
    Result<Lamports> hold_by_quote(const Job&, std::size_t tasks) const;
    Status check_caps(const Job&, std::size_t tasks) const;

    void match(const Moment&, Batch&);
    void place_news(const Moment&, Batch&);
    void place_fresh(const Moment&, Batch&);
    bool place_one(JobId, const Moment&, Batch&);
    void serve(ProviderId, const Moment&, Batch&);
    void place_gangs(const Moment&, Batch&);
    bool place_gang(JobId, const Moment&, Batch&);
    std::optional<std::vector<Choice>> choose_gang(const Job&, const std::vector<TaskId>&,
                                                   Time now);
    std::optional<Choice> choose(const Job&, const Task&, Time now) const;
    std::optional<Time> waits_since(const Job&) const;
    std::optional<Time> next_look_round() const;
    void release_room();
    void keep_room(Time now);
    void keep_room_for(const Job&, Time now);
    void grant(const Task&, const Choice&, const Moment&, Batch&);
    protocol::session::Order order(const Attempt&, Time now) const;

    Result<LeaseId> held(LeaseId, ProviderId) const;
    Status hear_said(ProviderId, const protocol::session::Started&, const Moment&, Batch&);
    Status hear_said(ProviderId, const protocol::session::Exited&, const Moment&, Batch&);
    Status hear_said(ProviderId, const protocol::session::Finished&, const Moment&, Batch&);
    Status hear_said(ProviderId, const protocol::session::Alive&, const Moment&, Batch&);
    bool renew(LeaseId, const Moment&, Batch&);
    End checked(const Attempt&, const protocol::session::Finished&) const;
    static End impossible();

    void end_attempt(LeaseId, End, const Moment&, Batch&);
    void end_one(LeaseId, End, const Moment&, Batch&);
    void break_gang(TaskId, const Moment&, Batch&);
    void end_open_tasks(JobId, protocol::Reason, const Moment&, Batch&);
    void end_task(TaskId, protocol::Reason, const Moment&, Batch&);
    void end_job_if_done(JobId, const Moment&, Batch&);

    Settings settings_;
    SecretKey signer_;
    Time looked_round_{};                // when gangs and starving jobs were last looked at
    std::optional<Time> next_starving_;  // when another job will have waited for too long
};

}  // namespace shoal::market
