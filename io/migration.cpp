#include "io/migration.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "io/files.h"

namespace shoal::io {

namespace {

namespace fs = std::filesystem;

bool has(const std::vector<fs::path>& names, const fs::path& name) {
    return std::ranges::find(names, name) != names.end();
}

Status copy_all(const fs::path& folder, const fs::path& copy, const CopyRules& rules) {
    std::error_code failed;
    fs::create_directory(copy, folder, failed);
    if (failed) return system_error("cannot make " + copy.string(), failed.value());
    for (fs::directory_iterator next(folder, failed), end; !failed && next != end;
         next.increment(failed)) {
        const fs::path name = next->path().filename();
        if (has(rules.left_out, name)) continue;
        const auto how = has(rules.linked, name) ? fs::copy_options::create_hard_links
                                                 : fs::copy_options::copy_symlinks;
        fs::copy(next->path(), copy / name, fs::copy_options::recursive | how, failed);
        if (failed) return system_error("cannot copy " + next->path().string(), failed.value());
    }
    if (failed) return system_error("cannot list " + folder.string(), failed.value());
    return Done{};
}

Status run_steps(const fs::path& copy, const std::vector<Migration>& steps, std::uint32_t from,
                 std::uint32_t to) {
    for (std::uint32_t format = from; format < to; ++format) {
        const Status done = std::ranges::find(steps, format, &Migration::from)->run(copy);
        if (!done.ok()) return done;
    }
    return Done{};
}

fs::path with_suffix(const fs::path& folder, const std::string& suffix) {
    const fs::path whole = folder.lexically_normal();
    return (whole.has_filename() ? whole : whole.parent_path()).string() + suffix;
}

}  // namespace

bool leads_to(const std::vector<Migration>& steps, std::uint32_t from, std::uint32_t to) {
    for (std::uint32_t format = from; format < to; ++format) {
        if (std::ranges::find(steps, format, &Migration::from) == steps.end()) return false;
    }
    return true;
}

fs::path copy_of(const fs::path& folder) {
    return with_suffix(folder, ".migrating");
}

fs::path original_of(const fs::path& folder, std::uint32_t format) {
    return with_suffix(folder, ".format-" + std::to_string(format));
}

Status migrate_copy(const fs::path& folder, const std::vector<Migration>& steps, std::uint32_t from,
                    std::uint32_t to, const CopyRules& rules) {
    std::error_code failed;
    const fs::path kept = original_of(folder, from);
    if (fs::exists(kept, failed)) {
        return Error{Code::conflict,
                     kept.string() + " is there already, from an earlier migration: move it away"};
    }
    const fs::path copy = copy_of(folder);
    Status done = copy_all(folder, copy, rules);
    if (done.ok()) done = run_steps(copy, steps, from, to);
    if (!done.ok()) fs::remove_all(copy, failed);
    return done;
}

Status swap_in(const fs::path& folder) {
    const fs::path copy = copy_of(folder);
    const Descriptor opened = TRY(open_file(copy, O_RDONLY | O_DIRECTORY));
    if (::syncfs(opened.number()) != 0) return system_error("cannot sync " + copy.string(), errno);
    if (::renameat2(AT_FDCWD, copy.c_str(), AT_FDCWD, folder.c_str(), RENAME_EXCHANGE) != 0) {
        return system_error("cannot put " + copy.string() + " in its place", errno);
    }
    return sync_folder(copy.parent_path());
}

Status keep_original(const fs::path& folder, std::uint32_t format) {
    const fs::path kept = original_of(folder, format);
    if (::renameat2(AT_FDCWD, copy_of(folder).c_str(), AT_FDCWD, kept.c_str(), RENAME_NOREPLACE) !=
        0) {
        return system_error("cannot rename to " + kept.string(), errno);
    }
    return sync_folder(kept.parent_path());
}

}  // namespace shoal::io
