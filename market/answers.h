#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/id.h"
#include "core/time.h"
#include "market/state.h"

namespace shoal::market {

/// Which of the answers that came with an Idempotency-Key are to be forgotten: those that are too
/// old, and the oldest of an account that has very many. Found again from the state.
class Answers {
public:
    struct Limits {
        Duration life{};
        std::size_t per_account = 0;
    };

    explicit Answers(Limits limits) : limits_(limits) {}
    Answers(Limits, const State&);

    /// What the state's `answered` calls an answer.
    static std::string name_of(AccountId, std::string_view route, std::string_view key);

    /// A name that was there is from now on as old as this.
    void add(AccountId, const std::string& name, Time);

    /// What is to be forgotten now: it is forgotten here, and must be in the state.
    std::vector<std::string> take_due(AccountId, Time now);

    std::size_t size() const { return by_age_.size(); }

    friend bool operator==(const Answers& a, const Answers& b) { return a.by_age_ == b.by_age_; }

private:
    using Age = std::pair<Time, std::string>;
    void remove(AccountId, const Age&);

    Limits limits_;
    std::map<Age, AccountId> by_age_;
    std::map<AccountId, std::set<Age>> own_;
    std::map<std::string, Time> ages_;
};

}  // namespace shoal::market
