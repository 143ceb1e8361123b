#include "apps/provide_uploads.h"

#include <fcntl.h>

#include "core/limits.h"
#include "io/files.h"
#include "sandbox/collect.h"

namespace shoal::apps {

namespace fs = std::filesystem;
using protocol::Artifact;
using protocol::session::Order;
using provider::Hope;
using provider::UploadFailed;

namespace {

constexpr std::uint64_t worth_asking = 1 << 20;  // smaller ones are sent sooner than asked about

std::optional<Artifact> hash_log(const fs::path& path) {
    const auto file = io::open_file(path, O_RDONLY);
    if (!file.ok()) return std::nullopt;
    const auto hash = io::hash_rest(file.value());
    std::error_code failed;
    const auto size = fs::file_size(path, failed);
    if (!hash.ok() || failed || size == 0) return std::nullopt;
    return Artifact{"log", hash.value(), size};
}

UploadFailed problem(LeaseId lease, const Error& error) {
    const bool passing = error.code == Code::unavailable || error.code == Code::timeout;
    return {lease, error.what, passing ? Hope::again : Hope::none, {}, 0};
}

UploadFailed refusal(LeaseId lease, const Artifact& artifact, const io::Reply& reply) {
    const bool passing = reply.status >= 500 || reply.status == 408 || reply.status == 429;
    return {lease, "the market answered " + std::to_string(reply.status) + " to " + artifact.path,
            passing ? Hope::again : Hope::none, io::retry_after(reply), 0};
}

bool is_success(int status) {
    return status >= 200 && status < 300;
}

}  // namespace

provider::Collected collect(const fs::path& attempt_folder, const Order& order,
                            provider::Wanted wanted) {
    provider::Collected collected;
    collected.lease = order.lease;
    collected.log = hash_log(attempt_folder / "log");
    if (wanted == provider::Wanted::log) return collected;
    sandbox::CollectLimits most;
    most.size = order.limits.output;
    most.files = limits::artifacts_per_attempt;
    auto found = sandbox::collect(attempt_folder / "out", order.outputs, most);
    if (found.refusal) {
        collected.refusal =
            provider::Collected::Refusal{found.refusal->reason, std::move(found.refusal->detail)};
        return collected;
    }
    for (sandbox::CollectedFile& file : found.files) {
        collected.artifacts.push_back({std::move(file.path), file.hash, file.size_bytes});
    }
    return collected;
}

Uploads::Uploads(io::HttpClient market, std::string key)
    : market_(std::move(market)), authorization_("Bearer " + std::move(key)) {}

provider::Input Uploads::deliver(const fs::path& attempt_folder, const provider::Upload& upload) {
    std::size_t taken = 0;
    std::optional<UploadFailed> failed;
    for (const Artifact& artifact : upload.artifacts) {
        failed = send(attempt_folder / "out" / artifact.path, upload.lease, artifact);
        if (failed) break;
        ++taken;
    }
    if (!failed && upload.log) failed = send(attempt_folder / "log", upload.lease, *upload.log);
    if (failed) {
        failed->taken = taken;
        return std::move(*failed);
    }
    return provider::Uploaded{upload.lease};
}

std::optional<UploadFailed> Uploads::send(const fs::path& file, LeaseId lease,
                                          const Artifact& artifact) {
    io::Call call;
    call.target = "/v1/blobs/" + to_string(artifact.blob);
    call.headers = {{"Authorization", authorization_}, {"Shoal-Lease", to_string(lease)}};
    if (artifact.size_bytes >= worth_asking) {
        call.method = "HEAD";
        const auto there = market_.call(call);
        if (!there.ok()) return problem(lease, there.error());
        if (is_success(there.value().status)) return std::nullopt;
    }
    call.method = "PUT";
    const auto sent = market_.send_file(std::move(call), file, {});
    if (!sent.ok()) return problem(lease, sent.error());
    if (!is_success(sent.value().status)) return refusal(lease, artifact, sent.value());
    return std::nullopt;
}

}  // namespace shoal::apps
