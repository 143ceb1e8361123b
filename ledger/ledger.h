#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "protocol/ledger.h"

namespace shoal::ledger {

/// What is asked of the ledger. The key makes a repetition harmless; job and lease say what the
/// money is for, the job must be that of a held account.
struct TransferRequest {
    std::string key;
    protocol::TransferPurpose purpose = protocol::TransferPurpose::credit_issued;
    protocol::LedgerAccount from;
    protocol::LedgerAccount to;
    Lamports amount;
    JobId job;
    LeaseId lease;
};

/// Who has how much, and how it came to that.
///
/// Money only ever moves from one account to another, so the sum of all balances is zero after
/// every event. Each transfer has an amount above zero, a purpose that fits its two accounts, and
/// a key under which it is posted once. No balance falls below zero but the issuer's, whose debt is
/// the credit in circulation. A hold is an account like any other: the job's.
///
/// Questions are const; their answer is an event or a refusal that changes nothing. Only apply()
/// changes state: it cannot fail and decides nothing.
class Ledger {
public:
    Ledger() = default;

    /// A ledger as a snapshot has it. corrupt: the state contradicts itself.
    static Result<Ledger> restore(protocol::LedgerState);

    /// exhausted: the payer has less than the amount, or a sum does not fit 64 bits. invalid: the
    /// amount is not above zero, the key is empty or too long, the accounts do not fit the purpose.
    /// conflict: the key was used before; earlier() tells whether for the same.
    Result<protocol::TransferPosted> transfer(const TransferRequest&, Time now) const;

    /// Several transfers, all or none; each sees the balances that those before it leave. Refuses
    /// like transfer(). They must be applied in order and without another between them.
    Result<std::vector<protocol::TransferPosted>> transfer_all(const std::vector<TransferRequest>&,
                                                               Time now) const;

    /// What was posted under the request's key: the first answer to a repetition. Null if nothing.
    /// conflict: it was another transfer.
    Result<const protocol::TransferPosted*> earlier(const TransferRequest&) const;

    void apply(const protocol::TransferPosted&);

    /// What was posted under a key; null if nothing.
    const protocol::TransferPosted* find(std::string_view key) const;

    Lamports balance(const protocol::LedgerAccount&) const;

    /// The account's lines above `after`, oldest first; zero begins at the start. What was charged
    /// to its holds stands there too, as a line that changes nothing: the money was set aside.
    std::vector<protocol::StatementLine> statement(const protocol::LedgerAccount&, TransferId after,
                                                   std::size_t limit) const;

    /// The account's last line before that time; zero if there is none.
    TransferId last_before(const protocol::LedgerAccount&, Time) const;

    /// Of all balances. Always zero.
    Lamports sum() const;

    const protocol::LedgerState& state() const { return state_; }

    /// In time that grows with the accounts; restore(state()) also follows every entry.
    void check_invariants() const;

    friend bool operator==(const Ledger&, const Ledger&) = default;

private:
    void index(const protocol::TransferPosted&);
    Lamports balance_before(const protocol::LedgerAccount&, const std::vector<TransferId>&,
                            std::size_t place) const;

    protocol::LedgerState state_;

    // Found again from the state. Every key is kept as long as its entry, for ever so far: what
    // forgets an entry must forget it here, and only then may its key be used anew.
    std::map<std::string, TransferId, std::less<>> by_key_;
    std::map<protocol::LedgerAccount, std::vector<TransferId>> by_account_;    // ascending
    std::map<protocol::LedgerAccount, protocol::LedgerAccount> set_aside_by_;  // a hold's owner
};

}  // namespace shoal::ledger
