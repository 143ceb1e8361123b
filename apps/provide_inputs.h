#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/hash.h"
#include "core/result.h"
#include "core/time.h"
#include "io/http_client.h"
#include "io/url.h"
#include "protocol/attempt.h"
#include "protocol/reasons.h"
#include "protocol/session.h"
#include "provider/steps.h"

namespace shoal::apps {

/// Why inputs could not be had.
struct FetchProblem {
    protocol::Reason reason = protocol::Reason::fetch_failed;
    std::string detail;
    provider::Hope hope = provider::Hope::none;
    Duration wait{};  // what the market asks for before the next try
};

/// The inputs of attempts, by their hashes: BLOBS/HASH, one that may be executed also BLOBS/HASH.x;
/// folders as TREES/HASH, made of hard links. A name appears only when all its bytes are there, so
/// attempts that share an input share its bytes. For one thread at a time, which may wait.
class InputCache {
public:
    InputCache(const std::filesystem::path& folder, io::HttpClient market, std::string key);

    /// Gets what is not there yet, going on where an earlier try broke off.
    std::optional<FetchProblem> fetch(const std::vector<protocol::JobInput>&);

    /// Removes blobs that were not used since, and all trees. Only while no attempt uses any.
    void sweep(std::chrono::seconds age);

private:
    std::optional<FetchProblem> fetch_blob(const Hash&, std::uint64_t size, bool executable);
    std::optional<FetchProblem> download(const Hash&, std::uint64_t size);
    std::optional<FetchProblem> make_tree(const protocol::JobInput&);

    std::filesystem::path folder_;
    io::HttpClient market_;
    std::string authorization_;
};

/// Where an input that was fetched lies, as the job is shown it.
protocol::MountedInput mounted(const std::filesystem::path& folder, const protocol::JobInput&);

/// The hash that a folder's tree is kept under: of all paths, blobs and executable bits.
Hash tree_hash(const protocol::JobInput&);

}  // namespace shoal::apps
