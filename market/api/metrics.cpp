// GET /metrics: the market in numbers, as OpenMetrics text.

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

/// How many of a map's things have each value of an enumeration; all its names are there.
template <class Enum, class Map, class Member>
void count_by_state(Exposition& out, const Map& things, Member member) {
    std::map<std::string_view, std::uint64_t> counts;
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<Enum>>(
        [&](auto one) { counts[one.name] = 0; });
    for (const auto& [id, thing] : things) {
        ++counts[boost::describe::enum_to_string(thing.*member, "")];
    }
    for (const auto& [state, count] : counts) {
        out.sample(count, fmt::format("{{state=\"{}\"}}", state));
    }
}

void write_work(const Market& market, Exposition& out) {
    const State& state = market.state();
    out.begin({"shoal_jobs", "gauge", "Jobs by state."});
    count_by_state<protocol::JobState>(out, state.jobs, &Job::state);
    out.begin({"shoal_tasks", "gauge", "Tasks by state."});
    count_by_state<protocol::TaskState>(out, state.tasks, &Task::state);
    out.begin({"shoal_attempts", "gauge", "Attempts by phase."});
    std::map<std::string_view, std::uint64_t> reasons;
    std::map<Phase, std::uint64_t> phases;
    for (const auto& [id, attempt] : state.attempts) {
        ++phases[attempt.phase];
        if (attempt.phase == Phase::ended) ++reasons[protocol::to_string(attempt.reason)];
    }
    for (const auto& [phase, count] : phases) {
        out.sample(count,
                   fmt::format("{{phase=\"{}\"}}", boost::describe::enum_to_string(phase, "")));
    }
    out.begin({"shoal_attempts_ended", "counter", "Attempts that ended, by reason."});
    for (const auto& [reason, count] : reasons) {
        out.sample(count, fmt::format("{{reason=\"{}\"}}", reason));
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

}  // namespace

Result<ApiAnswer> metrics(const Call& call) {
    Exposition out;
    write_work(call.market, out);
    write_providers(call.market, out);
    write_money(call.market, out);
    out.begin({"shoal_accounts", "gauge", "Accounts."});
    out.sample(call.market.state().accounts.size());
    out.begin({"shoal_blob_bytes", "gauge", "Stored blobs.", "bytes"});
    std::uint64_t bytes = 0;
    for (const auto& [hash, blob] : call.market.state().blobs) bytes += blob.size_bytes;
    out.sample(bytes);
    ApiAnswer answer;
    answer.headers["content-type"] = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    answer.body = std::move(out).finish();
    return answer;
}

}  // namespace shoal::market::handlers
