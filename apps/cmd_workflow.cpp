// Workflows: jobs that need one another.

#include <chrono>
#include <map>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apps/artifacts.h"
#include "apps/follow.h"
#include "apps/results.h"
#include "apps/submit.h"
#include "apps/words.h"
#include "apps/workflow.h"
#include "core/text.h"

namespace shoal::apps {

namespace {

constexpr Duration look_each{300};
constexpr Duration lost_max{120'000};  // as long as the feed of a job is tried again

std::string state_word(protocol::JobState state) {
    return boost::describe::enum_to_string(state, "");
}

std::string step_state(const protocol::StepView& step) {
    if (!step.waits_for.empty()) return "waits";
    std::string state = state_word(step.job.state);
    const bool is_plain = !step.job.reason || *step.job.reason == protocol::Reason::completed;
    return is_plain ? state : state + ": " + std::string(protocol::to_string(*step.job.reason));
}

/// What is said of a step when it has changed.
std::string step_line(const protocol::StepView& step) {
    if (!step.waits_for.empty()) {
        return fmt::format("waits for {}", fmt::join(step.waits_for, ", "));
    }
    if (step.job.state == protocol::JobState::open) return step.job.sentence;
    return step_state(step);
}

std::string workflow_text(const protocol::WorkflowView& flow, const Terminal& terminal) {
    Table table({{"STEP"},
                 {"JOB"},
                 {"STATE"},
                 {"TASKS", Table::Align::right},
                 {"NEEDS"},
                 {"CHARGED", Table::Align::right}});
    for (const protocol::StepView& step : flow.steps) {
        table.add({step.step, to_string(step.job.job), step_state(step),
                   fmt::format("{}/{}", step.job.tasks.accepted, step.job.tasks.total),
                   step.needs.empty() ? "-" : fmt::format("{}", fmt::join(step.needs, ", ")),
                   to_credit(step.job.charged)});
    }
    std::string text = fmt::format("{} {}  {}\n", to_string(flow.workflow),
                                   paint(terminal, Colour::bold, to_display(flow.name)),
                                   paint(terminal, colour_of(flow.state), state_word(flow.state)));
    text += fmt::format("hold {}, charged {}, released {}\n\n", to_credit(flow.hold),
                        to_credit(flow.charged), to_credit(flow.released));
    return text + table.print(terminal);
}

/// Tells of each step whenever it has changed, until all have ended.
class Watch {
public:
    Watch(Client& client, const Output& out, WorkflowId id) : client_(client), out_(out), id_(id) {}

    /// Nothing if somebody pressed Ctrl-C.
    Result<std::optional<protocol::WorkflowView>> follow(const Interrupts& ctrl_c) {
        for (Duration lost{}; !ctrl_c.pressed();) {
            auto flow = client_.workflow(id_);
            if (flow.ok()) {
                lost = Duration{};
                tell(flow.value());
                if (flow.value().state != protocol::JobState::open) {
                    return std::optional(std::move(flow).value());
                }
            } else if (flow.error().code != Code::unavailable || lost >= lost_max) {
                return std::move(flow).error();
            }
            std::this_thread::sleep_for(look_each);
            lost += look_each;
        }
        return std::optional<protocol::WorkflowView>();
    }

private:
    void tell(const protocol::WorkflowView& flow) {
        for (const protocol::StepView& step : flow.steps) {
            const std::string line = step_line(step);
            if (std::exchange(told_[step.step], line) == line) continue;
            out_.say(
                fmt::format("· {} ({}): {}", step.step, to_string(step.job.job), to_display(line)));
        }
    }

    Client& client_;
    const Output& out_;
    WorkflowId id_;
    std::map<std::string, std::string> told_;
};

Result<protocol::WorkflowView> send_workflow(Context& context, const LocalWorkflow& local) {
    Client& client = *TRY(context.client());
    const protocol::WorkflowSpec spec = TRY(upload_inputs(local, client, context.out()));
    return submit_surely([&](const std::string& request) { return client.submit(spec, request); });
}

Result<Exit> left_alone(Context& context, WorkflowId id, const RunOptions& options) {
    if (options.cancel_on_interrupt) return cancel_workflow(context, id);
    context.out().say(fmt::format(
        "{0} goes on without you. Look at it: shoal workflow {0}; cancel it: shoal cancel {0}",
        to_string(id)));
    return Exit::interrupted;
}

}  // namespace

Result<Exit> run_workflow(Context& context, const LocalWorkflow& local, const RunOptions& options) {
    const Output& out = context.out();
    const protocol::WorkflowView begun = TRY(send_workflow(context, local));
    out.say(fmt::format("{} submitted: {}, at most {}", to_string(begun.workflow),
                        counted(begun.steps.size(), "step"), to_credit(begun.hold)));
    Client& client = *TRY(context.client());
    const Interrupts ctrl_c;
    const auto ended = TRY(Watch(client, out, begun.workflow).follow(ctrl_c));
    if (!ended) return left_alone(context, begun.workflow, options);
    out.print_as_json(*ended);
    out.print("\n" + workflow_text(*ended, out.results()));
    if (!options.artifacts.empty()) {
        for (const protocol::StepView& step : ended->steps) {
            const auto folder = std::filesystem::path(options.artifacts) / step.step;
            TRY(load_artifacts(client, out, {step.job.job, std::nullopt, folder}));
        }
    }
    return ended->state == protocol::JobState::finished ? Exit::done : Exit::job_failed;
}

Result<Exit> submit_workflow(Context& context, const LocalWorkflow& local) {
    const protocol::WorkflowView begun = TRY(send_workflow(context, local));
    context.out().print(to_string(begun.workflow));
    context.out().print_as_json(begun);
    return Exit::done;
}

Result<Exit> list_workflows(Context& context, const JobsOptions& options) {
    Client& client = *TRY(context.client());
    const auto flows = TRY(client.workflows(options.count));
    const Output& out = context.out();
    out.print_as_json(flows);
    Table table({{"WORKFLOW"},
                 {"NAME"},
                 {"STATE"},
                 {"STEPS", Table::Align::right},
                 {"CHARGED", Table::Align::right},
                 {"SUBMITTED (UTC)"}});
    for (const protocol::WorkflowView& flow : flows) {
        table.add({to_string(flow.workflow), flow.name, state_word(flow.state),
                   std::to_string(flow.steps.size()), to_credit(flow.charged),
                   to_date(flow.submitted)});
    }
    out.print(table.empty() ? "no workflows; `shoal run FILE` starts one"
                            : table.print(out.results()));
    return Exit::done;
}

Result<Exit> show_workflow(Context& context, const IdOptions& options) {
    const WorkflowId id = TRY(id_of<WorkflowTag>(options.id));
    Client& client = *TRY(context.client());
    const protocol::WorkflowView flow = TRY(client.workflow(id));
    context.out().print_as_json(flow);
    context.out().print(workflow_text(flow, context.out().results()));
    return Exit::done;
}

Result<Exit> cancel_workflow(Context& context, WorkflowId id) {
    Client& client = *TRY(context.client());
    const protocol::WorkflowView flow = TRY(client.cancel(id));
    context.out().print_as_json(flow);
    context.out().print(fmt::format("{} {}", to_string(id), state_word(flow.state)));
    return Exit::done;
}

Result<Exit> explain_workflow(Context& context, WorkflowId id) {
    Client& client = *TRY(context.client());
    const protocol::WorkflowView flow = TRY(client.workflow(id));
    context.out().print_as_json(flow);
    std::string text = fmt::format("{}\n", state_word(flow.state));
    for (const protocol::StepView& step : flow.steps) {
        const bool is_open = step.job.state == protocol::JobState::open;
        const std::string line =
            is_open ? TRY(client.why(step.job.job)).sentence : step.job.sentence;
        text += fmt::format("{} ({}): {}\n", step.step, to_string(step.job.job), to_display(line));
    }
    context.out().print(text);
    return Exit::done;
}

}  // namespace shoal::apps
