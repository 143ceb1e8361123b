#include "apps/provide_inputs.h"

#include <algorithm>
#include <system_error>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/bytes.h"
#include "core/limits.h"
#include "io/files.h"

namespace shoal::apps {

namespace fs = std::filesystem;
using protocol::InputFile;
using protocol::JobInput;
using protocol::Reason;
using provider::Hope;

namespace {

constexpr mode_t plain_mode = 0444;
constexpr mode_t executable_mode = 0555;

fs::path blob_path(const fs::path& folder, const Hash& hash, bool executable) {
    return folder / "blobs" / (to_string(hash) + (executable ? ".x" : ""));
}

fs::path tree_path(const fs::path& folder, const Hash& hash) {
    return folder / "trees" / to_string(hash);
}

bool is_there(const fs::path& path) {
    std::error_code failed;
    return fs::exists(path, failed);
}

FetchProblem problem(const Error& error) {
    const bool passing = error.code == Code::unavailable || error.code == Code::timeout;
    return {Reason::fetch_failed, error.what, passing ? Hope::again : Hope::none, {}};
}

FetchProblem refusal(const Hash& hash, const io::Reply& reply) {
    const std::string what =
        "the market answered " + std::to_string(reply.status) + " for " + to_string(hash);
    if (reply.status == 404) return {Reason::input_missing, what, Hope::none, {}};
    const bool passing = reply.status >= 500 || reply.status == 408 || reply.status == 429;
    return {Reason::fetch_failed, what, passing ? Hope::again : Hope::none, io::retry_after(reply)};
}

/// Copies the rest of a file, sharing its blocks where the disk can.
Status copy_rest(const io::Descriptor& from, const io::Descriptor& to) {
    if (::ioctl(to.number(), FICLONE, from.number()) == 0) return Done{};
    constexpr std::size_t piece = 1 << 30;
    for (;;) {
        const ssize_t sent = ::sendfile(to.number(), from.number(), nullptr, piece);
        if (sent == 0) return Done{};
        if (sent < 0 && errno != EINTR) return io::system_error("copy an input", errno);
    }
}

/// Gives a complete file its name.
Status publish(const io::Descriptor& file, const fs::path& from, const fs::path& to, mode_t mode) {
    if (::fchmod(file.number(), mode) != 0) return io::system_error("set an input's mode", errno);
    if (::fdatasync(file.number()) != 0) return io::system_error("sync an input", errno);
    if (::rename(from.c_str(), to.c_str()) != 0) return io::system_error("keep an input", errno);
    return Done{};
}

Status copy_executable(const fs::path& plain, const fs::path& executable) {
    const fs::path draft = executable.string() + ".new";
    const auto from = TRY(io::open_file(plain, O_RDONLY));
    const auto to = TRY(io::open_file(draft, O_WRONLY | O_CREAT | O_TRUNC));
    TRY(copy_rest(from, to));
    return publish(to, draft, executable, executable_mode);
}

Status link_file(const fs::path& from, const fs::path& to) {
    std::error_code failed;
    fs::create_directories(to.parent_path(), failed);
    if (failed) return io::system_error("make a folder of an input", failed.value());
    fs::create_hard_link(from, to, failed);
    if (failed) return io::system_error("link an input", failed.value());
    return Done{};
}

/// Others than the owner must be able to walk through it: the job is another user.
void open_folders(const fs::path& tree) {
    std::error_code ignored;
    constexpr auto mode = fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec |
                          fs::perms::others_read | fs::perms::others_exec;
    fs::permissions(tree, mode, ignored);
    for (fs::recursive_directory_iterator at(tree, ignored), end; !ignored && at != end;
         at.increment(ignored)) {
        std::error_code failed;
        if (at->is_directory(failed)) fs::permissions(at->path(), mode, failed);
    }
}

}  // namespace

InputCache::InputCache(const fs::path& folder, io::HttpClient market, std::string key)
    : folder_(folder), market_(std::move(market)), authorization_("Bearer " + std::move(key)) {}

std::optional<FetchProblem> InputCache::fetch(const std::vector<JobInput>& inputs) {
    for (const JobInput& input : inputs) {
        if (input.blob) {
            auto failed = fetch_blob(*input.blob, input.size_bytes, input.executable);
            if (failed) return failed;
            continue;
        }
        for (const InputFile& file : input.files) {
            auto failed = fetch_blob(file.blob, file.size_bytes, file.executable);
            if (failed) return failed;
        }
        if (auto failed = make_tree(input)) return failed;
    }
    return std::nullopt;
}

std::optional<FetchProblem> InputCache::fetch_blob(const Hash& hash, std::uint64_t size,
                                                   bool executable) {
    const fs::path plain = blob_path(folder_, hash, false);
    if (!is_there(plain)) {
        if (auto failed = download(hash, size)) return failed;
    }
    std::error_code ignored;
    fs::last_write_time(plain, fs::file_time_type::clock::now(), ignored);  // for sweep()
    const fs::path wanted = blob_path(folder_, hash, executable);
    if (is_there(wanted)) return std::nullopt;
    const Status copied = copy_executable(plain, wanted);
    if (!copied.ok()) return problem(copied.error());
    return std::nullopt;
}

std::optional<FetchProblem> InputCache::download(const Hash& hash, std::uint64_t size) {
    const fs::path part = folder_ / "fetch" / to_string(hash);
    io::Call call;
    call.target = "/v1/blobs/" + to_string(hash);
    call.headers = {{"Authorization", authorization_}};
    const std::uint64_t most = size > 0 ? std::min(size, limits::blob.bytes) : limits::blob.bytes;
    const auto fetched = market_.fetch_file(std::move(call), part, most);
    if (!fetched.ok()) return problem(fetched.error());
    const auto& refused = fetched.value().refused;
    constexpr int nothing_left = 416;  // an earlier try got all of it
    if (refused && refused->status != nothing_left) return refusal(hash, *refused);

    const auto file = io::open_file(part, O_RDONLY);
    if (!file.ok()) return problem(file.error());
    const auto found = io::hash_rest(file.value());
    if (!found.ok()) return problem(found.error());
    if (found.value() != hash) {
        ::unlink(part.c_str());
        return FetchProblem{Reason::input_changed,
                            "expected " + to_string(hash) + ", got " + to_string(found.value()),
                            Hope::none,
                            {}};
    }
    const Status kept = publish(file.value(), part, blob_path(folder_, hash, false), plain_mode);
    if (!kept.ok()) return problem(kept.error());
    return std::nullopt;
}

std::optional<FetchProblem> InputCache::make_tree(const JobInput& input) {
    const fs::path tree = tree_path(folder_, tree_hash(input));
    if (is_there(tree)) return std::nullopt;
    const fs::path draft = tree.string() + ".new";
    std::error_code failed;
    fs::remove_all(draft, failed);
    fs::create_directory(draft, failed);
    if (failed) return problem(io::system_error("make an input's folder", failed.value()));
    for (const InputFile& file : input.files) {
        const Status linked =
            link_file(blob_path(folder_, file.blob, file.executable), draft / file.path);
        if (!linked.ok()) return problem(linked.error());
    }
    open_folders(draft);
    fs::rename(draft, tree, failed);
    if (failed) return problem(io::system_error("keep an input's folder", failed.value()));
    return std::nullopt;
}

void InputCache::sweep(std::chrono::seconds age) {
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(folder_ / "trees", failed)) {
        std::error_code ignored;
        fs::remove_all(entry.path(), ignored);
    }
    const auto oldest = fs::file_time_type::clock::now() - age;
    for (const char* name : {"blobs", "fetch"}) {
        for (const auto& entry : fs::directory_iterator(folder_ / name, failed)) {
            std::error_code ignored;
            const auto used = entry.last_write_time(ignored);
            if (!ignored && used < oldest) fs::remove(entry.path(), ignored);
        }
    }
}

protocol::MountedInput mounted(const fs::path& folder, const JobInput& input) {
    const fs::path source = input.blob ? blob_path(folder, *input.blob, input.executable)
                                       : tree_path(folder, tree_hash(input));
    return {input.as, source};
}

Hash tree_hash(const JobInput& input) {
    CanonicalWriter writer("shoal.input_tree", 1);
    writer.number(input.files.size());
    for (const InputFile& file : input.files) {
        writer.text(file.path).bytes(file.blob.bytes).number(file.executable ? 1 : 0);
    }
    return sha256(writer.written());
}

}  // namespace shoal::apps
