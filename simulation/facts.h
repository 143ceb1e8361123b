#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/hash.h"
#include "core/id.h"
#include "core/lamports.h"
#include "core/time.h"
#include "ledger/ledger.h"
#include "protocol/events.h"

namespace shoal::simulation {

/// What the events alone say, counted by other means than the market's own, and every promise that
/// can be held against the next event: books sum to zero, no balance below zero, no task paid
/// twice, one live lease of a task, no provider filled beyond its offer, money only for what ran,
/// no account beyond its limits, nothing begun for one that is frozen.
/// Each event costs little, so each one is looked at.
class Facts {
public:
    void on(const protocol::Event&);

    /// The first promise that an event broke; empty: none.
    const std::string& broken() const { return broken_; }
    std::uint64_t events() const { return events_; }

    bool has_account(AccountId) const;
    bool is_erased(AccountId) const;
    bool has_job(JobId) const;
    bool has_lease(LeaseId) const;
    bool is_over(LeaseId) const;
    bool has_started(LeaseId) const;
    bool has_exited(LeaseId) const;
    bool has_blob(AccountId, const Hash&) const;
    bool has_answer(AccountId, const std::string& key) const;
    ProviderId provider_of(LeaseId) const;
    protocol::Reason reason_of(LeaseId) const;
    Lamports credited(AccountId) const;

    /// The accounts that transfers touched since the last call, with what they have now.
    std::map<protocol::LedgerAccount, Lamports> take_touched();
    const std::map<protocol::LedgerAccount, Lamports>& balances() const { return balances_; }

    /// Every job has ended and is paid; nothing is leased.
    bool is_settled() const { return jobs_open_ == 0 && leases_live_ == 0; }
    bool is_anything_leased() const { return leases_live_ > 0; }
    std::uint64_t jobs() const { return jobs_.size(); }

private:
    struct Lease {
        JobId job;
        TaskId task;
        ProviderId provider;
        Lamports reserve;
        Time granted;
        Time deadline;
        Duration time_max{};
        bool started = false;
        bool exited = false;
        bool ended = false;
        Lamports charge;
        Lamports paid;
        protocol::Reason reason = protocol::Reason::completed;
    };
    struct Task {
        JobId job;
        LeaseId live;
        bool ended = false;
        bool paid = false;
        std::uint32_t retries = 0;
    };
    struct Job {
        AccountId account;
        protocol::Resources resources;
        std::uint32_t retries = 0;
        Lamports hold;
        Lamports reserved;
        Lamports owed;  // charged, and not yet moved
        std::size_t tasks_open = 0;
        bool held = false;
        Time submitted;
        bool ended = false;
        bool receipt = false;
        bool finished = false;
        bool waits = false;  // for what it needs
        std::vector<Hash> inputs;
        std::map<JobId, protocol::OnFailure> needs;
        std::vector<std::string> secrets;
    };
    struct Provider {
        AccountId account;
        protocol::Offer offer;
        std::uint64_t cores = 0;
        std::uint64_t memory_bytes = 0;
        std::uint64_t disk_bytes = 0;
        std::uint64_t attempts = 0;
    };

    void note(const protocol::MarketStarted&);
    void note(const protocol::AccountCreated&);
    void note(const protocol::KeyCreated&);
    void note(const protocol::KeyRevoked&);
    void note(const protocol::RequestAnswered&);
    void note(const protocol::BlobStored&);
    void note(const protocol::BlobDropped&);
    void note(const protocol::TransferPosted&);
    void note(const protocol::ProviderRegistered&);
    void note(const protocol::OfferPublished&);
    void note(const protocol::JobSubmitted&);
    void note(const protocol::LeaseGranted&);
    void note(const protocol::LeaseRenewed&);
    void note(const protocol::AttemptStarted&);
    void note(const protocol::AttemptExited&);
    void note(const protocol::AttemptEnded&);
    void note(const protocol::TaskRequeued&);
    void note(const protocol::TaskEnded&);
    void note(const protocol::JobEnded&);
    void note(const protocol::ReceiptIssued&);
    void note(const protocol::AccountWeighted&);
    void note(const protocol::ProviderVerified&);
    void note(const protocol::AccountLimited&);
    void note(const protocol::KeyLimited&);
    void note(const protocol::AccountFrozen&);
    void note(const protocol::AccountErased&);
    void note(const protocol::OperatorActed&);

    /// What an account may do, and what it does of that.
    struct Standing {
        bool frozen = false;
        bool erased = false;
        protocol::AccountLimits market;
        protocol::AccountLimits own;
        Lamports committed;     // placed in holds, less what was released of them
        std::int64_t day = -1;  // of the hold that was placed last
        Lamports placed;        // on that day, less what was released of that
        std::uint64_t jobs_open = 0;
        std::uint64_t tasks_open = 0;
    };
    void check_submitted(const protocol::JobSubmitted&);
    void check_granted(AccountId buyer, AccountId seller, LeaseId);
    void count_hold(AccountId, const Job&, Lamports);
    void count_release(AccountId, const Job&, Lamports);
    template <class T, class Limit>
    void keeps(AccountId, const T& used, Limit protocol::AccountLimits::* limit,
               const char* promise);
    static std::int64_t day_of(Time);
    void note(const protocol::WorkflowSubmitted&);
    void note(const protocol::InputsResolved&);
    void note(const protocol::TaskReused&);
    void note(const protocol::SecretSet&);
    void note(const protocol::SecretRemoved&);

    template <class About>
    void expect(bool, const char* promise, const About& about);
    template <class T, class Tag>
    T* find(std::map<Id<Tag>, T>&, Id<Tag>);
    void occupy(Provider&, const protocol::Resources&);
    static void vacate(Provider&, const protocol::Resources&);
    void at(Time);
    void move(const protocol::TransferPosted&);
    void pay(const protocol::TransferPosted&);
    void pay_charge(const protocol::TransferPosted&);
    void need_blobs(const protocol::JobInput&, Job&);
    void end_lease(Lease&, const protocol::AttemptEnded&);

    std::string broken_;
    std::uint64_t events_ = 0;
    Time now_{};
    std::set<AccountId> accounts_;
    std::map<AccountId, Standing> standings_;
    std::uint64_t actions_ = 0;
    std::set<KeyId> keys_;
    std::set<std::pair<AccountId, std::string>> answered_;
    std::map<std::pair<AccountId, Hash>, std::uint64_t> blobs_;  // stored, and how many need it
    std::map<std::pair<AccountId, std::string>, std::uint64_t> secrets_;  // open jobs that name it
    std::map<protocol::LedgerAccount, Lamports> balances_;
    std::map<protocol::LedgerAccount, Lamports> touched_;
    std::map<AccountId, Lamports> credited_;
    std::set<std::string> credit_keys_;
    std::uint64_t transfers_ = 0;
    std::map<ProviderId, Provider> providers_;
    std::map<JobId, Job> jobs_;
    std::map<TaskId, Task> tasks_;
    std::map<LeaseId, Lease> leases_;
    std::uint64_t jobs_open_ = 0;
    std::uint64_t leases_live_ = 0;
    std::uint64_t receipts_ = 0;
    std::map<WorkflowId, std::map<std::string, JobId>> workflows_;
};

}  // namespace shoal::simulation
