#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/client.h"
#include "apps/output.h"
#include "core/result.h"

namespace shoal::apps {

struct ArtifactWish {
    JobId job;
    std::optional<TaskId> task;  // absent: of all tasks
    std::filesystem::path folder;
};

/// The artifacts of a job, or of one of its tasks. Errors of Client.
Result<std::vector<protocol::ArtifactView>> artifacts_of(Client&, JobId, std::optional<TaskId>);

/// Loads artifacts into the folder, of several tasks each into a folder of its own below it. A
/// file appears under its name only when it is whole and its hash is right; one that is there
/// already and right is left alone. Nothing is written outside the folder, not even through a
/// link. corrupt: a path or a hash is wrong. conflict: a link or a file stands in the way.
/// Else the errors of Client and of files.
Status load_artifacts(Client&, const Output&, const ArtifactWish&);

/// Where an artifact comes to lie. corrupt: the path would lead out of the folder.
Result<std::filesystem::path> artifact_place(const std::filesystem::path& folder,
                                             const std::string& path);

}  // namespace shoal::apps
