#include "apps/results.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "apps/follow.h"
#include "apps/words.h"
#include "core/text.h"

namespace shoal::apps {

namespace {

constexpr std::size_t metric_columns_max = 4;

/// Ranked tasks come first, the others in the order of their ids.
std::pair<std::uint64_t, TaskId> order_of(const protocol::TaskView& task) {
    return {task.rank.value_or(std::numeric_limits<std::uint64_t>::max()), task.task};
}

std::string state_of(const protocol::TaskView& task) {
    std::string state = boost::describe::enum_to_string(task.state, "");
    if (task.state == protocol::TaskState::leased && task.phase) state = *task.phase;
    if (task.state == protocol::TaskState::failed && task.reason) {
        state += ": " + std::string(protocol::to_string(*task.reason));
    }
    return task.reused ? state + " (cache)" : state;
}

/// The metrics that get a column, as many as fit.
std::vector<std::string> metric_names(const std::vector<protocol::TaskView>& tasks) {
    std::set<std::string> names;
    for (const auto& task : tasks) {
        for (const auto& [name, value] : task.metrics) names.insert(name);
    }
    std::vector<std::string> shown(names.begin(), names.end());
    if (shown.size() > metric_columns_max) shown.resize(metric_columns_max);
    return shown;
}

}  // namespace

std::string task_table(std::vector<protocol::TaskView> tasks, const Terminal& terminal) {
    std::ranges::sort(tasks, {}, order_of);
    const std::vector<std::string> metrics = metric_names(tasks);
    std::vector<Table::Column> header{{"RANK", Table::Align::right}, {"TASK"}, {"WHAT"}, {"STATE"}};
    for (const std::string& name : metrics) header.push_back({name, Table::Align::right});
    header.push_back({"TRIES", Table::Align::right});
    header.push_back({"CHARGED", Table::Align::right});
    Table table(std::move(header));
    for (const protocol::TaskView& task : tasks) {
        std::vector<std::string> cells{
            task.rank ? std::to_string(*task.rank) : "-", to_string(task.task),
            task.parameters.empty() ? "-" : label_of(task), state_of(task)};
        for (const std::string& name : metrics) {
            const auto found = task.metrics.find(name);
            cells.push_back(found == task.metrics.end() ? "-"
                                                        : fmt::format("{:.6g}", found->second));
        }
        cells.push_back(std::to_string(task.attempts));
        cells.push_back(to_credit(task.charged));
        table.add(std::move(cells));
    }
    return table.print(terminal);
}

Colour colour_of(protocol::JobState state) {
    switch (state) {
        case protocol::JobState::open:
            return Colour::cyan;
        case protocol::JobState::finished:
            return Colour::green;
        case protocol::JobState::failed:
            return Colour::red;
        case protocol::JobState::cancelled:
            return Colour::yellow;
    }
    return Colour::plain;
}

Status show_results(Client& client, const Output& out, const protocol::JobView& job) {
    const auto tasks = TRY(client.tasks(job.job));
    const auto artifacts = TRY(client.artifacts(job.job));
    const auto receipt = client.receipt(job.job);
    if (out.json()) {
        boost::json::object result{{"job", json::write(job)},
                                   {"tasks", json::write(tasks)},
                                   {"artifacts", json::write(artifacts)}};
        if (receipt.ok()) result["receipt"] = json::write(receipt.value());
        out.print_json(boost::json::object{{"result", std::move(result)}});
        return Done{};
    }
    out.print("\n" + task_table(tasks, out.results()));
    const char* state = boost::describe::enum_to_string(job.state, "");
    std::string text = "\n" + paint(out.results(), colour_of(job.state),
                                    fmt::format("{} {}", to_string(job.job), state));
    text += job.sentence.empty() ? "\n" : ": " + to_display(job.sentence) + "\n";
    text +=
        fmt::format("charged {}, released {}\n", to_credit(job.charged), to_credit(job.released));
    if (!artifacts.empty()) {
        text += fmt::format("{}: shoal artifacts get {}\n", counted(artifacts.size(), "artifact"),
                            to_string(job.job));
    }
    if (receipt.ok()) {
        text += fmt::format("receipt {}: shoal receipt verify {}\n",
                            to_string(receipt.value().receipt), to_string(job.job));
    }
    out.print(text);
    return Done{};
}

}  // namespace shoal::apps
