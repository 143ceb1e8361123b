#include "sandbox/disk_use.h"

#include <cerrno>
#include <cstring>
#include <memory>

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

}  // namespace

Result<DiskUse> disk_use(const std::string& folder) {
    Walk walk;
    TRY(walk.below(AT_FDCWD, folder.c_str(), 0));
    return walk.use;
}

}  // namespace shoal::sandbox
