#include "protocol/job.h"

#include <algorithm>
#include <set>
#include <span>

#include <fmt/format.h>

#include "core/check.h"
#include "core/limits.h"
#include "core/text.h"

namespace shoal::protocol {

namespace {

Error refused(std::string_view path, std::string_view what) {
    return {Code::invalid, fmt::format("{}: {}", path, what)};
}

Status at_most(std::string_view path, std::size_t count, std::size_t most) {
    if (count <= most) return Done{};
    return refused(path, fmt::format("expected at most {}, got {}", most, count));
}

bool is_variable(std::string_view name) {
    const auto is_letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    return !name.empty() && name.size() <= limits::name_characters && is_letter(name.front()) &&
           std::ranges::all_of(name, [&](char c) { return is_letter(c) || is_digit(c); });
}

/// Each ${name} of the text must be one of the matrix.
Status check_variables(std::string_view path, std::string_view text, const TaskPlan& plan) {
    for (auto open = text.find("${"); open != std::string_view::npos;
         open = text.find("${", open)) {
        const auto close = text.find('}', open);
        if (close == std::string_view::npos) return refused(path, "\"${\" without \"}\"");
        const std::string name(text.substr(open + 2, close - open - 2));
        if (!plan.matrix.contains(name)) {
            return refused(path, fmt::format("${{{}}} is not a name of tasks.matrix", name));
        }
        open = close;
    }
    return Done{};
}

Status check_command(const JobSpec& job) {
    if (job.command.empty()) return refused("command", "expected a program and its arguments");
    TRY(at_most("command", job.command.size(), limits::command_words));
    for (std::size_t i = 0; i < job.command.size(); ++i) {
        const std::string path = fmt::format("command[{}]", i);
        const std::string& word = job.command[i];
        TRY(at_most(path, word.size(), limits::text_bytes));
        if (word.find('\0') != std::string::npos) return refused(path, "holds a NUL character");
        TRY(check_variables(path, word, job.tasks));
    }
    if (job.command.front().empty()) return refused("command[0]", "expected a program's name");
    return Done{};
}

Status check_environment(const JobSpec& job) {
    TRY(at_most("environment", job.environment.size(), limits::environment_variables));
    for (const auto& [name, value] : job.environment) {
        const std::string path = "environment." + name;
        if (!is_variable(name)) return refused(path, "expected a name like OMP_NUM_THREADS");
        if (name.starts_with("SHOAL_")) return refused(path, "names with SHOAL_ are the market's");
        TRY(at_most(path, value.size(), limits::text_bytes));
        if (value.find('\0') != std::string::npos) return refused(path, "holds a NUL character");
        TRY(check_variables(path, value, job.tasks));
    }
    return Done{};
}

Status check_secrets(const JobSpec& job) {
    TRY(at_most("secrets", job.secrets.size(), limits::secrets_per_job));
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < job.secrets.size(); ++i) {
        const std::string path = fmt::format("secrets[{}]", i);
        const std::string& name = job.secrets[i];
        if (!is_secret_name(name)) return refused(path, "expected a name like WANDB_KEY");
        if (!names.insert(name).second) return refused(path, "is there twice");
        if (job.environment.contains(name)) return refused(path, "is in environment, too");
    }
    return Done{};
}

Status check_files(std::string_view path, std::span<const InputFile> files) {
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < files.size(); ++i) {
        const std::string place = fmt::format("{}.files[{}].path", path, i);
        if (!is_relative_path(files[i].path)) {
            return refused(place, "expected a relative path without \"..\"");
        }
        if (!seen.insert(files[i].path).second) return refused(place, "stands there twice");
    }
    return Done{};
}

/// What another step left: all of it, or what lies at `path` below its /out.
Status check_from(std::string_view path, const JobInput& input, SpecPart part) {
    if (part == SpecPart::alone) {
        return refused(path, "only a step of a workflow takes what another step left");
    }
    if (input.blob || !input.files.empty()) {
        return refused(path, "expected no blob or files beside it");
    }
    if (!input.path || is_relative_path(*input.path)) return Done{};
    return refused(path, "expected a relative path without \"..\" below the step's /out");
}

Status check_source(std::string_view path, const JobInput& input, SpecSource source) {
    const int given = (input.path ? 1 : 0) + (input.blob ? 1 : 0) + (input.files.empty() ? 0 : 1);
    if (source == SpecSource::api && input.path) {
        return refused(path, "a path means nothing to the market; upload the file, give its blob");
    }
    if (given != 1) return refused(path, "expected one of path, blob and files");
    return check_files(path, input.files);
}

