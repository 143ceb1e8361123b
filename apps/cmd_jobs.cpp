#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/follow.h"
#include "apps/results.h"
#include "apps/words.h"
#include "core/text.h"

namespace shoal::apps {

namespace {

std::string tasks_in_words(const protocol::TaskCounts& tasks) {
    return fmt::format("{} of {} accepted, {} running, {} waiting, {} failed, {} cancelled",
                       tasks.accepted, tasks.total, tasks.leased, tasks.queued, tasks.failed,
                       tasks.cancelled);
}

std::string requirement_table(const std::vector<protocol::Requirement>& requirements,
                              const Terminal& terminal) {
    if (requirements.empty()) return "";
    Table table({{"ASKED FOR"}, {"HOW MUCH"}, {"PASS", Table::Align::right}});
    for (const auto& one : requirements) {
        table.add({one.name, one.wanted, fmt::format("{} of {}", one.pass, one.of)});
    }
    return table.print(terminal);
}

std::string help_lines(const std::vector<std::string>& help) {
    std::string text;
    for (const std::string& line : help) text += "- " + to_display(line) + "\n";
    return text;
}

Result<Exit> explain_job(Context& context, JobId id) {
    Client& client = *TRY(context.client());
    const protocol::JobWhy why = TRY(client.why(id));
    const Output& out = context.out();
    out.print_as_json(why);
    std::string text = to_display(why.sentence) + "\n";
    if (why.position) text += fmt::format("place in the queue: {}\n", *why.position);
    if (why.fit) text += fmt::format("{} fit it\n", counted(*why.fit, "provider"));
    if (why.reason) {
        text += fmt::format("reason: {}", protocol::to_string(*why.reason));
        if (why.fault) {
            text += fmt::format("; at fault: {}", boost::describe::enum_to_string(*why.fault, ""));
        }
        if (why.payer) {
            text += fmt::format("; pays: {}", boost::describe::enum_to_string(*why.payer, ""));
        }
        text += "\n";
    }
    text += requirement_table(why.requirements, out.results()) + help_lines(why.help);
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
    text += requirement_table(why.requirements, out.results()) + help_lines(why.help);
    out.print(text);
    return Exit::done;
}

}  // namespace

Result<Exit> list_jobs(Context& context, const JobsOptions& options) {
    Client& client = *TRY(context.client());
    const auto jobs = TRY(client.jobs(options.state, options.count));
    const Output& out = context.out();
    out.print_as_json(jobs);
    Table table({{"JOB"},
                 {"NAME"},
                 {"STATE"},
                 {"TASKS", Table::Align::right},
                 {"CHARGED", Table::Align::right},
                 {"SUBMITTED (UTC)"}});
    for (const protocol::JobView& job : jobs) {
        const char* state = boost::describe::enum_to_string(job.state, "");
        table.add({to_string(job.job), job.name, state,
                   fmt::format("{}/{}", job.tasks.accepted, job.tasks.total),
                   to_credit(job.charged), to_date(job.submitted)});
    }
    const std::string none = options.state.empty() ? "no jobs; `shoal run FILE` starts one"
                                                   : fmt::format("no {} jobs", options.state);
    out.print(table.empty() ? none : table.print(out.results()));
    return Exit::done;
}

Result<Exit> show_job(Context& context, const IdOptions& options) {
    const JobId id = TRY(id_of<JobTag>(options.id));
    Client& client = *TRY(context.client());
    const protocol::JobView job = TRY(client.job(id));
    const auto tasks = TRY(client.tasks(id));
    const Output& out = context.out();
    if (out.json()) {
        out.print_json(
            boost::json::object{{"job", json::write(job)}, {"tasks", json::write(tasks)}});
    }
    const char* state = boost::describe::enum_to_string(job.state, "");
    std::string text = fmt::format("{} {}  {}\n", to_string(job.job),
                                   paint(out.results(), Colour::bold, to_display(job.name)),
                                   paint(out.results(), colour_of(job.state), state));
    if (!job.sentence.empty()) text += to_display(job.sentence) + "\n";
    text += tasks_in_words(job.tasks) + "\n";
    text += fmt::format("hold {}, charged {}, released {}\n", to_credit(job.hold),
                        to_credit(job.charged), to_credit(job.released));
    text += fmt::format("submitted {} UTC", to_date(job.submitted));
    if (job.ended) text += fmt::format(", ended {} UTC", to_date(*job.ended));
    text += "\n\n" + task_table(tasks, out.results());
    out.print(text);
    return Exit::done;
}

Result<Exit> cancel_job(Context& context, const IdOptions& options) {
    const JobId id = TRY(id_of<JobTag>(options.id));
    Client& client = *TRY(context.client());
    const protocol::JobView job = TRY(client.cancel(id));
    context.out().print_as_json(job);
    const char* state = boost::describe::enum_to_string(job.state, "");
    context.out().print(fmt::format("{} {}", to_string(id), state));
    return Exit::done;
}

Result<Exit> explain(Context& context, const IdOptions& options) {
    const auto job = parse_id<JobTag>(options.id);
    if (job.ok()) return explain_job(context, job.value());
    const auto provider = parse_id<ProviderTag>(options.id);
    if (provider.ok()) return explain_provider(context, provider.value());
    return Error{Code::invalid,
                 fmt::format(R"(expected the id of a job or a provider, like "job_3f9k", got "{}")",
                             options.id.substr(0, 64))};
}

}  // namespace shoal::apps
