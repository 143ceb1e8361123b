#include "sandbox/disk_use.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <set>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/system.h"

namespace shoal::sandbox {

namespace {

constexpr std::uint64_t entries_max = 1'000'000;
constexpr int depth_max = 64;
constexpr std::uint64_t block_bytes = 512;  // what st_blocks counts in

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};
using Folder = std::unique_ptr<DIR, CloseFolder>;

class Walk {
public:
    /// A folder that is gone by now counts nothing: the job works on.
    Status below(int parent, const char* name, int depth) {
        if (depth > depth_max) return Error{Code::exhausted, "folders nested deeper than 64"};
        const int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 && (errno == EACCES || errno == EPERM)) return failed("a folder is closed");
        if (fd < 0) return Done{};
        const Folder folder(::fdopendir(fd));
        while (const dirent* entry = ::readdir(folder.get())) {
            if (std::strcmp(entry->d_name, ".") == 0 || std::strcmp(entry->d_name, "..") == 0) {
                continue;
            }
            TRY(add(fd, entry->d_name, depth));
        }
        return Done{};
    }

    DiskUse use;

private:
    Status add(int parent, const char* name, int depth) {
        struct stat found{};
        if (::fstatat(parent, name, &found, AT_SYMLINK_NOFOLLOW) != 0) return Done{};
        if (++use.entries > entries_max) return Error{Code::exhausted, "more than 1000000 files"};
        const std::uint64_t size = static_cast<std::uint64_t>(found.st_blocks) * block_bytes;
        const bool folder = S_ISDIR(found.st_mode);
        use.size_bytes += folder ? size : size / std::max<std::uint64_t>(found.st_nlink, 1);
        if (folder) return below(parent, name, depth + 1);
        return Done{};
    }
};

/// Adds up the open files without a name, each once however many processes hold it.
class Nameless {
public:
    explicit Nameless(dev_t device) : device_(device) {}

    /// A process that is gone by now holds nothing.
    void add(pid_t process) {
        const std::string path = "/proc/" + std::to_string(process) + "/fd";
        const Folder descriptors(::opendir(path.c_str()));
        const int folder = descriptors ? ::dirfd(descriptors.get()) : -1;
        if (folder < 0) return;
        while (const dirent* entry = ::readdir(descriptors.get())) {
            struct stat found{};
            if (::fstatat(folder, entry->d_name, &found, 0) != 0) continue;
            if (!S_ISREG(found.st_mode) || found.st_nlink > 0 || found.st_dev != device_) continue;
            if (!seen_.insert(found.st_ino).second) continue;
            size_bytes += static_cast<std::uint64_t>(found.st_blocks) * block_bytes;
        }
    }

    std::uint64_t size_bytes = 0;

private:
    dev_t device_;
    std::set<ino_t> seen_;
};

}  // namespace

Result<DiskUse> disk_use(const std::string& folder) {
    Walk walk;
    TRY(walk.below(AT_FDCWD, folder.c_str(), 0));
    return walk.use;
}

std::uint64_t nameless_use(const std::vector<pid_t>& processes, const std::string& folder) {
    struct stat place{};
    if (::stat(folder.c_str(), &place) != 0) return 0;
    Nameless nameless(place.st_dev);
    for (const pid_t process : processes) nameless.add(process);
    return nameless.size_bytes;
}

}  // namespace shoal::sandbox
