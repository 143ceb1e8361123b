#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/follow.h"
#include "apps/results.h"
#include "apps/words.h"
#include "apps/workflow.h"
#include "core/text.h"

namespace shoal::apps {

namespace {

std::string tasks_in_words(const protocol::TaskCounts& tasks) {
    return fmt::format("{} of {} accepted, {} running, {} waiting, {} failed, {} cancelled",
                       tasks.accepted, tasks.total, tasks.leased, tasks.queued, tasks.failed,
                       tasks.cancelled);
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
    if (job.workflow) {
        text += fmt::format("step {} of {}\n", job.step.value_or(""), to_string(*job.workflow));
    }
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
    const auto workflow = parse_id<WorkflowTag>(options.id);
    if (workflow.ok()) return cancel_workflow(context, workflow.value());
    const JobId id = TRY(id_of<JobTag>(options.id));
    Client& client = *TRY(context.client());
    const protocol::JobView job = TRY(client.cancel(id));
    context.out().print_as_json(job);
    const char* state = boost::describe::enum_to_string(job.state, "");
    context.out().print(fmt::format("{} {}", to_string(id), state));
    return Exit::done;
}

}  // namespace shoal::apps
