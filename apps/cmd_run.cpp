#include <fmt/format.h>

#include "apps/artifacts.h"
#include "apps/commands.h"
#include "apps/follow.h"
#include "apps/job_file.h"
#include "apps/results.h"
#include "apps/submit.h"
#include "apps/words.h"
#include "apps/workflow.h"

namespace shoal::apps {

namespace {

Result<protocol::JobView> submit_once(Client& client, const protocol::JobSpec& spec) {
    return submit_surely([&](const std::string& request) { return client.submit(spec, request); });
}

Result<LocalJob> local_job(const RunOptions& options) {
    const bool has_file = !options.file.empty();
    if (has_file && options.flags.command.empty()) return read_job_file(options.file);
    if (!has_file && !options.flags.command.empty()) return job_of_flags(options.flags);
    return advise({Code::invalid, "expected a job file, or a command after \"--\""},
                  "shoal run job.yaml, or shoal run --cores 2 -- ./train --rate 0.1");
}

/// Who can run a job can read its secrets.
void warn_of_strangers(const Output& out, const protocol::JobSpec& spec) {
    if (spec.secrets.empty() || spec.placement.pool) return;
    out.say(
        "The job's secrets are sent to whoever runs it, and the owner of that machine can read "
        "them. Name a pool of machines that you trust: placement: {pool: NAME}");
}

Exit exit_of_job(protocol::JobState state) {
    return state == protocol::JobState::finished ? Exit::done : Exit::job_failed;
}

Result<Exit> detached(Context& context, Client& client, JobId id, const RunOptions& options) {
    if (options.cancel_on_interrupt) {
        TRY(client.cancel(id));
        context.out().say(fmt::format("cancelled {}", to_string(id)));
        return Exit::interrupted;
    }
    context.out().say(
        fmt::format("{0} goes on without you. Follow it: shoal logs -f {0}; "
                    "cancel it: shoal cancel {0}",
                    to_string(id)));
    return Exit::interrupted;
}

}  // namespace

Result<Exit> run_job(Context& context, const RunOptions& options) {
    if (!options.file.empty() && options.flags.command.empty()) {
        if (const auto workflow = TRY(read_workflow_file(options.file))) {
            return run_workflow(context, *workflow, options);
        }
    }
    const LocalJob local = TRY(local_job(options));
    const Output& out = context.out();
    Client& client = *TRY(context.client());
    const protocol::JobSpec spec = TRY(upload_inputs(local, client, out));
    warn_of_strangers(out, spec);
    const protocol::JobView job = TRY(submit_once(client, spec));
    out.say(fmt::format("{} submitted: {}, at most {}", to_string(job.job),
                        counted(job.tasks.total, "task"), to_credit(job.hold)));

    const Interrupts ctrl_c;
    Follower follower(client, out, job.job, {});
    TRY(follower.begin());
    const bool has_ended = TRY(follower.follow(ctrl_c));
    if (!has_ended) return detached(context, client, job.job, options);

    const protocol::JobView ended = TRY(client.job(job.job));
    TRY(show_results(client, out, ended));
    if (!options.artifacts.empty()) {
        TRY(load_artifacts(client, out, {job.job, std::nullopt, options.artifacts}));
    }
    return exit_of_job(ended.state);
}

Result<Exit> submit_job(Context& context, const FileOptions& options) {
    if (const auto workflow = TRY(read_workflow_file(options.file))) {
        return submit_workflow(context, *workflow);
    }
    const LocalJob local = TRY(read_job_file(options.file));
    Client& client = *TRY(context.client());
    const protocol::JobSpec spec = TRY(upload_inputs(local, client, context.out()));
    warn_of_strangers(context.out(), spec);
    const protocol::JobView job = TRY(submit_once(client, spec));
    context.out().print(to_string(job.job));
    context.out().print_as_json(job);
    return Exit::done;
}

Result<Exit> quote_job(Context& context, const FileOptions& options) {
    if (TRY(read_workflow_file(options.file))) {
        return advise({Code::unsupported, "a workflow is not quoted as a whole"},
                      "`shoal submit` sets aside what its steps may cost, and not more.");
    }
    const LocalJob local = TRY(read_job_file(options.file));
    const protocol::JobSpec spec = TRY(name_inputs(local));
    Client& client = *TRY(context.client());
    const protocol::Quote quote = TRY(client.quote(spec));
    const Output& out = context.out();
    out.print_as_json(quote);
    std::string text = fmt::format("{}; {} of {} online fit\n", counted(quote.tasks, "task"),
                                   quote.providers_fit, quote.providers_online);
    const auto add = [&](std::string_view name, const std::optional<Lamports>& task,
                         const std::optional<Lamports>& total) {
        if (!task || !total) return;
        text +=
            fmt::format("{}: at most {} ({} a task)\n", name, to_credit(*total), to_credit(*task));
    };
    add("cheapest provider", quote.cheapest_task, quote.cheapest_total);
    add("dearest provider", quote.dearest_task, quote.dearest_total);
    if (!quote.cheapest_total) text += "no price: no provider that is online fits this job\n";
    if (!quote.verify.empty()) text += "verification: " + quote.verify + "\n";
    out.print(text);
    return Exit::done;
}

}  // namespace shoal::apps
