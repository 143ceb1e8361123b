#pragma once

// What a buyer asks for: the job file, and the body of POST /v1/jobs. (docs: design "workload".)

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/describe.hpp>

#include "core/hash.h"
#include "core/lamports.h"
#include "core/limits.h"
#include "core/result.h"
#include "core/scalar.h"
#include "core/units.h"
#include "protocol/resources.h"

namespace shoal::protocol {

enum class JobKind { exec };
BOOST_DESCRIBE_ENUM(JobKind, exec)

/// One file of an input folder.
struct InputFile {
    static constexpr std::array<std::string_view, 2> required{"path", "blob"};
    std::string path;  // relative, below the input's name
    Hash blob;
    std::uint64_t size_bytes = 0;
    bool executable = false;

    friend bool operator==(const InputFile&, const InputFile&) = default;
};
BOOST_DESCRIBE_STRUCT(InputFile, (), (path, blob, size_bytes, executable))

/// What the attempt sees as /in/NAME. People write `path` (the CLI uploads it and puts `blob` or
/// `files` in its place); the market takes `blob` (one file) or `files` (a folder). `from`: what
/// that step of the workflow left, all of it or what lies at `path`; the market puts `blob` or
/// `files` beside it when the step has ended.
struct JobInput {
    std::string as;  // absent in a job file: the last part of `path`
    std::optional<std::string> from;
    std::optional<std::string> path;
    std::optional<Hash> blob;
    std::uint64_t size_bytes = 0;
    bool executable = false;
    std::vector<InputFile> files;

    friend bool operator==(const JobInput&, const JobInput&) = default;
};
BOOST_DESCRIBE_STRUCT(JobInput, (), (as, from, path, blob, size_bytes, executable, files))

/// What the attempt must leave in /out; a folder stands for all below it.
struct JobOutput {
    static constexpr std::array<std::string_view, 1> required{"path"};
    std::string path;
    bool optional = false;

    friend bool operator==(const JobOutput&, const JobOutput&) = default;
};
BOOST_DESCRIBE_STRUCT(JobOutput, (), (path, optional))

/// One task for each combination of the values. `gang`: so many tasks, in their order, begin
/// together or not at all; zero: each by itself.
struct TaskPlan {
    std::map<std::string, std::vector<Scalar>> matrix;
    std::uint32_t gang = 0;

    friend bool operator==(const TaskPlan&, const TaskPlan&) = default;
};
BOOST_DESCRIBE_STRUCT(TaskPlan, (), (matrix, gang))

enum class Best { max, min };
BOOST_DESCRIBE_ENUM(Best, max, min)

/// What ranks the tasks: the last value of a metric that the job reports.
struct ResultRule {
    static constexpr std::array<std::string_view, 1> required{"metric"};
    std::string metric;
    Best best = Best::max;

    friend bool operator==(const ResultRule&, const ResultRule&) = default;
};
BOOST_DESCRIBE_STRUCT(ResultRule, (), (metric, best))

struct JobLimits {
    Span time{std::chrono::hours{1}};
    Span grace{std::chrono::seconds{30}};
    Size output = limits::output_default;
    Size log = limits::log_default;

    friend bool operator==(const JobLimits&, const JobLimits&) = default;
};
BOOST_DESCRIBE_STRUCT(JobLimits, (), (time, grace, output, log))

/// How the result is checked. Any program can be run; only `none` is offered so far, and said so.
enum class Verify { none };
BOOST_DESCRIBE_ENUM(Verify, none)

/// What the buyer promises of the program. `bits`: the same command, environment and inputs give
/// the same bytes, on every machine.
enum class Determinism { none, bits };
BOOST_DESCRIBE_ENUM(Determinism, none, bits)

/// Whether a task may be answered by the result of an earlier one that was the same.
/// `own_unverified`: by the account's own, which nobody checked. `verified` and `shared` (by
/// anyone's verified result) are refused until results are verified.
enum class Cache { off, own_unverified, verified, shared };
BOOST_DESCRIBE_ENUM(Cache, off, own_unverified, verified, shared)

/// What becomes of a step if one that it needs did not finish: it fails too, it is left out, or it
/// runs all the same with what there is.
enum class OnFailure { fail, skip, run };
BOOST_DESCRIBE_ENUM(OnFailure, fail, skip, run)

struct Need {
    OnFailure on_failure = OnFailure::fail;

    friend bool operator==(const Need&, const Need&) = default;
};
BOOST_DESCRIBE_STRUCT(Need, (), (on_failure))

/// What the buyer will pay at most, in all and for an hour of one task.
struct PriceCaps {
    std::optional<Lamports> max_total;
    std::optional<Lamports> max_hour;

    friend bool operator==(const PriceCaps&, const PriceCaps&) = default;
};
BOOST_DESCRIBE_STRUCT(PriceCaps, (), (max_total, max_hour))

struct JobSpec {
    static constexpr std::array<std::string_view, 2> required{"name", "command"};
    std::string name;
    JobKind kind = JobKind::exec;
    std::vector<std::string> command;
    std::vector<JobInput> inputs;
    std::vector<JobOutput> outputs;
    TaskPlan tasks;
    std::optional<ResultRule> result;
    std::map<std::string, std::string> environment;
    Resources resources;
    Placement placement;
    std::int32_t priority =
        0;  // among one buyer's own jobs; a point is worth ten minutes of waiting
    JobLimits limits;
    std::uint32_t retries = 2;
    Verify verify = Verify::none;
    PriceCaps price;
    Determinism determinism = Determinism::none;
    Cache cache = Cache::off;
    std::map<std::string, Need> needs;  // by step; only a step of a workflow has some
    std::vector<std::string> secrets;   // of the account, by the names that the program sees

    friend bool operator==(const JobSpec&, const JobSpec&) = default;
};
BOOST_DESCRIBE_STRUCT(JobSpec, (),
                      (name, kind, command, inputs, outputs, tasks, result, environment, resources,
                       placement, priority, limits, retries, verify, price, determinism, cache,
                       needs, secrets))

/// The values that one task was given.
using Parameters = std::map<std::string, Scalar>;

/// Whether the job may be run at all: names, sizes, counts, paths, `${name}`s that the matrix has.
/// `source` says whether inputs may still be paths of the buyer's machine, `part` whether the job
/// may need others.
/// invalid: the path of the field, what was expected and what came.
/// unsupported: what is asked for is not offered yet.
enum class SpecSource { file, api };
enum class SpecPart { alone, step };
Status validate(const JobSpec&, SpecSource source, SpecPart part = SpecPart::alone);

/// A path below a folder: not absolute, no empty part, no "." or "..", no control characters, not
/// too long.
bool is_relative_path(std::string_view path);

/// Whether the text may name a secret: the name of an environment variable that is not one of the
/// market's own.
bool is_secret_name(std::string_view text);

/// All combinations, the last name changing fastest; one empty combination without a matrix.
/// To be called on a valid job.
std::vector<Parameters> expand(const TaskPlan&);

/// The text with each ${name} replaced. To be called on a valid job.
std::string substitute(std::string_view text, const Parameters&);

}  // namespace shoal::protocol
