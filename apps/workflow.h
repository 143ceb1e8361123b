#pragma once

#include "apps/commands.h"
#include "apps/job_file.h"

namespace shoal::apps {

/// Submits the workflow and tells of its steps until all have ended.
Result<Exit> run_workflow(Context&, const LocalWorkflow&, const RunOptions&);

/// Submits the workflow and prints its id.
Result<Exit> submit_workflow(Context&, const LocalWorkflow&);

Result<Exit> cancel_workflow(Context&, WorkflowId);

/// What each step waits for that has not ended.
Result<Exit> explain_workflow(Context&, WorkflowId);

}  // namespace shoal::apps
