#pragma once

// The subcommands about what accounts may do, their statements, and what operators did.

#include <cstdint>
#include <optional>
#include <string>

#include "apps/commands.h"

namespace shoal::apps {

struct StatementOptions {
    std::string account;  // empty: the account that asks
    std::string since;    // a date
    std::string until;
    bool csv = false;
    bool lines = false;  // of JSON
};
Result<Exit> show_statement(Context&, const StatementOptions&);

/// What is not named stays as it is; "none" takes a limit away.
struct LimitOptions {
    std::string account;
    std::string budget_total;
    std::string budget_day;
    std::string jobs;
    std::string tasks;
    std::string blobs;
};
Result<Exit> limit_account(Context&, const LimitOptions&);

struct StandingOptions {
    std::string account;  // empty: the account that asks
    std::string reason;
    std::string to;
    std::string amount;
    bool gives_up_balance = false;
    bool is_sure = false;
};
Result<Exit> freeze_account(Context&, const StandingOptions&);
Result<Exit> unfreeze_account(Context&, const StandingOptions&);
Result<Exit> transfer_credit(Context&, const StandingOptions&);
Result<Exit> erase_account(Context&, const StandingOptions&);

struct RateOptions {
    std::string key;
    std::optional<std::uint32_t> per_second;
    std::optional<std::uint32_t> burst;
};
Result<Exit> limit_key(Context&, const RateOptions&);

struct AuditOptions {
    std::string subject;
    std::uint32_t count = 50;
};
Result<Exit> show_audit(Context&, const AuditOptions&);

}  // namespace shoal::apps
