#include "apps/job_file.h"

#include <algorithm>

#include <fmt/format.h>

#include "apps/exit.h"
#include "apps/words.h"
#include "core/limits.h"
#include "io/files.h"
#include "io/yaml.h"

namespace shoal::apps {

namespace {

/// The path that a validation error begins with: "tasks.matrix.rate: expected …".
std::string_view path_in(const Error& error) {
    return std::string_view(error.what).substr(0, error.what.find(": "));
}

Error at(const std::string& name, const io::yaml::Document& document, const Error& error) {
    const auto position = document.position_of(path_in(error));
    return {Code::invalid,
            fmt::format("{}:{}:{}: {}", name, position.line, position.column, error.what)};
}

/// "name.yaml: line 3, column 5: …" as "name.yaml:3:5: …", which editors can jump to.
Error jumpable(const std::string& name, const Error& error) {
    std::size_t line = 0;
    std::size_t column = 0;
    int end = 0;
    if (std::sscanf(error.what.c_str(), "line %zu, column %zu: %n", &line, &column, &end) == 2 &&
        end > 0) {
        return {Code::invalid, fmt::format("{}:{}:{}: {}", name, line, column,
                                           error.what.substr(static_cast<std::size_t>(end)))};
    }
    return {Code::invalid, name + ": " + error.what};
}

Status set_size(std::string_view flag, const std::string& text, Size& size) {
    if (text.empty()) return Done{};
    auto parsed = parse_size(text);
    if (!parsed.ok()) return in_flag(flag, parsed.error());
    size = parsed.value();
    return Done{};
}

Status set_limits(const JobFlags& flags, protocol::JobSpec& spec) {
    if (flags.cores) spec.resources.cores = *flags.cores;
    TRY(set_size("--memory", flags.memory, spec.resources.memory));
    TRY(set_size("--disk", flags.disk, spec.resources.disk));
    if (!flags.time.empty()) {
        auto time = parse_span(flags.time);
        if (!time.ok()) return in_flag("--time", time.error());
        spec.limits.time = time.value();
    }
    if (!flags.max_total.empty()) {
        auto amount = parse_credit(flags.max_total);
        if (!amount.ok()) return in_flag("--max-total", amount.error());
        spec.price.max_total = amount.value();
    }
    return Done{};
}

/// "PATH" or "PATH:NAME". A colon after which there is a slash belongs to the path.
protocol::JobInput input_of(const std::string& word) {
    protocol::JobInput input;
    const auto colon = word.rfind(':');
    const bool is_named = colon != std::string::npos && colon + 1 < word.size() &&
                          word.find('/', colon) == std::string::npos;
    input.path = is_named ? word.substr(0, colon) : word;
    if (is_named) input.as = word.substr(colon + 1);
    return input;
}

std::string last_part(const std::filesystem::path& path) {
    const auto whole = std::filesystem::absolute(path).lexically_normal();
    return whole.has_filename() ? whole.filename().string()
                                : whole.parent_path().filename().string();
}

/// "./train" is a program of this machine, which travels with the job, unless an input has its
/// name already.
Status add_program(protocol::JobSpec& spec) {
    std::string& program = spec.command.front();
    if (program.find('/') == std::string::npos || program.starts_with('/')) return Done{};
    const std::string name = last_part(program);
    const auto is_it = [&](const protocol::JobInput& input) {
        return (input.as.empty() ? last_part(*input.path) : input.as) == name;
    };
    if (std::ranges::any_of(spec.inputs, is_it)) return Done{};
    std::error_code failed;
    if (!std::filesystem::is_regular_file(program, failed)) {
        return advise({Code::not_found, program + ": there is no such file to send"},
                      "A program of the provider's is named without a slash, or from / on.");
    }
    protocol::JobInput input;
    input.path = program;
    spec.inputs.push_back(std::move(input));
    program = "/in/" + name;
    return Done{};
}

}  // namespace

Result<protocol::JobSpec> read_job(const std::string& text, const std::string& name) {
    const auto document = io::yaml::parse(text);
    if (!document.ok()) return jumpable(name, document.error());
    auto spec = io::yaml::read<protocol::JobSpec>(document.value());
    if (!spec.ok()) return jumpable(name, spec.error());
    const auto valid = protocol::validate(spec.value(), protocol::SpecSource::file);
    if (!valid.ok()) return at(name, document.value(), valid.error());
    return spec;
}

Result<LocalJob> read_job_file(const std::filesystem::path& path) {
    auto text = io::read_file(path, limits::job_file_bytes);
    if (!text.ok()) return std::move(text).error();
    LocalJob job;
    job.spec = TRY(read_job(text.value(), path.string()));
    job.folder = path.parent_path();
    return job;
}

Result<std::optional<protocol::WorkflowSpec>> read_workflow(const std::string& text,
                                                            const std::string& name) {
    auto document = io::yaml::parse(text);
    if (!document.ok()) return jumpable(name, document.error());
    io::yaml::Document file = std::move(document).value();
    const auto* members = file.value.if_object();
    if (!members || !members->contains("steps")) return std::optional<protocol::WorkflowSpec>();
    auto whole = protocol::complete(file.value);
    if (!whole.ok()) return at(name, file, whole.error());
    file.value = std::move(whole).value();
    auto spec = io::yaml::read<protocol::WorkflowSpec>(file);
    if (!spec.ok()) return jumpable(name, spec.error());
    const auto valid = protocol::validate(spec.value(), protocol::SpecSource::file);
    if (!valid.ok()) return at(name, file, valid.error());
    return std::optional(std::move(spec).value());
}

Result<std::optional<LocalWorkflow>> read_workflow_file(const std::filesystem::path& path) {
    auto text = io::read_file(path, limits::job_file_bytes);
    if (!text.ok()) return std::move(text).error();
    auto spec = TRY(read_workflow(text.value(), path.string()));
    if (!spec) return std::optional<LocalWorkflow>();
    return std::optional(LocalWorkflow{std::move(*spec), path.parent_path()});
}

Result<LocalJob> job_of_flags(const JobFlags& flags) {
    LocalJob job;
    protocol::JobSpec& spec = job.spec;
    spec.command = flags.command;
    spec.name = flags.name.empty() ? last_part(flags.command.front()) : flags.name;
    TRY(set_limits(flags, spec));
    for (const std::string& word : flags.inputs) spec.inputs.push_back(input_of(word));
    TRY(add_program(spec));
    for (const std::string& path : flags.outputs) spec.outputs.push_back({path, false});
    for (const std::string& word : flags.environment) {
        const auto equals = word.find('=');
        if (equals == std::string::npos) {
            return Error{Code::invalid,
                         fmt::format("--env: expected NAME=VALUE, got \"{}\"", word)};
        }
        spec.environment[word.substr(0, equals)] = word.substr(equals + 1);
    }
    TRY(protocol::validate(spec, protocol::SpecSource::file));
    return job;
}

}  // namespace shoal::apps
