#include "protocol/workflow.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "core/check.h"
#include "core/limits.h"
#include "core/text.h"

namespace shoal::protocol {

namespace {

Error refused(std::string_view path, std::string_view what) {
    return {Code::invalid, fmt::format("{}: {}", path, what)};
}

bool is_step_name(std::string_view name) {
    const auto belongs = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
    };
    return !name.empty() && name.size() <= limits::name_characters &&
           std::ranges::all_of(name, belongs);
}

Status check_needs(const WorkflowSpec& workflow, const std::string& step) {
    std::vector<std::string_view> known;
    for (const auto& [name, spec] : workflow.steps) known.push_back(name);
    for (const auto& [need, policy] : workflow.steps.at(step).needs) {
        if (workflow.steps.contains(need)) continue;
        const std::string_view near = json::nearest(need, known);
        return refused(fmt::format("steps.{}.needs.{}", step, need),
                       near.empty() ? "there is no such step"
                                    : fmt::format("there is no such step; did you mean {}?", near));
    }
    return Done{};
}

/// Whether a step declares what lies at that path: the file itself, or a folder around it.
bool declares(const JobSpec& step, std::string_view path) {
    return std::ranges::any_of(step.outputs, [&](const JobOutput& output) {
        return path == output.path || path.starts_with(output.path + "/");
    });
}

Status check_handover(const WorkflowSpec& workflow, const std::string& step, std::size_t place) {
    const JobSpec& job = workflow.steps.at(step);
    const JobInput& input = job.inputs[place];
    const std::string path = fmt::format("steps.{}.inputs[{}]", step, place);
    if (!job.needs.contains(*input.from)) {
        return refused(path + ".from", fmt::format("{} does not stand in this step's needs",
                                                   shorten(*input.from, limits::name_characters)));
    }
    const JobSpec& source = workflow.steps.at(*input.from);
    if (source.outputs.empty()) {
        return refused(path + ".from", *input.from + " declares no outputs");
    }
    if (input.path && !declares(source, *input.path)) {
        return refused(path + ".path",
                       fmt::format("{} does not declare it as an output", *input.from));
    }
    const std::size_t tasks = expand(source.tasks).size();
    if (tasks <= limits::inputs_per_job) return Done{};
    return refused(path + ".from", fmt::format("{} has {} tasks, and a job at most {} input files",
                                               *input.from, tasks, limits::inputs_per_job));
}

/// Looks for the longest way down from each step, and for a way that comes back to where it was.
class Ways {
public:
    explicit Ways(const WorkflowSpec& workflow) : workflow_(workflow) {}

    /// Nothing if the step waits for itself; cycle() then says how.
    bool follow(const std::string& step) {
        if (depth_.contains(step)) return true;
        const auto begun = std::ranges::find(way_, step);
        if (begun != way_.end()) {
            way_.erase(way_.begin(), begun);
            way_.push_back(step);
            return false;
        }
        way_.push_back(step);
        std::size_t deepest = 0;
        for (const auto& [need, policy] : workflow_.steps.at(step).needs) {
            if (!follow(need)) return false;
            deepest = std::max(deepest, depth_.at(need));
        }
        way_.pop_back();
        depth_.emplace(step, deepest + 1);
        order_.push_back(step);
        return true;
    }

