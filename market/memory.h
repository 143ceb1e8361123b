#pragma once

#include <map>
#include <set>

#include "core/hash.h"
#include "core/time.h"
#include "ledger/ledger.h"
#include "market/answers.h"
#include "market/blob_holds.h"
#include "market/dispatch.h"
#include "market/index.h"
#include "market/quotas.h"
#include "market/reservations.h"
#include "market/state.h"
#include "protocol/events.h"

namespace shoal::market {

/// What a market knows: the state, and all that is found again from it to answer fast.
///
/// Only events change it. apply() cannot fail and decides nothing, so a journal of events gives
/// the same memory again; Market decides which events happen.
///
/// Presence, and the room that is kept for starving jobs, are not in the state: after a restart
/// nobody is online and nothing is kept.
class Memory {
public:
    void apply(const protocol::Event&);

    /// Without the ledger's part, which ledger() has; snapshot() has both.
    const State& state() const { return state_; }
    State snapshot() const;
    const ledger::Ledger& ledger() const { return ledger_; }
    const Index& index() const { return index_; }
    const Spending& spending() const { return spending_; }
    const Dispatch& dispatch() const { return dispatch_; }
    const Reservations& reservations() const { return reservations_; }
    bool online(ProviderId provider) const { return online_.contains(provider); }
    bool draining(ProviderId provider) const;

    /// Money is conserved, holds cover what they must, every index agrees with the state.
    void check_invariants() const;

protected:
    struct Presence {
        bool draining = false;
    };

    explicit Memory(const Retention&);
    Memory(const Retention&, State);

    void on(const protocol::MarketStarted&);
    void on(const protocol::AccountCreated&);
    void on(const protocol::KeyCreated&);
    void on(const protocol::KeyRevoked&);
    void on(const protocol::RequestAnswered&);
    void on(const protocol::BlobStored&);
    void on(const protocol::BlobDropped&);
    void on(const protocol::TransferPosted&);
    void on(const protocol::ProviderRegistered&);
    void on(const protocol::OfferPublished&);
    void on(const protocol::JobSubmitted&);
    void on(const protocol::LeaseGranted&);
    void on(const protocol::LeaseRenewed&);
    void on(const protocol::AttemptStarted&);
    void on(const protocol::AttemptExited&);
    void on(const protocol::AttemptEnded&);
    void on(const protocol::TaskRequeued&);
    void on(const protocol::TaskEnded&);
    void on(const protocol::JobEnded&);
    void on(const protocol::ReceiptIssued&);
    void on(const protocol::AccountWeighted&);
    void on(const protocol::ProviderVerified&);
    void on(const protocol::AccountLimited&);
    void on(const protocol::KeyLimited&);
    void on(const protocol::AccountFrozen&);
    void on(const protocol::AccountErased&);
    void on(const protocol::OperatorActed&);
    void on(const protocol::WorkflowSubmitted&);
    void on(const protocol::InputsResolved&);
    void on(const protocol::TaskReused&);
    void on(const protocol::SecretSet&);
    void on(const protocol::SecretRemoved&);

    /// Of an account that is no more.
    void forget_secrets(AccountId account) { state_.secrets.erase(account); }

    /// What is online and takes work can be found by those who wait.
    void show(ProviderId);

    Retention retention_;
    ledger::Ledger ledger_;
    State state_;  // its ledger is empty: that lies in ledger_
    Index index_;
    Dispatch dispatch_;
    Reservations reservations_;
    BlobHolds holds_;
    Spending spending_;
    std::set<AccountId> leaving_;  // erased accounts whose blobs are not dropped yet
    Answers answers_;
    std::map<ProviderId, Presence> online_;
    Time ticked_{};
    bool has_changed_ = true;  // since gangs and starving jobs were last looked at

private:
    void count_use(const Job&, Duration held);
    void forget_dropped(const Hash&, AccountId);
    void forget_person(AccountId);
    void forget_answers(AccountId);
    void check_blob_bytes() const;
    void count_secrets(const Job&, bool begins);
    void check_secrets() const;
    void check_dispatch() const;
};

}  // namespace shoal::market
