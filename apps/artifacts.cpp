#include "apps/artifacts.h"

#include <algorithm>
#include <set>

#include <fcntl.h>
#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/words.h"
#include "io/files.h"

namespace shoal::apps {

namespace {

namespace fs = std::filesystem;

/// Makes the folders above the place, one by one below `folder`, none of them a link.
Status make_parents(const fs::path& folder, const fs::path& place) {
    TRY(io::make_folder(folder, 0755));
    fs::path next = folder;
    for (const fs::path& part : place.parent_path().lexically_relative(folder)) {
        if (part == ".") continue;
        next /= part;
        std::error_code failed;
        const fs::file_status status = fs::symlink_status(next, failed);
        if (fs::exists(status) && !fs::is_directory(status)) {
            return Error{Code::conflict, next.string() + ": expected a folder, not a file or link"};
        }
        if (!fs::exists(status)) TRY(io::make_folder(next, 0755));
    }
    return Done{};
}

/// " on 2026-11-20 07:05:00", where the market remembers it.
std::string on_day(const protocol::ArtifactView& artifact) {
    return artifact.dropped ? " on " + to_date(*artifact.dropped) : "";
}

Result<Hash> hash_of(const fs::path& path) {
    const io::Descriptor file = TRY(io::open_file(path, O_RDONLY | O_NOFOLLOW));
    return io::hash_rest(file);
}

bool is_loaded(const protocol::ArtifactView& artifact, const fs::path& place) {
    const auto present = hash_of(place);
    return present.ok() && present.value() == artifact.blob;
}

/// Unless it is there already.
Status load_one(Client& client, const protocol::ArtifactView& artifact, const fs::path& folder,
                const fs::path& place) {
    if (!artifact.available && !is_loaded(artifact, place)) {
        return Error{Code::not_found,
                     fmt::format("{}: its bytes were dropped{}", artifact.path, on_day(artifact))};
    }
    TRY(make_parents(folder, place));
    if (is_loaded(artifact, place)) return Done{};

    const fs::path part =
        place.parent_path() / fmt::format(".shoal-{}.part", to_string(artifact.blob));
    std::error_code failed;
    if (fs::is_symlink(fs::symlink_status(part, failed))) {
        return Error{Code::conflict, part.string() + ": a link stands in the way"};
    }
    TRY(client.fetch_blob(artifact.blob, part, artifact.size_bytes));
    const Hash loaded = TRY(hash_of(part));
    if (loaded != artifact.blob) {
        fs::remove(part, failed);
        return Error{Code::corrupt,
                     fmt::format("{}: the market sent other bytes than promised", artifact.path)};
    }
    fs::rename(part, place, failed);
    if (failed) return io::system_error(place.string(), failed.value());
    return io::sync_folder(place.parent_path());
}

Result<ArtifactWish> wish_of(const ArtifactsOptions& options) {
    ArtifactWish wish;
    wish.job = TRY(id_of<JobTag>(options.id));
    if (!options.task.empty()) wish.task = TRY(id_of<TaskTag>(options.task));
    wish.folder = options.folder.empty() ? options.id : options.folder;
    return wish;
}

}  // namespace

Result<fs::path> artifact_place(const fs::path& folder, const std::string& path) {
    if (protocol::is_relative_path(path)) return folder / path;
    return Error{Code::corrupt, "an artifact's path is not below its folder: " + path};
}

Result<std::vector<protocol::ArtifactView>> artifacts_of(Client& client, JobId job,
                                                         std::optional<TaskId> task) {
    auto artifacts = TRY(client.artifacts(job));
    if (task) {
        std::erase_if(artifacts, [&](const auto& artifact) { return artifact.task != *task; });
    }
    return artifacts;
}

Status load_artifacts(Client& client, const Output& out, const ArtifactWish& wish) {
    const auto artifacts = TRY(artifacts_of(client, wish.job, wish.task));
    std::set<TaskId> tasks;
    for (const auto& artifact : artifacts) tasks.insert(artifact.task);
    const fs::path folder = fs::absolute(wish.folder).lexically_normal();
    std::uint64_t bytes = 0;
    std::optional<Error> first_gone;  // the others are loaded all the same
    for (const protocol::ArtifactView& artifact : artifacts) {
        const fs::path below = tasks.size() > 1 ? folder / to_string(artifact.task) : folder;
        const fs::path place = TRY(artifact_place(below, artifact.path));
        Status loaded = load_one(client, artifact, folder, place);
        if (!loaded.ok() && artifact.available) return loaded;
        if (loaded.ok()) {
            bytes += artifact.size_bytes;
        } else if (!first_gone) {
            first_gone = loaded.error();
        }
    }
    if (first_gone) return *first_gone;
    out.say(fmt::format("{} ({}) in {}", counted(artifacts.size(), "file"), to_rounded(Size{bytes}),
                        wish.folder.string()));
    return Done{};
}

Result<Exit> list_artifacts(Context& context, const ArtifactsOptions& options) {
    const ArtifactWish wish = TRY(wish_of(options));
    Client& client = *TRY(context.client());
    const auto artifacts = TRY(artifacts_of(client, wish.job, wish.task));
    context.out().print_as_json(artifacts);
    Table table({{"TASK"}, {"PATH"}, {"SIZE", Table::Align::right}, {"SHA-256"}});
    for (const auto& artifact : artifacts) {
        table.add({to_string(artifact.task), artifact.path, to_rounded(Size{artifact.size_bytes}),
                   artifact.available ? to_string(artifact.blob) : "dropped" + on_day(artifact)});
    }
    context.out().print(table.empty() ? "no artifacts yet" : table.print(context.out().results()));
    return Exit::done;
}

Result<Exit> get_artifacts(Context& context, const ArtifactsOptions& options) {
    const ArtifactWish wish = TRY(wish_of(options));
    Client& client = *TRY(context.client());
    TRY(load_artifacts(client, context.out(), wish));
    if (context.out().json()) {
        context.out().print_as_json(TRY(artifacts_of(client, wish.job, wish.task)));
    }
    return Exit::done;
}

}  // namespace shoal::apps
