#include "io/folder.h"

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/json.h"

namespace shoal::io {

namespace {

constexpr std::string_view lock_name = "lock";
constexpr std::string_view mark_name = "shoal.json";
constexpr std::uint64_t mark_size_max = 4'096;

struct Mark {
    static constexpr std::array<std::string_view, 2> required{"format", "release"};
    std::uint32_t format = 0;
    std::string release;
};
BOOST_DESCRIBE_STRUCT(Mark, (), (format, release))

std::string variable(const Environment& environment, const std::string& name) {
    const auto found = environment.find(name);
    return found == environment.end() ? "" : found->second;
}

/// The XDG variable if it is an absolute path (others must be ignored), else the part of HOME.
std::filesystem::path base(const Environment& environment, const std::string& name,
                           std::string_view below_home) {
    std::filesystem::path set = variable(environment, name);
    if (set.is_absolute()) return set;
    const std::filesystem::path home = variable(environment, "HOME");
    return home.is_absolute() ? home / below_home : std::filesystem::path();
}

Status check_private(const std::filesystem::path& path) {
    struct stat facts{};
    if (::stat(path.c_str(), &facts) != 0) {
        return system_error("cannot look at " + path.string(), errno);
    }
    if (facts.st_uid != ::geteuid()) {
        return Error{Code::denied, path.string() + ": belongs to another user"};
    }
    if ((facts.st_mode & 077U) == 0) return Done{};
    return Error{Code::denied, path.string() + ": others than you may read this folder; run: " +
                                   "chmod 700 " + path.string()};
}

Status take_lock(const Descriptor& lock, const std::filesystem::path& folder) {
    if (::flock(lock.number(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return system_error("cannot lock " + folder.string(), errno);
        const std::string holder = TRY(read_file(folder / lock_name, 100));
        return Error{Code::conflict, "another process (pid " + holder.substr(0, holder.find('\n')) +
                                         ") uses " + folder.string()};
    }
    if (::ftruncate(lock.number(), 0) != 0) return system_error("cannot write the lock", errno);
    const std::string id = std::to_string(::getpid()) + "\n";
    return write_all(lock, as_bytes(id));
}

/// A folder that holds files but no mark is not ours to write into.
Status check_new(const std::filesystem::path& folder) {
    std::error_code failed;
    for (const auto& entry : std::filesystem::directory_iterator(folder, failed)) {
        const std::string name = entry.path().filename().string();
        if (name == lock_name || name.starts_with(mark_name))
            continue;  // ours, from a start cut short
        return Error{Code::invalid, folder.string() + ": is not a data folder of Shoal and not " +
                                        "empty (it holds " + name + ")"};
    }
    if (failed) return system_error("cannot list " + folder.string(), failed.value());
    return Done{};
}

Result<Mark> read_mark(const std::filesystem::path& path) {
    const std::string text = TRY(read_file(path, mark_size_max));
    const auto value = json::parse(text, mark_size_max);
    if (!value.ok()) return Error{Code::corrupt, path.string() + ": " + value.error().what};
    auto mark = json::read<Mark>(value.value(), json::Reader::tolerant);
    if (!mark.ok() || mark.value().format == 0) {
        return Error{Code::corrupt, path.string() + ": does not say which release made it"};
    }
    return mark;
}

Status write_mark(const std::filesystem::path& folder, const DataFolder::Options& options) {
    const Mark mark{options.format, options.release};
    return write_file(folder / mark_name, json::print(mark) + "\n", 0600);
}

Error made_by(const std::filesystem::path& folder, std::string_view age, const Mark& mark,
              std::string_view advice) {
    return {Code::unsupported, folder.string() + ": made by " + std::string(age) +
                                   " release of Shoal (" + mark.release + "); " +
                                   std::string(advice)};
}

/// Refuses a folder that this release can make nothing of; else leaves our own mark, unless the
/// folder is to be migrated: then it gives the format that it has.
Result<std::optional<std::uint32_t>> settle_mark(const std::filesystem::path& folder,
                                                 const DataFolder::Options& options) {
    const auto found = read_mark(folder / mark_name);
    if (!found.ok() && found.error().code != Code::not_found) return found.error();
    if (!found.ok()) {
        const Status is_new = check_new(folder);
        if (!is_new.ok()) return is_new.error();
    } else if (found.value().format > options.format) {
        return made_by(folder, "a newer", found.value(), "install that release or a later one");
    } else if (!leads_to(options.migrations, found.value().format, options.format)) {
        return made_by(folder, "an older", found.value(),
                       "this one no longer reads it: start a release in between first");
    } else if (found.value().format < options.format) {
        return std::optional(found.value().format);
    } else if (found.value().release == options.release) {
        return std::optional<std::uint32_t>();
    }
    const Status marked = write_mark(folder, options);
    if (!marked.ok()) return marked.error();
    return std::optional<std::uint32_t>();
}

/// After a migration that was cut short: before the copy took the folder's place it is worth
/// nothing, after that it is the original.
Status tidy_up(const std::filesystem::path& folder, const DataFolder::Options& options) {
    const std::filesystem::path copy = copy_of(folder);
    std::error_code failed;
    if (!std::filesystem::exists(copy, failed)) return Done{};
    const auto there = read_mark(copy / mark_name);
    const auto here = read_mark(folder / mark_name);
    const bool is_original = there.ok() && here.ok() && here.value().format == options.format &&
                             there.value().format < options.format;
    if (is_original) return keep_original(folder, there.value().format);
    std::filesystem::remove_all(copy, failed);
    if (failed) return system_error("cannot remove " + copy.string(), failed.value());
    return Done{};
}

Result<Descriptor> open_lock(const std::filesystem::path& folder) {
    Descriptor lock = TRY(open_file(folder / lock_name, O_RDWR | O_CREAT | O_NOFOLLOW));
    const Status locked = take_lock(lock, folder);
    if (!locked.ok()) return locked.error();
    return lock;
}

}  // namespace

Environment system_environment() {
    Environment variables;
    for (char** entry = ::environ; entry && *entry; ++entry) {
        const std::string_view text = *entry;
        const std::size_t end = text.find('=');
        if (end == std::string_view::npos) continue;
        variables.emplace(text.substr(0, end), text.substr(end + 1));
    }
    return variables;
}

Result<Paths> default_paths(const Environment& environment) {
    const auto data = base(environment, "XDG_DATA_HOME", ".local/share");
    const auto config = base(environment, "XDG_CONFIG_HOME", ".config");
    if (data.empty() || config.empty()) {
        return Error{Code::invalid, "the variable HOME is not set: say where with --data"};
    }
    const std::filesystem::path runtime = variable(environment, "XDG_RUNTIME_DIR");
    return Paths{data / "shoal", config / "shoal" / "config.yaml",
                 runtime.is_absolute() ? runtime / "shoal" : data / "shoal" / "run"};
}

DataFolder::DataFolder(std::filesystem::path path, Descriptor lock)
    : path_(std::move(path)), lock_(std::move(lock)) {}

Result<DataFolder> DataFolder::open(const std::filesystem::path& path, const Options& options) {
    const Status made = make_folder(path);
    if (!made.ok()) return made.error();
    const Status is_private = check_private(path);
    if (!is_private.ok()) return is_private.error();
    Descriptor lock = TRY(open_lock(path));
    const Status tidied = tidy_up(path, options);
    if (!tidied.ok()) return tidied.error();
    const auto older = TRY(settle_mark(path, options));
    if (older) return migrated(path, std::move(lock), *older, options);
    return DataFolder(path, std::move(lock));
}

/// The copy gets its mark last, so that one without it is known to be unfinished. Both folders are
/// locked while one takes the other's place.
Result<DataFolder> DataFolder::migrated(const std::filesystem::path& path, Descriptor lock,
                                        std::uint32_t format, const Options& options) {
    const Descriptor of_original = std::move(lock);
    CopyRules rules{options.passing, options.unchanging};
    rules.left_out.insert(rules.left_out.end(), {mark_name, lock_name});
    Status done = migrate_copy(path, options.migrations, format, options.format, rules);
    if (!done.ok()) return done.error();
    Descriptor of_copy = TRY(open_lock(copy_of(path)));
    done = write_mark(copy_of(path), options);
    if (done.ok()) done = swap_in(path);
    if (done.ok()) done = keep_original(path, format);
    if (!done.ok()) return done.error();
    DataFolder folder(path, std::move(of_copy));
    folder.original_ = original_of(path, format);
    return folder;
}

}  // namespace shoal::io
