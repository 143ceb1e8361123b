// GET /metrics: the market in numbers, as OpenMetrics text.

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "market/api/handlers.h"

namespace shoal::market::handlers {

namespace {

/// The text in the making: a family of samples after another.
class Exposition {
public:
    struct Family {
        std::string_view name;
        std::string_view type;
        std::string_view help;
        std::string_view unit = {};
    };

    void begin(const Family& family) {
        name_ = family.name;
        is_counter_ = family.type == "counter";
        text_ += fmt::format("# TYPE {} {}\n", name_, family.type);
        if (!family.unit.empty()) text_ += fmt::format("# UNIT {} {}\n", name_, family.unit);
        text_ += fmt::format("# HELP {} {}\n", name_, family.help);
    }

    template <class Number>
    void sample(Number value, std::string_view labels = {}) {
        text_ += fmt::format("{}{}{} {}\n", name_, is_counter_ ? "_total" : "", labels, value);
    }

    std::string finish() && { return std::move(text_) + "# EOF\n"; }

private:
    std::string text_;
    std::string_view name_;
    bool is_counter_ = false;
};

/// A sample for each value of an enumeration, those of which there is nothing too.
template <class Enum, class Count>
void write_by_state(Exposition& out, Count count) {
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<Enum>>(
        [&](auto one) { out.sample(count(one.value), fmt::format("{{state=\"{}\"}}", one.name)); });
}

template <class Key>
std::uint64_t count_of(const std::map<Key, std::uint64_t>& counts, Key key) {
    const auto found = counts.find(key);
    return found == counts.end() ? 0 : found->second;
}

void write_work(const Market& market, Exposition& out) {
    const Index& index = market.index();
    const Tally& tally = index.tally();
    out.begin({"shoal_jobs", "gauge", "Jobs by state."});
    write_by_state<protocol::JobState>(
        out, [&](protocol::JobState state) { return index.jobs(state).size(); });
    out.begin({"shoal_tasks", "gauge", "Tasks by state."});
    write_by_state<protocol::TaskState>(
        out, [&](protocol::TaskState state) { return count_of(tally.tasks, state); });
    out.begin({"shoal_workflows", "gauge", "Workflows that were ever submitted."});
    out.sample(market.state().workflows.size());
    out.begin({"shoal_attempts", "gauge", "Attempts by phase."});
    for (const auto& [phase, count] : tally.attempts) {
        out.sample(count,
                   fmt::format("{{phase=\"{}\"}}", boost::describe::enum_to_string(phase, "")));
    }
    out.begin({"shoal_attempts_ended", "counter", "Attempts that ended, by reason."});
    for (const auto& [reason, count] : tally.ends) {
        out.sample(count, fmt::format("{{reason=\"{}\"}}", protocol::to_string(reason)));
    }
}

void write_providers(const Market& market, Exposition& out) {
    std::uint64_t online = 0;
    std::uint64_t cores = 0;
    std::uint64_t cores_used = 0;
    for (const auto& [id, provider] : market.state().providers) {
        if (!market.online(id)) continue;
        ++online;
        cores += provider.offer.capacity.cores;
        cores_used += market.index().usage(id).cores;
    }
    out.begin({"shoal_providers", "gauge", "Registered providers."});
    out.sample(market.state().providers.size());
    out.begin({"shoal_providers_online", "gauge", "Providers with an open session."});
    out.sample(online);
    out.begin({"shoal_cores_offered", "gauge", "Cores that providers online offer."});
    out.sample(cores);
    out.begin({"shoal_cores_leased", "gauge", "Cores of theirs that live attempts use."});
    out.sample(cores_used);
}

void write_money(const Market& market, Exposition& out) {
    std::map<protocol::AccountKind, Lamports> sums;
    for (const auto& [account, balance] : market.ledger().state().balances) {
        Lamports& sum = sums[account.kind];
        sum = sum + balance;
    }
    out.begin({"shoal_credit_lamports", "gauge", "Credit by kind of ledger account.", "lamports"});
    for (const auto& [kind, sum] : sums) {
        out.sample(sum.value,
                   fmt::format("{{kind=\"{}\"}}", boost::describe::enum_to_string(kind, "")));
    }
}

void write_accounts(const Market& market, Exposition& out) {
    const auto& accounts = market.state().accounts;
    out.begin({"shoal_accounts", "gauge", "Accounts."});
    out.sample(accounts.size());
    out.begin({"shoal_accounts_frozen", "gauge", "Accounts that may begin nothing."});
    out.sample(std::ranges::count_if(
        accounts, [](const auto& entry) { return entry.second.frozen.has_value(); }));
}

}  // namespace

Result<ApiAnswer> metrics(const Call& call) {
    Exposition out;
    write_work(call.market, out);
    write_providers(call.market, out);
    write_money(call.market, out);
    write_accounts(call.market, out);
    out.begin({"shoal_blob_bytes", "gauge", "Stored blobs.", "bytes"});
    out.sample(call.market.index().tally().blob_bytes);
    ApiAnswer answer;
    answer.headers["content-type"] = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    answer.body = std::move(out).finish();
    return answer;
}

}  // namespace shoal::market::handlers
