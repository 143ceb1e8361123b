// From a job's paths on this machine to blobs of the market.

#include <algorithm>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "apps/job_file.h"
#include "core/limits.h"
#include "io/files.h"

namespace shoal::apps {

namespace {

namespace fs = std::filesystem;

/// What tells that a file is still the same.
struct Look {
    Hash hash;
    std::uint64_t size_bytes = 0;
    timespec changed{};
    bool executable = false;
};

Result<struct stat> facts(const io::Descriptor& file, const fs::path& path) {
    struct stat facts{};
    if (fstat(file.number(), &facts) != 0) return io::system_error(path.string(), errno);
    if (!S_ISREG(facts.st_mode)) {
        return Error{Code::invalid, path.string() + ": neither a file nor a folder"};
    }
    return facts;
}

bool same(const struct stat& one, const struct stat& other) {
    return one.st_size == other.st_size && one.st_mtim.tv_sec == other.st_mtim.tv_sec &&
           one.st_mtim.tv_nsec == other.st_mtim.tv_nsec && one.st_ino == other.st_ino;
}

Error changed(const fs::path& path) {
    return advise({Code::conflict, path.string() + " changed while it was read"},
                  "Run again when nothing writes to it.");
}

Result<Look> look_at(const fs::path& path) {
    // Without O_NONBLOCK a pipe in the folder would stop everything.
    const io::Descriptor file = TRY(io::open_file(path, O_RDONLY | O_NONBLOCK));
    const struct stat before = TRY(facts(file, path));
    const Hash hash = TRY(io::hash_rest(file));
    const struct stat after = TRY(facts(file, path));
    if (!same(before, after)) return changed(path);
    return Look{hash, static_cast<std::uint64_t>(after.st_size), after.st_mtim,
                (after.st_mode & S_IXUSR) != 0};
}

/// Whether the file is what it was; its bytes are read again only if its times say otherwise.
Status check_unchanged(const fs::path& path, const Look& before) {
    const io::Descriptor file = TRY(io::open_file(path, O_RDONLY | O_NONBLOCK));
    const struct stat now = TRY(facts(file, path));
    const bool untouched = static_cast<std::uint64_t>(now.st_size) == before.size_bytes &&
                           now.st_mtim.tv_sec == before.changed.tv_sec &&
                           now.st_mtim.tv_nsec == before.changed.tv_nsec;
    if (untouched) return Done{};
    if (TRY(io::hash_rest(file)) != before.hash) return changed(path);
    return Done{};
}

/// Hashes files, and sends what the market lacks if there is a client.
class Uploader {
public:
    Uploader(Client* client, const Output* out) : client_(client), out_(out) {}

    Result<Look> add(const fs::path& path) {
        Look look = TRY(look_at(path));
        if (!client_) return look;
        if (!TRY(client_->has_blob(look.hash))) {
            out_->say(
                fmt::format("uploading {} ({})", path.string(), to_rounded(Size{look.size_bytes})));
            const auto sent = client_->send_blob(look.hash, path);
            TRY(check_unchanged(path, look));
            if (!sent.ok()) return sent.error();
            return look;
        }
        TRY(check_unchanged(path, look));
        return look;
    }

private:
    Client* client_;
    const Output* out_;
};

/// The files below a folder, in the order of their paths.
Result<std::vector<fs::path>> files_below(const fs::path& folder) {
    std::vector<fs::path> found;
    std::error_code failed;
    fs::recursive_directory_iterator next(folder, failed);
    for (; !failed && next != fs::recursive_directory_iterator(); next.increment(failed)) {
        const fs::file_status status = next->status(failed);
        if (failed) break;
        const bool is_link = next->is_symlink(failed);
        if (fs::is_directory(status) && !is_link) continue;
        if (!fs::is_regular_file(status)) {
            return advise({Code::invalid, next->path().string() +
                                              ": neither a file nor a folder that can be sent"},
                          "Replace the link by the folder that it leads to.");
        }
        found.push_back(next->path());
        if (found.size() > limits::inputs_per_job) {
            return Error{Code::invalid, fmt::format("{}: holds more than {} files", folder.string(),
                                                    limits::inputs_per_job)};
        }
    }
    if (failed) return io::system_error(folder.string(), failed.value());
    if (found.empty()) return Error{Code::invalid, folder.string() + ": holds no files"};
    std::ranges::sort(found);
    return found;
}

Status add_folder(const fs::path& folder, protocol::JobInput& input, Uploader& uploader) {
    for (const fs::path& path : TRY(files_below(folder))) {
        const Look look = TRY(uploader.add(path));
        input.files.push_back({path.lexically_relative(folder).generic_string(), look.hash,
                               look.size_bytes, look.executable});
    }
    return Done{};
}

std::string name_of_input(const fs::path& path) {
    const auto whole = fs::absolute(path).lexically_normal();
    return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

Status add_input(std::size_t place, const fs::path& base, protocol::JobInput& input,
                 Uploader& uploader) {
    if (input.from) {
        if (input.as.empty()) input.as = input.path ? name_of_input(*input.path) : *input.from;
        return Done{};
    }
    if (!input.path) return Done{};
    const fs::path path = base / *input.path;
    std::error_code failed;
    const fs::file_status status = fs::status(path, failed);
    if (status.type() == fs::file_type::not_found) {
        return advise(
            {Code::not_found, fmt::format("inputs[{}]: {} does not exist", place, path.string())},
            base.empty() ? "" : "Paths start from the job file's folder.");
    }
    if (failed) return io::system_error(path.string(), failed.value());
    if (input.as.empty()) input.as = name_of_input(path);
    input.path.reset();
    if (fs::is_directory(status)) return add_folder(path, input, uploader);
    const Look look = TRY(uploader.add(path));
    input.blob = look.hash;
    input.size_bytes = look.size_bytes;
    input.executable = look.executable;
    return Done{};
}

Result<protocol::JobSpec> with_inputs(const LocalJob& job, Uploader uploader) {
    protocol::JobSpec spec = job.spec;
    for (std::size_t i = 0; i < spec.inputs.size(); ++i) {
        TRY(add_input(i, job.folder, spec.inputs[i], uploader));
    }
    TRY(protocol::validate(spec, protocol::SpecSource::api, job.part));
    return spec;
}

}  // namespace

Result<protocol::JobSpec> upload_inputs(const LocalJob& job, Client& client, const Output& out) {
    return with_inputs(job, Uploader(&client, &out));
}

Result<protocol::JobSpec> name_inputs(const LocalJob& job) {
    return with_inputs(job, Uploader(nullptr, nullptr));
}

Result<protocol::WorkflowSpec> upload_inputs(const LocalWorkflow& workflow, Client& client,
                                             const Output& out) {
    protocol::WorkflowSpec spec = workflow.spec;
    for (auto& [name, step] : spec.steps) {
        const LocalJob local{step, workflow.folder, protocol::SpecPart::step};
        auto sent = upload_inputs(local, client, out);
        if (!sent.ok()) {
            return Error{sent.error().code, "steps." + name + ": " + sent.error().what};
        }
        step = std::move(sent).value();
    }
    return spec;
}

}  // namespace shoal::apps
