#include "market/answers.h"

#include <fmt/format.h>

#include "core/check.h"

namespace shoal::market {

Answers::Answers(Limits limits, const State& state) : limits_(limits) {
    for (const auto& [name, answered] : state.answered) {
        const auto account = parse_id<AccountTag>(name.substr(0, name.find(' ')));
        add(account.value(), name, answered.at);
    }
}

std::string Answers::name_of(AccountId account, std::string_view route, std::string_view key) {
    return fmt::format("{} {} {}", to_string(account), route, key);
}

void Answers::add(AccountId account, const std::string& name, Time at) {
    const auto known = ages_.find(name);
    if (known != ages_.end()) remove(account, {known->second, name});
    ages_.insert_or_assign(name, at);
    by_age_.emplace(Age{at, name}, account);
    own_[account].emplace(at, name);
}

std::vector<std::string> Answers::take_due(AccountId account, Time now) {
    std::vector<std::string> due;
    const auto take = [&](AccountId of, Age age) {
        remove(of, age);
        due.push_back(std::move(age.second));
    };
    while (!by_age_.empty() && by_age_.begin()->first.first + limits_.life <= now) {
        take(by_age_.begin()->second, by_age_.begin()->first);
    }
    for (auto own = own_.find(account); own != own_.end(); own = own_.find(account)) {
        if (own->second.size() <= limits_.per_account) break;
        take(account, *own->second.begin());
    }
    return due;
}

void Answers::remove(AccountId account, const Age& age) {
    check(by_age_.erase(age) == 1 && ages_.erase(age.second) == 1);
    const auto own = own_.find(account);
    check(own != own_.end() && own->second.erase(age) == 1);
    if (own->second.empty()) own_.erase(own);
}

}  // namespace shoal::market
