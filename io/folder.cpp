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
    const std::filesystem::path set = variable(environment, name);
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

/// Refuses a folder of a newer format; else leaves our own mark.
Status settle_mark(const std::filesystem::path& folder, const DataFolder::Options& options) {
    const auto path = folder / mark_name;
    const auto found = read_mark(path);
    if (!found.ok() && found.error().code != Code::not_found) return found.error();
    if (!found.ok()) {
        const Status is_new = check_new(folder);
        if (!is_new.ok()) return is_new;
    } else if (found.value().format > options.format) {
        return Error{Code::unsupported, folder.string() + ": made by a newer release of Shoal (" +
                                            found.value().release +
                                            "); install that release or a later one"};
    } else if (found.value().format == options.format && found.value().release == options.release) {
        return Done{};
    }
    const Mark mark{options.format, options.release};
    return write_file(path, json::print(json::write(mark)) + "\n", 0600);
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
    Descriptor lock = TRY(open_file(path / lock_name, O_RDWR | O_CREAT | O_NOFOLLOW));
    const Status locked = take_lock(lock, path);
    if (!locked.ok()) return locked.error();
    const Status marked = settle_mark(path, options);
    if (!marked.ok()) return marked.error();
    return DataFolder(path, std::move(lock));
}

}  // namespace shoal::io
