#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/id.h"
#include "core/result.h"
#include "core/signature.h"
#include "protocol/attempt.h"
#include "protocol/session.h"
#include "provider/attempts.h"

namespace shoal::apps {

/// Where a provider keeps its things:
///     identity.key           its ed25519 secret, made once, mode 0600
///     filter                 the compiled seccomp filter, made anew at each start
///     blobs/ trees/ fetch/   inputs of attempts, whole and on their way (provide_inputs.h)
///     attempts/LEASE/        one attempt: order.json and what its shim keeps
class ProviderFolder {
public:
    /// Makes what is missing. The folder is locked by whoever calls.
    static Result<ProviderFolder> open(const std::filesystem::path& folder);

    /// corrupt: the file is there and is not a key. denied: others may read it.
    Result<SecretKey> identity() const;

    std::filesystem::path attempt(LeaseId) const;
    std::filesystem::path filter() const { return folder_ / "filter"; }
    const std::filesystem::path& path() const { return folder_; }

    /// Makes the attempt's folder with all that its shim needs, but for the values of secrets,
    /// which are written nowhere. Nothing is synced: after a power cut the attempt is lost anyway.
    Status prepare(const protocol::session::Order&, const protocol::AttemptSpec&) const;

    /// Removes what an attempt left. Owner or not: its job may have made folders unreadable.
    void remove(LeaseId) const;

    /// The attempts of an earlier process. A folder that tells of none is removed.
    std::vector<provider::Found> found() const;

private:
    explicit ProviderFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

    std::filesystem::path folder_;
};

}  // namespace shoal::apps