Status check_inputs(const JobSpec& job, SpecSource source, SpecPart part) {
    std::size_t files = 0;
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < job.inputs.size(); ++i) {
        const JobInput& input = job.inputs[i];
        const std::string path = fmt::format("inputs[{}]", i);
        TRY(input.from ? check_from(path + ".from", input, part)
                       : check_source(path, input, source));
        const bool may_lack_name = source == SpecSource::file && (input.path || input.from);
        if (input.as.empty() && may_lack_name) continue;
        if (!is_relative_path(input.as) || input.as.find('/') != std::string::npos) {
            return refused(path + ".as", "expected a name without \"/\"");
        }
        if (!names.insert(input.as).second) return refused(path + ".as", "is there twice");
        files += std::max<std::size_t>(1, input.files.size());
    }
    return at_most("inputs", files, limits::inputs_per_job);
}

Status check_outputs(const JobSpec& job) {
    TRY(at_most("outputs", job.outputs.size(), limits::outputs_per_job));
    std::set<std::string_view> paths;
    for (std::size_t i = 0; i < job.outputs.size(); ++i) {
        const std::string path = fmt::format("outputs[{}].path", i);
        if (!is_relative_path(job.outputs[i].path)) {
            return refused(path, "expected a path below /out, relative, without \"..\"");
        }
        if (!paths.insert(job.outputs[i].path).second) return refused(path, "is there twice");
    }
    return Done{};
}

Status check_matrix(const TaskPlan& plan) {
    TRY(at_most("tasks.matrix", plan.matrix.size(), limits::matrix_axes));
    std::size_t count = 1;
    for (const auto& [name, values] : plan.matrix) {
        const std::string path = "tasks.matrix." + name;
        if (!is_variable(name)) return refused(path, "expected a name like learning_rate");
        if (values.empty()) return refused(path, "expected at least one value");
        TRY(at_most(path, values.size(), limits::matrix_values));
        count *= values.size();
        TRY(at_most("tasks", count, limits::tasks_per_job));
    }
    if (plan.gang > 0 && count % plan.gang != 0) {
        return refused("tasks.gang",
                       fmt::format("expected a part of the {} tasks, got {}", count, plan.gang));
    }
    return Done{};
}

Status check_labels(std::string_view path, std::span<const std::string> labels) {
    TRY(at_most(path, labels.size(), limits::labels));
    for (std::size_t i = 0; i < labels.size(); ++i) {
        if (!is_name(labels[i])) return refused(fmt::format("{}[{}]", path, i), "expected a name");
    }
    return Done{};
}

Status check_gpus(const Gpus& wanted) {
    if (wanted.count > limits::gpus_per_task) {
        return refused("resources.gpu.count", fmt::format("expected at most {}, got {}",
                                                          limits::gpus_per_task, wanted.count));
    }
    if (wanted.count == 0 && wanted != Gpus{}) {
        return refused("resources.gpu.count", "expected at least 1 where a GPU is described");
    }
    if (!wanted.model.empty() && !is_name(wanted.model)) {
        return refused("resources.gpu.model", "expected a part of a GPU's name, like H100");
    }
    return Done{};
}

Status check_placement(const Placement& wanted) {
    TRY(check_labels("placement.cpu_features", wanted.cpu_features));
    TRY(check_labels("placement.regions", wanted.regions));
    if (wanted.pool && !is_name(*wanted.pool)) {
        return refused("placement.pool", "expected a name");
    }
    constexpr std::uint32_t percent_most = 100;
    if (wanted.reputation > percent_most) {
        return refused("placement.reputation",
                       fmt::format("expected 0 to 100, in percent, got {}", wanted.reputation));
    }
    TRY(at_most("placement.block_accounts", wanted.block_accounts.size(), limits::labels));
    return at_most("placement.block_providers", wanted.block_providers.size(), limits::labels);
}

Status check_priority(std::int32_t priority) {
    if (priority >= -limits::priority_most && priority <= limits::priority_most) return Done{};
    return refused("priority", fmt::format("expected {} to {}, got {}", -limits::priority_most,
                                           limits::priority_most, priority));
}

Status check_resources(const Resources& wanted) {
    if (wanted.cores < 1 || wanted.cores > limits::cores_per_task) {
        return refused("resources.cores", fmt::format("expected 1 to {}, got {}",
                                                      limits::cores_per_task, wanted.cores));
    }
    if (wanted.memory < limits::memory_min) {
        return refused("resources.memory", "expected at least " + to_string(limits::memory_min) +
                                               ", got " + to_string(wanted.memory));
    }
    return check_gpus(wanted.gpu);
}

