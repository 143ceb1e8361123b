#pragma once

#include <string>
#include <vector>

#include "apps/client.h"
#include "apps/output.h"
#include "core/result.h"

namespace shoal::apps {

/// The table of a job's tasks: ranked ones first, in the order of their rank.
std::string task_table(std::vector<protocol::TaskView> tasks, const Terminal&);

/// What a job came to: its tasks, artifacts, charge and receipt. Errors of Client.
Status show_results(Client&, const Output&, const protocol::JobView&);

/// The colour of a job's or a task's state.
Colour colour_of(protocol::JobState);

}  // namespace shoal::apps
