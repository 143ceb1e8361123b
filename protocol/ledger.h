#pragma once

// Money: the accounts of the ledger, its one event, what a statement shows, and prices.

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/id_map.h"
#include "core/json.h"

namespace shoal::protocol {

/// `issuer` is the operator's issue of credit, the only account that may be negative. `available`
/// is an account's to spend, `held` is set aside for a job, `fees` is the platform's.
enum class AccountKind { issuer, available, held, fees };
BOOST_DESCRIBE_ENUM(AccountKind, issuer, available, held, fees)

/// One account of the ledger. In JSON one string: "issuer", "fees", "available:acc_3",
/// "held:job_9".
struct LedgerAccount {
    AccountKind kind = AccountKind::issuer;
    std::uint64_t owner = 0;  // an account's number, a job's number, or zero

    static LedgerAccount issuer() { return {}; }
    static LedgerAccount fees() { return {AccountKind::fees, 0}; }
    static LedgerAccount available(AccountId id) { return {AccountKind::available, id.value}; }
    static LedgerAccount held(JobId id) { return {AccountKind::held, id.value}; }

    friend auto operator<=>(const LedgerAccount&, const LedgerAccount&) = default;
};

std::string to_string(const LedgerAccount&);

/// invalid: none of the four forms.
Result<LedgerAccount> parse_ledger_account(std::string_view text);

/// Why money moves. Each purpose leads from one kind of account to one other.
enum class TransferPurpose {
    credit_issued,       // issuer -> available
    credit_withdrawn,    // available -> issuer
    credit_transferred,  // available -> available
    hold_placed,         // available -> held
    hold_released,       // held -> available
    charge_provider,     // held -> available
    charge_fee,          // held -> fees
    fees_withdrawn,      // fees -> available
};
BOOST_DESCRIBE_ENUM(TransferPurpose, credit_issued, credit_withdrawn, credit_transferred,
                    hold_placed, hold_released, charge_provider, charge_fee, fees_withdrawn)

}  // namespace shoal::protocol

template <>
struct shoal::json::detail::Text<shoal::protocol::LedgerAccount> {
    static constexpr std::string_view wanted = R"(a ledger account like "available:acc_3")";
    static std::string pattern() {
        constexpr const char* number = "[1-9a-hjkmnp-tv-z][0-9a-hjkmnp-tv-z]{0,12}";
        return std::string("^(issuer|fees|available:acc_") + number + "|held:job_" + number + ")$";
    }
    static std::string write(const protocol::LedgerAccount& account) { return to_string(account); }
    static Result<protocol::LedgerAccount> read(std::string_view text) {
        return protocol::parse_ledger_account(text);
    }
};

namespace shoal::protocol {

/// Money has moved from one account to another. The key is unique in a ledger: whoever asks again
/// under the same key moves nothing.
struct TransferPosted {
    static constexpr const char* name = "transfer_posted";
    TransferId id;
    std::string key;
    TransferPurpose purpose = TransferPurpose::credit_issued;
    LedgerAccount from;
    LedgerAccount to;
    Lamports amount;
    JobId job;      // what it is for, where there is one
    LeaseId lease;  // likewise
    Time at;

    friend bool operator==(const TransferPosted&, const TransferPosted&) = default;
};
BOOST_DESCRIBE_STRUCT(TransferPosted, (), (id, key, purpose, from, to, amount, job, lease, at))

/// A transfer and what it left on both sides.
struct LedgerEntry {
    TransferPosted transfer;
    Lamports from_balance;
    Lamports to_balance;

    friend bool operator==(const LedgerEntry&, const LedgerEntry&) = default;
};
BOOST_DESCRIBE_STRUCT(LedgerEntry, (), (transfer, from_balance, to_balance))

/// One line of an account's statement: the transfer as this account saw it.
struct StatementLine {
    TransferPosted transfer;
    Lamports change;  // negative where this account paid; zero where its hold did
    Lamports balance;
    std::optional<TaskId> task{};  // what the lease, if there is one, was for, and with whom
    std::optional<ProviderId> provider{};

    friend bool operator==(const StatementLine&, const StatementLine&) = default;
};
BOOST_DESCRIBE_STRUCT(StatementLine, (), (transfer, change, balance, task, provider))

/// All that a ledger remembers, as it stands in a snapshot.
struct LedgerState {
    TransferId next{1};
    std::map<LedgerAccount, Lamports> balances;
    IdMap<TransferId, LedgerEntry> entries;

    friend bool operator==(const LedgerState&, const LedgerState&) = default;
};
BOOST_DESCRIBE_STRUCT(LedgerState, (), (next, balances, entries))

/// What a provider asks: lamports for a start, and per hour for the machine, a core, a GPU and a
/// GiB of memory.
struct Price {
    Lamports start;
    Lamports hour;
    Lamports core_hour;
    Lamports gpu_hour;
    Lamports gib_hour;

    friend bool operator==(const Price&, const Price&) = default;
};
BOOST_DESCRIBE_STRUCT(Price, (), (start, hour, core_hour, gpu_hour, gib_hour))

}  // namespace shoal::protocol
