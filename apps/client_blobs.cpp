// The client's uploads, which go on where an earlier one broke off.

#include <algorithm>
#include <array>
#include <thread>

#include "apps/client.h"
#include "core/json.h"
#include "core/limits.h"

namespace shoal::apps {

/// What the market says of an upload that is not whole yet.
struct Arrived {
    static constexpr std::array<std::string_view, 1> required{"size_bytes"};
    std::uint64_t size_bytes = 0;
};
BOOST_DESCRIBE_STRUCT(Arrived, (), (size_bytes))

namespace {

constexpr int status_accepted = 202;
constexpr int status_not_found = 404;
constexpr int send_tries = 5;
constexpr Duration send_delay{250};
constexpr std::uint64_t worth_resuming = 1 << 20;  // below it one more question costs more

std::string path_of(const Hash& hash) {
    return "/v1/blobs/" + to_string(hash);
}

Result<Arrived> read_arrived(const std::string& text) {
    const json::Value value = TRY(json::parse(text, limits::message_bytes));
    auto arrived = json::read<Arrived>(value, json::Reader::tolerant);
    if (arrived.ok()) return arrived;
    return Error{Code::corrupt, "the market's answer is not understood: " + arrived.error().what};
}

/// Whether the same upload may go better soon: the line broke, or the market still holds the end
/// of the one that broke.
bool may_pass(const Error& error) {
    return error.code == Code::unavailable || error.code == Code::timeout ||
           error.code == Code::conflict;
}

}  // namespace

Result<bool> Client::has_blob(const Hash& hash) {
    auto reply = http_.call(authorised("HEAD", path_of(hash)));
    if (reply.ok() && reply.value().status == status_not_found) return false;
    TRY(accepted(std::move(reply)));
    return true;
}

Status Client::send_blob(const Hash& hash, const std::filesystem::path& path) {
    Duration delay = send_delay;
    for (int tried = 1;; ++tried, delay *= 2) {
        const Status sent = send_rest(hash, path);
        if (sent.ok() || tried == send_tries || !may_pass(sent.error())) return sent;
        std::this_thread::sleep_for(delay);
    }
}

Status Client::send_rest(const Hash& hash, const std::filesystem::path& path) {
    const auto part = TRY(part_wanted(hash, path));
    if (!part) return Done{};
    io::Call call = authorised("PUT", path_of(hash));
    TRY(accepted(http_.send_file(std::move(call), path, *part)));
    return Done{};
}

/// What the market has of an earlier upload that broke off it tells when a first byte comes again.
Result<std::optional<io::HttpClient::Part>> Client::part_wanted(const Hash& hash,
                                                                const std::filesystem::path& path) {
    std::error_code failed;
    const std::uint64_t size = std::filesystem::file_size(path, failed);
    if (failed || size < worth_resuming) return std::optional(io::HttpClient::Part{});
    io::Call call = authorised("PUT", path_of(hash));
    const io::HttpClient::Part first{0, 1};
    const io::Reply reply = TRY(accepted(http_.send_file(std::move(call), path, first)));
    if (reply.status != status_accepted) return std::optional<io::HttpClient::Part>();
    const Arrived arrived = TRY(read_arrived(reply.body));
    return std::optional(io::HttpClient::Part{std::min(arrived.size_bytes, size - 1), {}});
}

}  // namespace shoal::apps
