#pragma once

// What a buyer asks for when jobs need one another's outputs: the workflow file, and the body of
// POST /v1/workflows.

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/describe.hpp>

#include "core/json.h"
#include "core/lamports.h"
#include "core/result.h"
#include "protocol/job.h"

namespace shoal::protocol {

/// What all steps together may set aside.
struct WorkflowPrice {
    std::optional<Lamports> max_total;

    friend bool operator==(const WorkflowPrice&, const WorkflowPrice&) = default;
};
BOOST_DESCRIBE_STRUCT(WorkflowPrice, (), (max_total))

/// Steps by name. Each is a whole job; `needs` and `inputs[].from` name other steps.
struct WorkflowSpec {
    static constexpr std::array<std::string_view, 2> required{"name", "steps"};
    std::string name;
    std::map<std::string, JobSpec> steps;
    WorkflowPrice price;

    friend bool operator==(const WorkflowSpec&, const WorkflowSpec&) = default;
};
BOOST_DESCRIBE_STRUCT(WorkflowSpec, (), (name, steps, price))

/// Whether the workflow may be run at all: every step is sound, needs steps that are there, takes
/// only what they declare, and none waits for itself, by whatever way round.
/// invalid, unsupported: the path of the field, as validate() of a job, below `steps.NAME`.
Status validate(const WorkflowSpec&, SpecSource source);

/// The steps' names, each after all that it needs. To be called on a valid workflow.
std::vector<std::string> order_of(const WorkflowSpec&);

/// A workflow as people write it, with what they leave out put in its place: a key beside `steps`
/// holds for each step that does not say otherwise (of objects, member by member; but what `price`
/// says of `max_total` is of all steps together), a list of needs becomes one with the usual
/// policy, and a step without a name is called WORKFLOW/STEP.
/// invalid: the path, what was expected and what came.
Result<json::Value> complete(json::Value workflow);

}  // namespace shoal::protocol
