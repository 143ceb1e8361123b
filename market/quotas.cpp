#include "market/quotas.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "core/check.h"
#include "core/limits.h"
#include "core/text.h"

namespace shoal::market {

using protocol::AccountLimits;

namespace {

constexpr Lamports all_there_is{std::numeric_limits<std::int64_t>::max()};

std::int64_t day_of(Time time) {
    return std::chrono::floor<std::chrono::days>(time.time_since_epoch()).count();
}

Lamports sum(Lamports a, Lamports b) {
    const auto whole = add(a, b);
    return whole.ok() ? whole.value() : all_there_is;
}

template <class T>
std::optional<T> lesser(const std::optional<T>& a, const std::optional<T>& b) {
    if (!a || !b) return a ? a : b;
    return std::min(*a, *b);
}

std::string to_text(Lamports amount) {
    return to_decimal(amount) + " credit";
}

std::string to_text(std::uint64_t number) {
    return std::to_string(number);
}

template <class T>
Status check_one(std::string_view name, const std::optional<T>& most, T used, T needed) {
    if (!most) return Done{};
    const bool fits = used <= *most && needed.value <= most->value - used.value;
    if (fits) return Done{};
    return Error{Code::exhausted,
                 fmt::format("{}: the account's limit is {}, of which {} is used; the job needs {}",
                             name, to_text(*most), to_text(used), to_text(needed))};
}

/// A count, so that it is compared like an amount.
struct Count {
    std::uint64_t value = 0;
    friend auto operator<=>(Count, Count) = default;
};

std::string to_text(Count count) {
    return to_text(count.value);
}

std::optional<Count> count_of(const std::optional<std::uint64_t>& number) {
    if (!number) return std::nullopt;
    return Count{*number};
}

template <class T>
Status check_below(std::string_view name, const std::optional<T>& own,
                   const std::optional<T>& operators, const std::string& shown) {
    if (!own || !operators || *own <= *operators) return Done{};
    return Error{Code::denied,
                 fmt::format("{}: expected at most what the operator allows, {}", name, shown)};
}

Status check_amount(std::string_view name, const std::optional<Lamports>& amount) {
    if (!amount || *amount >= Lamports{}) return Done{};
    return Error{Code::invalid,
                 fmt::format("{}: expected zero or more, got {}", name, to_string(*amount))};
}

}  // namespace

Lamports Spent::placed_on(Time now) const {
    return day_of(now) == day ? placed : Lamports{};
}

// --- Spending ------------------------------------------------------------------------------------

Spending::Spending(const State& state) {
    for (const auto& [id, job] : state.jobs) {
        job_begun(job);
        if (job.ended) job_ended(job);
    }
}

void Spending::job_begun(const Job& job) {
    Spent& it = accounts_[job.account];
    it.spent = sum(it.spent, job.charged);
    it.held = it.held + (job.hold - job.charged);
    const std::int64_t day = day_of(job.submitted);
    if (it.day != day) it.placed = Lamports{};
    it.day = day;
    it.placed = sum(it.placed, job.hold);
    ++it.jobs_open;
    it.tasks_open += job.tasks_open;
}

void Spending::attempt_charged(AccountId account, Lamports charge) {
    Spent& it = accounts_.at(account);
    it.spent = sum(it.spent, charge);
    it.held = it.held - charge;
}

void Spending::task_ended(AccountId account) {
    Spent& it = accounts_.at(account);
    check(it.tasks_open > 0);
    --it.tasks_open;
}

void Spending::job_ended(const Job& job) {
    Spent& it = accounts_.at(job.account);
    const Lamports returned = job.hold - job.charged;
    it.held = it.held - returned;
    if (it.day == day_of(job.submitted)) it.placed = it.placed - returned;
    check(it.jobs_open > 0);
    --it.jobs_open;
}

const Spent& Spending::of(AccountId account) const {
    static const Spent nothing;
    const auto found = accounts_.find(account);
    return found == accounts_.end() ? nothing : found->second;
}

// --- limits --------------------------------------------------------------------------------------

AccountLimits most(const Account& account) {
    const AccountLimits& market = account.limits;
    const AccountLimits& own = account.own_limits;
    AccountLimits all;
    all.budget_total = lesser(market.budget_total, own.budget_total);
    all.budget_day = lesser(market.budget_day, own.budget_day);
    all.jobs_open = lesser(market.jobs_open, own.jobs_open);
    all.tasks_open = lesser(
        std::optional(market.tasks_open.value_or(limits::tasks_open_per_account)), own.tasks_open);
    all.blobs = lesser(std::optional(market.blobs.value_or(limits::account_blobs)), own.blobs);
    return all;
}

Status check_quota(const AccountLimits& limits, const Spent& spent, const Need& need, Time now) {
    TRY(check_one("budget_total", limits.budget_total, sum(spent.spent, spent.held), need.hold));
    TRY(check_one("budget_day", limits.budget_day, spent.placed_on(now), need.hold));
    TRY(check_one("jobs_open", count_of(limits.jobs_open), Count{spent.jobs_open},
                  Count{need.jobs}));
    TRY(check_one("tasks_open", count_of(limits.tasks_open), Count{spent.tasks_open},
                  Count{need.tasks}));
    return Done{};
}

Status check_blob_space(const Account& account, std::uint64_t size_bytes, BlobFrom from) {
    Size limit = most(account).blobs.value();
    if (from == BlobFrom::attempt) limit = std::max(limit, limits::account_blobs);
    const std::uint64_t used = account.blob_bytes;
    if (used <= limit.bytes && size_bytes <= limit.bytes - used) return Done{};
    return Error{Code::exhausted,
                 fmt::format("blobs: the account's limit is {}, of which {} bytes are used; this "
                             "one needs {}",
                             to_string(limit), used, size_bytes)};
}

Status check_blobs_kept(const Account& account) {
    const Size limit = most(account).blobs.value();
    if (account.blob_bytes <= limit.bytes) return Done{};
    return Error{Code::exhausted,
                 fmt::format("blobs: the account's limit is {}, and it has {} bytes; no job begins "
                             "until some are dropped",
                             to_string(limit), account.blob_bytes)};
}

Status check_open(const Account& account) {
    if (account.erased) return Error{Code::denied, "the account was erased"};
    if (!account.frozen) return Done{};
    return Error{Code::denied, "the account is frozen: " + to_display(*account.frozen)};
}

Status check_limits(const AccountLimits& wanted, protocol::LimitedBy by, const Account& account) {
    TRY(check_amount("budget_total", wanted.budget_total));
    TRY(check_amount("budget_day", wanted.budget_day));
    if (by == protocol::LimitedBy::market) return Done{};
    const AccountLimits& market = account.limits;
    const auto shown = [](const auto& limit) { return limit ? to_text(*limit) : ""; };
    TRY(check_below("budget_total", wanted.budget_total, market.budget_total,
                    shown(market.budget_total)));
    TRY(check_below("budget_day", wanted.budget_day, market.budget_day, shown(market.budget_day)));
    TRY(check_below("jobs_open", wanted.jobs_open, market.jobs_open, shown(market.jobs_open)));
    TRY(check_below("tasks_open", wanted.tasks_open, market.tasks_open, shown(market.tasks_open)));
    const Size blobs = market.blobs.value_or(limits::account_blobs);
    TRY(check_below("blobs", wanted.blobs, std::optional(blobs), to_string(blobs)));
    return Done{};
}

}  // namespace shoal::market
