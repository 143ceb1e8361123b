#pragma once

// A job as the buyer has it: a file or flags, with inputs that lie on this machine.

#include <filesystem>
#include <optional>
#include <string>

#include "apps/client.h"
#include "apps/commands.h"
#include "core/result.h"
#include "protocol/job.h"
#include "protocol/workflow.h"

namespace shoal::apps {

/// A valid job, and the folder that its inputs' paths start from.
struct LocalJob {
    protocol::JobSpec spec;
    std::filesystem::path folder;
    protocol::SpecPart part = protocol::SpecPart::alone;
};

/// A valid workflow, likewise.
struct LocalWorkflow {
    protocol::WorkflowSpec spec;
    std::filesystem::path folder;
};

/// Reads a job file strictly. Errors name the place: `job.yaml:12:3: tasks.matrix.rate: …`.
/// invalid: what it says. Else the errors of io::read_file.
Result<LocalJob> read_job_file(const std::filesystem::path&);

/// The text of a job file; `name` is for errors.
Result<protocol::JobSpec> read_job(const std::string& text, const std::string& name);

/// As above of a workflow file; nothing if the file has no `steps`: then it is a job's.
Result<std::optional<LocalWorkflow>> read_workflow_file(const std::filesystem::path&);
Result<std::optional<protocol::WorkflowSpec>> read_workflow(const std::string& text,
                                                            const std::string& name);

/// The job that flags describe. invalid: the flag and what was expected.
Result<LocalJob> job_of_flags(const JobFlags&);

/// The same job as the market takes it: inputs by hash, nothing uploaded yet where `client` has
/// it. Each file is hashed, sent if the market lacks it, and looked at again: conflict: it changed
/// meanwhile. not_found, denied: it cannot be read. invalid: neither a file nor a folder. Else the
/// errors of Client.
Result<protocol::JobSpec> upload_inputs(const LocalJob&, Client& client, const Output& out);

/// The same with nothing sent, for a quote.
Result<protocol::JobSpec> name_inputs(const LocalJob&);

/// Of every step, with `steps.NAME.` before what is wrong.
Result<protocol::WorkflowSpec> upload_inputs(const LocalWorkflow&, Client& client,
                                             const Output& out);

}  // namespace shoal::apps
