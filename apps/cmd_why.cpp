// `shoal why`: what keeps a job, a task or a provider waiting, and what prices would do.

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/job_file.h"
#include "apps/words.h"
#include "apps/workflow.h"
#include "core/text.h"

namespace shoal::apps {

namespace {

/// Only what somebody fails: what all pass explains nothing. (--json has every one.)
std::string requirement_table(const std::vector<protocol::Requirement>& requirements,
                              const Terminal& terminal) {
    Table table({{"ASKED FOR"},
                 {"HOW MUCH"},
                 {"PASS", Table::Align::right},
                 {"FIT WITHOUT IT", Table::Align::right}});
    for (const auto& one : requirements) {
        if (one.pass == one.of && one.name != "online") continue;
        table.add({one.name, one.wanted, fmt::format("{} of {}", one.pass, one.of),
                   std::to_string(one.fit_without)});
    }
    return table.empty() ? "" : table.print(terminal);
}

std::string price_table(const std::vector<protocol::PriceStep>& prices, const Terminal& terminal) {
    if (prices.empty()) return "";
    Table table({{"CAP FOR AN HOUR", Table::Align::right},
                 {"PROVIDERS", Table::Align::right},
                 {"FREE NOW", Table::Align::right}});
    for (const auto& step : prices) {
        table.add(
            {to_credit(step.hour), std::to_string(step.providers), std::to_string(step.free)});
    }
    return table.print(terminal);
}

std::string help_lines(const std::vector<std::string>& help) {
    std::string text;
    for (const std::string& line : help) text += "- " + to_display(line) + "\n";
    return text;
}

std::string end_lines(const protocol::JobWhy& why) {
    if (!why.reason) return "";
    std::string text = fmt::format("reason: {}", protocol::to_string(*why.reason));
    if (why.fault) {
        text += fmt::format("; at fault: {}", boost::describe::enum_to_string(*why.fault, ""));
    }
    if (why.payer)
        text += fmt::format("; pays: {}", boost::describe::enum_to_string(*why.payer, ""));
    return text + "\n";
}

std::string waiting_lines(const protocol::JobWhy& why, const Terminal& terminal) {
    std::string text;
    if (why.position) text += fmt::format("place in the queue: {}\n", *why.position);
    if (why.turn) {
        text += fmt::format(
            "before it: {} and {} of its own buyer, who has used {:.3f} core hours "
            "at weight {}\n",
            counted(why.turn->buyers_before, "buyer"), counted(why.turn->own_jobs_before, "job"),
            why.turn->used_core_hours, why.turn->weight);
    }
    if (why.fit) text += fmt::format("{} fit it\n", counted(*why.fit, "provider"));
    if (why.room_at) text += fmt::format("room at the latest: {} UTC\n", to_date(*why.room_at));
    if (why.room_is_kept) text += "room is kept for it\n";
    return text + requirement_table(why.requirements, terminal) +
           price_table(why.prices, terminal) + help_lines(why.help);
}

Result<Exit> explain_job(Context& context, JobId id) {
    Client& client = *TRY(context.client());
    const protocol::JobWhy why = TRY(client.why(id));
    const Output& out = context.out();
    out.print_as_json(why);
    out.print(to_display(why.sentence) + "\n" + end_lines(why) + waiting_lines(why, out.results()));
    return Exit::done;
}

Result<Exit> explain_task(Context& context, TaskId id) {
    Client& client = *TRY(context.client());
    const protocol::TaskWhy why = TRY(client.why(id));
    const Output& out = context.out();
    out.print_as_json(why);
    std::string text = to_display(why.sentence) + "\n";
    if (why.not_before) text += fmt::format("tried again from {} UTC\n", to_date(*why.not_before));
    text += fmt::format("{} left\n", why.retries_left == 1
                                         ? "1 retry"
                                         : fmt::format("{} retries", why.retries_left));
    if (!why.tries.empty()) {
        Table table({{"TRY"}, {"PROVIDER"}, {"HOW IT ENDED"}});
        for (const auto& one : why.tries) {
            table.add({to_string(one.lease), to_string(one.provider), to_display(one.sentence)});
        }
        text += table.print(out.results());
    }
    if (why.waits_for) text += waiting_lines(*why.waits_for, out.results());
    out.print(text);
    return Exit::done;
}

Result<Exit> explain_provider(Context& context, ProviderId id) {
    Client& client = *TRY(context.client());
    const protocol::ProviderWhy why = TRY(client.why(id));
    const Output& out = context.out();
    out.print_as_json(why);
    std::string text = to_display(why.sentence) + "\n";
    text += fmt::format("{} running; {} of {} that wait fit it\n",
                        counted(why.attempts_live, "attempt"), why.tasks_fit,
                        counted(why.tasks_waiting, "task"));
    for (const auto& cut : why.price_cuts) {
        text += fmt::format("at {} % of its price {} would fit it\n", cut.percent,
                            counted(cut.tasks, "task"));
    }
    out.print(text + requirement_table(why.requirements, out.results()) + help_lines(why.help));
    return Exit::done;
}

/// Of a job that is not submitted: whom each price would reach.
Result<Exit> explain_prices(Context& context, const std::string& file) {
    const LocalJob local = TRY(read_job_file(file));
    const protocol::JobSpec spec = TRY(name_inputs(local));
    Client& client = *TRY(context.client());
    const protocol::Quote quote = TRY(client.quote(spec));
    const Output& out = context.out();
    out.print_as_json(quote);
    out.print(quote.prices.empty() ? "no provider online is what the job asks for, at any price"
                                   : fmt::format("{} of {} online fit it\n{}", quote.providers_fit,
                                                 counted(quote.providers_online, "provider"),
                                                 price_table(quote.prices, out.results())));
    return Exit::done;
}

}  // namespace

Result<Exit> explain(Context& context, const IdOptions& options) {
    const auto job = parse_id<JobTag>(options.id);
    if (job.ok()) return explain_job(context, job.value());
    const auto task = parse_id<TaskTag>(options.id);
    if (task.ok()) return explain_task(context, task.value());
    const auto provider = parse_id<ProviderTag>(options.id);
    if (provider.ok()) return explain_provider(context, provider.value());
    const auto workflow = parse_id<WorkflowTag>(options.id);
    if (workflow.ok()) return explain_workflow(context, workflow.value());
    std::error_code failed;
    if (std::filesystem::exists(options.id, failed)) return explain_prices(context, options.id);
    return Error{Code::invalid,
                 fmt::format(R"(expected the id of a job, a task or a provider, like "job_3f9k", )"
                             R"(or a job file, got "{}")",
                             options.id.substr(0, 64))};
}

}  // namespace shoal::apps
