// The commands about jobs, their results and who runs them.

#include <memory>

#include "apps/cli_help.h"
#include "apps/cli_tree.h"

namespace shoal::apps {

namespace {

void add_job_flags(CLI::App* command, JobFlags& flags) {
    const std::string group = "The job of a command (--input, --output and --env may be repeated)";
    const auto add = [&](const std::string& name, auto& value, const std::string& type,
                         const std::string& meaning) {
        return command->add_option(name, value, meaning)->type_name(type)->group(group);
    };
    constexpr std::uint32_t cores_max = 4'096;
    add("--name", flags.name, "NAME", "the job's name; else the program's");
    add("--cores", flags.cores, "N", "cores of a task")->check(whole_number(1, cores_max));
    add("--memory", flags.memory, "SIZE", "memory of a task, like 4GiB");
    add("--disk", flags.disk, "SIZE", "disk of a task, like 10GiB");
    add("--time", flags.time, "TIME", "how long it may run, like 90s or 1h30m");
    add("--max-total", flags.max_total, "CREDIT", "the most it may cost, like 0.002");
    add("--input", flags.inputs, "PATH", "a file or folder, as /in/NAME: PATH or PATH:NAME")
        ->allow_extra_args(false);
    add("--output", flags.outputs, "PATH", "a file or folder below /out that it leaves")
        ->allow_extra_args(false);
    add("--env", flags.environment, "NAME=VALUE", "an environment variable")
        ->allow_extra_args(false);
}

void add_run(CommandTree& tree) {
    auto options = std::make_shared<RunOptions>();
    auto* run = add_command(tree.app, "run", "Run a job and follow it to its end",
                            "shoal run job.yaml\n"
                            "  shoal run --input ./data --output model.bin -- ./train --rate 0.1");
    run->add_option("FILE", options->file, "the file of a job or a workflow, YAML or JSON");
    run->add_option("-o,--artifacts", options->artifacts, "a folder to load the results into")
        ->type_name("FOLDER");
    run->add_flag("--cancel-on-interrupt", options->cancel_on_interrupt,
                  "Ctrl-C cancels the job; else it goes on");
    add_job_flags(run, options->flags);
    run->callback([&tree, options] {
        tree.takes_command = true;
        tree.action = [&tree, options](Context& context) {
            options->flags.command = tree.command;
            return run_job(context, *options);
        };
    });
}

void add_files(CommandTree& tree) {
    auto submitted = std::make_shared<FileOptions>();
    auto* submit =
        add_command(tree.app, "submit", "Submit a job and print its id", "shoal submit job.yaml");
    submit->add_option("FILE", submitted->file, "the job file")->required();
    run_with(tree, submit, submitted, submit_job);

    auto quoted = std::make_shared<FileOptions>();
    auto* quote =
        add_command(tree.app, "quote", "What a job would cost at most", "shoal quote job.yaml");
    quote->add_option("FILE", quoted->file, "the job file")->required();
    run_with(tree, quote, quoted, quote_job);
}

void add_jobs(CommandTree& tree) {
    auto listed = std::make_shared<JobsOptions>();
    auto* jobs = add_command(tree.app, "jobs", "List your jobs, newest first", "shoal jobs");
    jobs->add_option("--state", listed->state, "only those: open, finished, failed, cancelled")
        ->type_name("STATE")
        ->check(one_of({"open", "finished", "failed", "cancelled"}));
    constexpr std::uint32_t count_max = 1'000'000;
    jobs->add_option("-n,--count", listed->count, "at most so many")
        ->type_name("N")
        ->capture_default_str()
        ->check(whole_number(1, count_max));
    run_with(tree, jobs, listed, list_jobs);

    auto flows = std::make_shared<JobsOptions>();
    auto* workflows =
        add_command(tree.app, "workflows", "List your workflows, newest first", "shoal workflows");
    workflows->add_option("-n,--count", flows->count, "at most so many")
        ->type_name("N")
        ->capture_default_str()
        ->check(whole_number(1, count_max));
    run_with(tree, workflows, flows, list_workflows);

    struct Entry {
        const char* name;
        const char* meaning;
        const char* example;
        Result<Exit> (*function)(Context&, const IdOptions&);
    };
    const Entry entries[] = {
        {"job", "Show a job and its tasks", "shoal job job_3f9k", show_job},
        {"workflow", "Show a workflow and its steps", "shoal workflow wf_3f9k", show_workflow},
        {"cancel", "Cancel a job or a workflow; what ran is paid",
         "shoal cancel job_3f9k\n  shoal cancel wf_7", cancel_job},
        {"why",
         "Why a job, a task or a workflow waits or ended, why a provider gets no work, what "
         "prices do",
         "shoal why job_3f9k\n  shoal why prov_7\n  shoal why job.yaml", explain},
    };
    for (const Entry& entry : entries) {
        auto options = std::make_shared<IdOptions>();
        auto* command = add_command(tree.app, entry.name, entry.meaning, entry.example);
        command->add_option("ID", options->id, "its id")->required();
        run_with(tree, command, options, entry.function);
    }

    auto logged = std::make_shared<LogsOptions>();
    auto* logs = add_command(tree.app, "logs", "Print what a job's tasks wrote",
                             "shoal logs -f job_3f9k\n  shoal logs job_3f9k --task task_7");
    logs->add_option("ID", logged->id, "the job's id")->required();
    logs->add_option("--task", logged->task, "of one task only")->type_name("ID");
    logs->add_flag("-f,--follow", logged->follow, "go on until the job has ended");
    run_with(tree, logs, logged, show_logs);
}

void add_artifacts(CommandTree& tree) {
    auto* artifacts = add_command(tree.app, "artifacts", "The files that a job's tasks left",
                                  "shoal artifacts get job_3f9k -o results");
    auto listed = std::make_shared<ArtifactsOptions>();
    auto* list = add_command(*artifacts, "list", "List them", "shoal artifacts list job_3f9k");
    list->add_option("ID", listed->id, "the job's id")->required();
    list->add_option("--task", listed->task, "of one task only")->type_name("ID");
    run_with(tree, list, listed, list_artifacts);

    auto loaded = std::make_shared<ArtifactsOptions>();
    auto* get = add_command(*artifacts, "get", "Load them into a folder, each checked by its hash",
                            "shoal artifacts get job_3f9k -o results");
    get->add_option("ID", loaded->id, "the job's id")->required();
    get->add_option("--task", loaded->task, "of one task only")->type_name("ID");
    get->add_option("-o,--output", loaded->folder, "the folder; else one with the job's id")
        ->type_name("FOLDER");
    run_with(tree, get, loaded, get_artifacts);
}

void add_providers(CommandTree& tree) {
    auto* providers = add_command(tree.app, "providers", "List who offers machines, at what price",
                                  "shoal providers\n  shoal providers prov_7");
    auto options = std::make_shared<IdOptions>();
    providers->add_option("ID", options->id, "show this one with its machine");
    providers->callback([&tree, options] {
        tree.action = [options](Context& context) {
            return options->id.empty() ? list_providers(context) : show_provider(context, *options);
        };
    });

    auto verified = std::make_shared<VerifyOptions>();
    auto* verify =
        add_command(tree.app, "verify", "Say that a provider's machine was checked (operator)",
                    "shoal verify prov_7\n  shoal verify prov_7 --revoke");
    verify->add_option("ID", verified->id, "the provider's id")->required();
    verify->add_flag("--revoke", verified->revoke, "it is claimed again, no longer verified");
    run_with(tree, verify, verified, verify_provider);
}

}  // namespace

void add_job_commands(CommandTree& tree) {
    add_run(tree);
    add_files(tree);
    add_jobs(tree);
    add_artifacts(tree);
    add_providers(tree);
}

}  // namespace shoal::apps
