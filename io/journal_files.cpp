#include "io/journal_files.h"

#include <cerrno>
#include <charconv>
#include <map>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include "io/files.h"

namespace shoal::io {

namespace {

constexpr std::string_view prefix = "events-";
constexpr std::string_view table_suffix = ".db";
constexpr std::string_view pack_suffix = ".zst";
constexpr std::size_t digit_count = 20;  // so that names sort as numbers do

std::filesystem::path path_of(const std::filesystem::path& folder, std::uint64_t first,
                              std::string_view suffix) {
    return folder / fmt::format("{}{:020}{}", prefix, first, suffix);
}

Result<Descriptor> hold(const std::filesystem::path& path, int kind) {
    Descriptor lock = TRY(open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW));
    if (::flock(lock.number(), kind | LOCK_NB) == 0) return lock;
    return system_error("cannot hold " + path.string(), errno);
}

}  // namespace

std::filesystem::path journal_folder(const std::filesystem::path& data) {
    return data / "journal";
}

std::filesystem::path table_path(const std::filesystem::path& folder, std::uint64_t first) {
    return path_of(folder, first, table_suffix);
}

std::filesystem::path pack_path(const std::filesystem::path& folder, std::uint64_t first) {
    return path_of(folder, first, pack_suffix);
}

Result<std::vector<SegmentFiles>> list_segments(const std::filesystem::path& folder) {
    std::map<std::uint64_t, SegmentFiles> found;
    std::error_code failed;
    for (std::filesystem::directory_iterator next(folder, failed), end; !failed && next != end;
         next.increment(failed)) {
        const std::string name = next->path().filename().string();
        if (!name.starts_with(prefix) || name.size() < prefix.size() + digit_count) continue;
        const std::string_view suffix = std::string_view(name).substr(prefix.size() + digit_count);
        if (suffix != table_suffix && suffix != pack_suffix) continue;
        std::uint64_t first = 0;
        const char* digits = name.data() + prefix.size();
        const auto read = std::from_chars(digits, digits + digit_count, first);
        if (read.ec != std::errc{} || read.ptr != digits + digit_count || first == 0) continue;
        SegmentFiles& files = found[first];
        files.first = first;
        (suffix == table_suffix ? files.has_table : files.has_pack) = true;
    }
    if (failed) return system_error("cannot list " + folder.string(), failed.value());
    std::vector<SegmentFiles> segments;
    segments.reserve(found.size());
    for (const auto& [first, files] : found) segments.push_back(files);
    return segments;
}

Result<Descriptor> hold_keeping(const std::filesystem::path& folder, Keeping keeping) {
    return hold(folder / "keeping", keeping == Keeping::exclusive ? LOCK_EX : LOCK_SH);
}

Result<Descriptor> hold_making(const std::filesystem::path& folder) {
    return hold(folder / "making", LOCK_EX);
}

Status remove_file(const std::filesystem::path& path) {
    std::error_code failed;
    std::filesystem::remove(path, failed);
    if (failed) return system_error("cannot remove " + path.string(), failed.value());
    return Done{};
}

Status remove_table(const std::filesystem::path& folder, std::uint64_t first) {
    for (const char* beside : {"-wal", "-shm", "-journal", ""}) {
        const Status removed = remove_file(table_path(folder, first).string() + beside);
        if (!removed.ok()) return removed;
    }
    return Done{};
}

}  // namespace shoal::io
