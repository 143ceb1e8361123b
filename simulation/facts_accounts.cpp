// What accounts may do: limits, freezing, and the end of one.

#include "simulation/facts.h"
#include "simulation/facts_expect.h"

namespace shoal::simulation {

using protocol::AccountLimits;
using protocol::LedgerAccount;

std::int64_t Facts::day_of(Time time) {
    constexpr std::int64_t day_ms = 86'400'000;
    return time.time_since_epoch().count() / day_ms;
}

template <class T, class Limit>
void Facts::keeps(AccountId account, const T& used, Limit AccountLimits::* limit,
                  const char* promise) {
    const Standing& standing = standings_[account];
    for (const AccountLimits* limits : {&standing.market, &standing.own}) {
        const auto& most = limits->*limit;
        expect(!most || used <= *most, promise, account);
    }
}

void Facts::check_submitted(const protocol::JobSubmitted& event) {
    Standing& standing = standings_[event.account];
    expect(!standing.frozen && !standing.erased, "who is frozen submits nothing", event.job);
    ++standing.jobs_open;
    standing.tasks_open += event.tasks.size();
    keeps(event.account, standing.jobs_open, &AccountLimits::jobs_open,
          "no more jobs are open than the account may have");
    keeps(event.account, standing.tasks_open, &AccountLimits::tasks_open,
          "no more tasks are open than the account may have");
}

void Facts::check_granted(AccountId buyer, AccountId seller, LeaseId lease) {
    const bool is_open = !standings_[buyer].frozen && !standings_[seller].frozen &&
                         !standings_[buyer].erased && !standings_[seller].erased;
    expect(is_open, "nothing begins for who is frozen", lease);
}

void Facts::count_hold(AccountId account, const Job& job, Lamports amount) {
    Standing& standing = standings_[account];
    standing.committed = standing.committed + amount;
    if (standing.day != day_of(job.submitted)) standing.placed = Lamports{};
    standing.day = day_of(job.submitted);
    standing.placed = standing.placed + amount;
    keeps(account, standing.committed, &AccountLimits::budget_total,
          "no more is set aside than the account's budget");
    keeps(account, standing.placed, &AccountLimits::budget_day,
          "no more is set aside in a day than the account's budget of one");
}

void Facts::count_release(AccountId account, const Job& job, Lamports amount) {
    Standing& standing = standings_[account];
    standing.committed = standing.committed - amount;
    if (standing.day == day_of(job.submitted)) standing.placed = standing.placed - amount;
}

void Facts::note(const protocol::AccountLimited& event) {
    at(event.at);
    Standing& standing = standings_[event.account];
    const bool is_own = event.by == protocol::LimitedBy::account;
    (is_own ? standing.own : standing.market) = event.limits;
}

void Facts::note(const protocol::KeyLimited& event) {
    at(event.at);
    expect(keys_.contains(event.key), "a limited key was made", event.key);
}

void Facts::note(const protocol::AccountFrozen& event) {
    at(event.at);
    expect(!standings_[event.account].erased, "who was erased is not frozen", event.account);
    standings_[event.account].frozen = event.frozen;
}

void Facts::note(const protocol::AccountErased& event) {
    at(event.at);
    Standing& standing = standings_[event.account];
    expect(!standing.erased, "an account is erased once", event.account);
    standing.erased = true;
    standing.frozen = false;
    expect(standing.jobs_open == 0, "who is erased has no open job", event.account);
    expect(balances_[LedgerAccount::available(event.account)] == Lamports{},
           "who is erased has no credit", event.account);
}

void Facts::note(const protocol::OperatorActed& event) {
    at(event.at);
    expect(event.action.value == ++actions_, "actions are counted without a gap", event.action);
    expect(keys_.contains(event.key), "a key has acted", event.key);
}

bool Facts::is_erased(AccountId account) const {
    const auto found = standings_.find(account);
    return found != standings_.end() && found->second.erased;
}

}  // namespace shoal::simulation