Status check_limits(const JobLimits& given) {
    if (given.time.length < Duration{1'000} || given.time.length > limits::attempt_time_max) {
        return refused("limits.time", "expected 1s to " +
                                          to_string(Span{limits::attempt_time_max}) + ", got " +
                                          to_string(given.time));
    }
    if (given.grace.length > limits::grace_max) {
        return refused("limits.grace", "expected at most " + to_string(Span{limits::grace_max}) +
                                           ", got " + to_string(given.grace));
    }
    if (given.output > limits::blob) {
        return refused("limits.output", "expected at most " + to_string(limits::blob) + ", got " +
                                            to_string(given.output));
    }
    if (given.log > limits::output_default) {
        return refused("limits.log", "expected at most " + to_string(limits::output_default) +
                                         ", got " + to_string(given.log));
    }
    return Done{};
}

Status check_price(const PriceCaps& caps) {
    if (caps.max_total && *caps.max_total <= Lamports{}) {
        return refused("price.max_total",
                       "expected an amount above zero, got " + to_string(*caps.max_total));
    }
    if (caps.max_hour && *caps.max_hour < Lamports{}) {
        return refused("price.max_hour",
                       "expected an amount that is not negative, got " + to_string(*caps.max_hour));
    }
    return Done{};
}

/// Nothing is verified yet, and an answer that says otherwise would be a lie.
Status check_cache(const JobSpec& job) {
    if (job.cache == Cache::off) return Done{};
    if (job.determinism == Determinism::none) {
        return refused("cache",
                       "expected \"determinism: bits\" beside it; results of a program that gives "
                       "others each time are not interchangeable");
    }
    if (!job.secrets.empty()) {
        return refused("cache", "expected a job without secrets: what theirs were is not compared");
    }
    if (job.cache == Cache::own_unverified) return Done{};
    return Error{Code::unsupported,
                 "cache: results are not verified yet, so none can be taken as verified; "
                 "own_unverified takes your own as they are"};
}

}  // namespace

bool is_relative_path(std::string_view path) {
    if (path.empty() || path.size() > limits::path_bytes || !is_printable(path)) return false;
    for (;;) {
        const auto slash = path.find('/');
        const std::string_view part = path.substr(0, slash);
        if (part.empty() || part == "." || part == "..") return false;
        if (slash == std::string_view::npos) return true;
        path.remove_prefix(slash + 1);
    }
}

bool is_secret_name(std::string_view text) {
    return is_variable(text) && !text.starts_with("SHOAL_");
}

Status validate(const JobSpec& job, SpecSource source, SpecPart part) {
    if (!is_name(job.name)) {
        return refused("name", fmt::format("expected 1 to {} characters, none of them a control or "
                                           "direction character",
                                           limits::name_characters));
    }
    TRY(check_matrix(job.tasks));
    TRY(check_command(job));
    TRY(check_environment(job));
    TRY(check_secrets(job));
    TRY(check_inputs(job, source, part));
    TRY(check_outputs(job));
    TRY(check_resources(job.resources));
    TRY(check_placement(job.placement));
    TRY(check_priority(job.priority));
    TRY(check_limits(job.limits));
    if (job.retries > limits::retries) {
        return refused("retries",
                       fmt::format("expected at most {}, got {}", limits::retries, job.retries));
    }
    if (job.result && !is_name(job.result->metric)) {
        return refused("result.metric", "expected the name of a metric");
    }
    if (part == SpecPart::alone && !job.needs.empty()) {
        return refused("needs", "only a step of a workflow needs others");
    }
    TRY(check_cache(job));
    return check_price(job.price);
}

std::vector<Parameters> expand(const TaskPlan& plan) {
    std::vector<Parameters> all{Parameters{}};
    for (const auto& [name, values] : plan.matrix) {
        std::vector<Parameters> longer;
        longer.reserve(all.size() * values.size());
        for (const Parameters& begun : all) {
            for (const Scalar& value : values) {
                longer.push_back(begun);
                longer.back().emplace(name, value);
            }
        }
        all = std::move(longer);
    }
    return all;
}

std::string substitute(std::string_view text, const Parameters& parameters) {
    std::string result;
    for (;;) {
        const auto open = text.find("${");
        result += text.substr(0, open);
        if (open == std::string_view::npos) return result;
        const auto close = text.find('}', open);
        check(close != std::string_view::npos);
        const auto found = parameters.find(std::string(text.substr(open + 2, close - open - 2)));
        check(found != parameters.end());
        result += to_string(found->second);
        text.remove_prefix(close + 1);
    }
}

}  // namespace shoal::protocol
