#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/id.h"
#include "io/http_client.h"
#include "protocol/events.h"
#include "protocol/session.h"
#include "provider/steps.h"

namespace shoal::apps {

/// Finds, checks and hashes what an attempt left in its folder. May wait for the disk.
provider::Collected collect(const std::filesystem::path& attempt_folder,
                            const protocol::session::Order&, provider::Wanted);

/// Takes what attempts left to the market. For one thread at a time, which may wait.
class Uploads {
public:
    Uploads(io::HttpClient market, std::string key);

    /// Uploaded or UploadFailed. What the market has already is not sent again.
    provider::Input deliver(const std::filesystem::path& attempt_folder, const provider::Upload&);

private:
    std::optional<provider::UploadFailed> send(const std::filesystem::path&, LeaseId,
                                               const protocol::Artifact&);

    io::HttpClient market_;
    std::string authorization_;
};

}  // namespace shoal::apps