    std::string cycle() const { return fmt::format("{}", fmt::join(way_, " → ")); }
    std::size_t depth(const std::string& step) const { return depth_.at(step); }
    std::vector<std::string> order() && { return std::move(order_); }

private:
    const WorkflowSpec& workflow_;
    std::vector<std::string> way_;
    std::map<std::string, std::size_t> depth_;
    std::vector<std::string> order_;
};

Status check_ways(const WorkflowSpec& workflow) {
    Ways ways(workflow);
    for (const auto& [step, spec] : workflow.steps) {
        const std::string path = fmt::format("steps.{}.needs", step);
        if (!ways.follow(step)) {
            return refused(path, "the steps wait for one another: " + ways.cycle());
        }
        if (ways.depth(step) > limits::workflow_depth) {
            return refused(path, fmt::format("expected at most {} steps in a row, got {}",
                                             limits::workflow_depth, ways.depth(step)));
        }
    }
    return Done{};
}

Status check_step(const std::string& step, const JobSpec& job, SpecSource source) {
    const std::string path = "steps." + step;
    if (!is_step_name(step)) {
        return refused("steps", "expected names of letters, digits, \"-\" and \"_\", got \"" +
                                    shorten(to_display(step), limits::name_characters) + '"');
    }
    const Status sound = validate(job, source, SpecPart::step);
    if (sound.ok()) return sound;
    return Error{sound.error().code, path + "." + sound.error().what};
}

Status check_count(const WorkflowSpec& workflow) {
    if (workflow.steps.empty() || workflow.steps.size() > limits::steps_per_workflow) {
        return refused("steps", fmt::format("expected 1 to {}, got {}", limits::steps_per_workflow,
                                            workflow.steps.size()));
    }
    const auto& most = workflow.price.max_total;
    if (most && *most <= Lamports{}) {
        return refused("price.max_total", "expected an amount above zero, got " + to_string(*most));
    }
    return Done{};
}

// --- as people write it --------------------------------------------------------------------------

using boost::json::object;

/// What `own` does not say is what `usual` says.
void fill(object& own, const object& usual) {
    for (const auto& [key, value] : usual) {
        json::Value* said = own.if_contains(key);
        if (!said) {
            own[key] = value;
        } else if (said->is_object() && value.is_object()) {
            fill(said->get_object(), value.get_object());
        }
    }
}

/// Of `[prepare, train]`: each with the usual policy.
Status complete_needs(const std::string& path, json::Value& needs) {
    const auto* list = needs.if_array();
    if (!list) return Done{};
    object named;
    for (std::size_t i = 0; i < list->size(); ++i) {
        const auto* name = (*list)[i].if_string();
        const std::string place = fmt::format("{}[{}]", path, i);
        if (!name) return refused(place, "expected the name of a step");
        if (named.contains(*name)) return refused(place, "stands there twice");
        named[*name] = object();
    }
    needs = std::move(named);
    return Done{};
}

/// What stands beside `steps` and holds for each of them; `workflow` keeps the rest.
Result<object> take_usual(object& workflow) {
    const object known = json::write(JobSpec{}).get_object();
    std::vector<std::string_view> names{"steps", "result"};
    for (const auto& [key, value] : known) names.push_back(key);
    object usual;
    for (const auto& [key, value] : workflow) {
        if (key == "name" || key == "steps") continue;
        if (key == "needs") return refused("needs", "stands in a step, not beside them");
        if (std::ranges::find(names, std::string_view(key)) == names.end()) {
            const std::string_view near = json::nearest(key, names);
            return refused(
                std::string_view(key),
                near.empty() ? "unknown" : fmt::format("unknown; did you mean {}?", near));
        }
        usual[key] = value;
    }
    for (const auto& [key, value] : usual) workflow.erase(key);
    auto* price = usual.contains("price") ? usual["price"].if_object() : nullptr;
    if (price && price->contains("max_total")) {
        workflow["price"] = object{{"max_total", (*price)["max_total"]}};
        price->erase("max_total");
    }
    return usual;
}

}  // namespace

Status validate(const WorkflowSpec& workflow, SpecSource source) {
    if (!is_name(workflow.name)) {
        return refused("name", fmt::format("expected 1 to {} characters, none of them a control or "
                                           "direction character",
                                           limits::name_characters));
    }
    TRY(check_count(workflow));
    for (const auto& [step, job] : workflow.steps) TRY(check_step(step, job, source));
    for (const auto& [step, job] : workflow.steps) TRY(check_needs(workflow, step));
    TRY(check_ways(workflow));
    std::size_t tasks = 0;
    for (const auto& [step, job] : workflow.steps) {
        tasks += expand(job.tasks).size();
        for (std::size_t i = 0; i < job.inputs.size(); ++i) {
            if (job.inputs[i].from) TRY(check_handover(workflow, step, i));
        }
    }
    if (tasks <= limits::tasks_per_job) return Done{};
    return refused("steps", fmt::format("expected at most {} tasks in all, got {}",
                                        limits::tasks_per_job, tasks));
}

std::vector<std::string> order_of(const WorkflowSpec& workflow) {
    Ways ways(workflow);
    for (const auto& [step, spec] : workflow.steps) check(ways.follow(step));
    return std::move(ways).order();
}

Result<json::Value> complete(json::Value value) {
    auto* workflow = value.if_object();
    if (!workflow) return Error{Code::invalid, "expected an object with \"name\" and \"steps\""};
    const object usual = TRY(take_usual(*workflow));
    auto* steps = workflow->contains("steps") ? (*workflow)["steps"].if_object() : nullptr;
    if (!steps) return refused("steps", "expected an object with a step by each name");
    const json::Value* name = workflow->if_contains("name");
    for (auto& [step, body] : *steps) {
        const std::string path = "steps." + std::string(step);
        auto* job = body.if_object();
        if (!job) return refused(path, "expected an object");
        if (auto* needs = job->if_contains("needs")) TRY(complete_needs(path + ".needs", *needs));
        if (name && name->is_string() && !job->contains("name")) {
            (*job)["name"] = std::string(name->get_string()) + "/" + std::string(step);
        }
        fill(*job, usual);
    }
    return value;
}

}  // namespace shoal::protocol
