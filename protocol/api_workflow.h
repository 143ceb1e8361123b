#pragma once

// What REST answers about workflows.

#include <optional>
#include <string>
#include <vector>

#include <boost/describe.hpp>

#include "core/id.h"
#include "core/json.h"
#include "core/lamports.h"
#include "core/time.h"
#include "protocol/api.h"

namespace shoal::protocol {

/// A step and its job. `needs` and `waits_for` name steps: all that it needs, and those of them
/// that have not ended while it waits.
struct StepView {
    std::string step;
    std::vector<std::string> needs;
    std::vector<std::string> waits_for;
    JobView job;
};
BOOST_DESCRIBE_STRUCT(StepView, (), (step, needs, waits_for, job))

/// `state`: open while a step is; cancelled if the buyer cancelled one; failed if one failed that
/// others cannot do without; else finished. Each step stands after all that it needs.
struct WorkflowView {
    WorkflowId workflow;
    AccountId account;
    std::string name;
    JobState state = JobState::open;
    Lamports hold;
    Lamports charged;
    Lamports released;
    Time submitted;
    std::optional<Time> ended;
    std::vector<StepView> steps;
};
BOOST_DESCRIBE_STRUCT(WorkflowView, (),
                      (workflow, account, name, state, hold, charged, released, submitted, ended,
                       steps))

struct WorkflowPage {
    std::vector<WorkflowView> items;
    std::optional<std::string> next;
};
BOOST_DESCRIBE_STRUCT(WorkflowPage, (), (items, next))

}  // namespace shoal::protocol
