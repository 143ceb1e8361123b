#include "sandbox/collect.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/limits.h"
#include "core/text.h"
#include "sandbox/system.h"

namespace shoal::sandbox {

namespace {

using protocol::Reason;

constexpr std::int64_t holes_bytes_max = 1 << 20;  // linkers leave small ones
constexpr std::int64_t block_bytes = 512;

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};
using Folder = std::unique_ptr<DIR, CloseFolder>;
using Refused = std::optional<CollectRefusal>;

/// Never out of the folder, never through a link, never onto another file system, never waiting.
Fd open_below(int folder, const std::string& name) {
    open_how how{};
    how.flags = O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
    return Fd(static_cast<int>(::syscall(SYS_openat2, folder, name.c_str(), &how, sizeof how)));
}

CollectRefusal refuse(const std::string& path, std::string_view why) {
    return {Reason::output_refused, path + ": " + std::string(why)};
}

std::string_view why_not_opened(int number) {
    if (number == ELOOP) return "a symbolic link";
    if (number == EXDEV) return "leads out of /out";
    if (number == ENXIO) return "a socket or a device";
    return "cannot be opened";
}

/// The name as it may be shown to whoever reads the reason.
std::string shown(std::string_view name) {
    constexpr std::size_t size_max = 200;
    std::string text = to_display(shorten(name, size_max));
    std::ranges::replace(text, '\n', ' ');
    return text;
}

bool has_big_holes(const Fd& file, const struct stat& found) {
    if (found.st_size - found.st_blocks * block_bytes <= holes_bytes_max) return false;
    // Fewer blocks than bytes may also be a file system that compresses: ask it.
    return ::lseek(file.get(), 0, SEEK_HOLE) < found.st_size;
}

Result<Hash> hash_of(const Fd& file, std::uint64_t size) {
    constexpr std::size_t buffer_bytes = 256 << 10;
    Bytes buffer(buffer_bytes);
    Sha256 sha;
    std::uint64_t done = 0;
    while (done < size) {
        const ssize_t got =
            ::pread(file.get(), buffer.data(), buffer.size(), static_cast<off_t>(done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failed("read");
        if (got == 0) return Error{Code::corrupt, "shorter than it was"};
        sha.update(ByteView(buffer).first(static_cast<std::size_t>(got)));
        done += static_cast<std::uint64_t>(got);
    }
    return sha.finish();
}

class Collector {
public:
    Collector(const std::string& out, const CollectLimits& limits) : out_(out), limits_(limits) {}

    Collection collect(const std::vector<protocol::JobOutput>& declared) {
        const Fd root(::open(out_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!root.open()) return {{}, CollectRefusal{Reason::output_missing, failed(out_).what}};
        for (const protocol::JobOutput& output : declared) {
            if (auto refused = take_declared(root, output)) return {{}, std::move(refused)};
        }
        Collection collection;
        for (auto& [path, file] : files_) collection.files.push_back(std::move(file));
        return collection;
    }

private:
    Refused take_declared(const Fd& root, const protocol::JobOutput& output) {
        const Fd thing = open_below(root.get(), output.path);
        if (thing.open()) return take(thing, output.path, 0);
        const bool missing = errno == ENOENT || errno == ENOTDIR;
        if (!missing) return refuse(shown(output.path), why_not_opened(errno));
        if (output.optional) return std::nullopt;
        return CollectRefusal{Reason::output_missing, shown(output.path)};
    }

    Refused take(const Fd& thing, const std::string& path, int depth) {
        struct stat found{};
        if (::fstat(thing.get(), &found) != 0) return refuse(shown(path), "cannot be read");
        if (S_ISDIR(found.st_mode)) return take_folder(thing, path, depth);
        if (!S_ISREG(found.st_mode)) return refuse(shown(path), "not a plain file");
        if (found.st_nlink > 1) return refuse(shown(path), "has more than one name (a hard link)");
        return take_file(thing, path, found);
    }

    Refused take_folder(const Fd& thing, const std::string& path, int depth) {
        if (depth == limits_.depth) return refuse(shown(path), "folders nested too deep");
        const Folder folder(::fdopendir(::fcntl(thing.get(), F_DUPFD_CLOEXEC, 0)));
        if (!folder) return refuse(shown(path), "cannot be read");
        while (const dirent* entry = ::readdir(folder.get())) {
            const std::string name = entry->d_name;
            if (name == "." || name == "..") continue;
            if (auto refused = take_entry(thing, path, name, depth)) return refused;
        }
        return std::nullopt;
    }

    Refused take_entry(const Fd& folder, const std::string& path, const std::string& name,
                       int depth) {
        const std::string whole = path == "." ? name : path + "/" + name;
        if (!is_printable(name)) return refuse(shown(whole), "a name that cannot be printed");
        if (whole.size() > limits::path_bytes) return refuse(shown(whole), "a path too long");
        const Fd thing = open_below(folder.get(), name);
        if (!thing.open()) return refuse(shown(whole), why_not_opened(errno));
        return take(thing, whole, depth + 1);
    }

    Refused take_file(const Fd& file, const std::string& path, const struct stat& found) {
        if (files_.contains(path)) return std::nullopt;  // declared twice, or below a folder
        if (files_.size() == limits_.files) {
            return CollectRefusal{Reason::output_limit,
                                  "more than " + std::to_string(limits_.files) + " files"};
        }
        const auto size = static_cast<std::uint64_t>(found.st_size);
        if (size > limits_.size.bytes - used_bytes_) {
            return CollectRefusal{Reason::output_limit, shown(path) + ": more than " +
                                                            to_string(limits_.size) + " with it"};
        }
        if (has_big_holes(file, found)) return refuse(shown(path), "a file with holes");
        const auto hash = hash_of(file, size);
        if (!hash.ok()) return refuse(shown(path), hash.error().what);
        used_bytes_ += size;
        files_[path] = {path, hash.value(), size, out_ + "/" + path};
        return std::nullopt;
    }

    const std::string& out_;
    const CollectLimits& limits_;
    std::map<std::string, CollectedFile> files_;
    std::uint64_t used_bytes_ = 0;
};

}  // namespace

Collection collect(const std::string& out, const std::vector<protocol::JobOutput>& declared,
                   const CollectLimits& limits) {
    return Collector(out, limits).collect(declared);
}

}  // namespace shoal::sandbox
