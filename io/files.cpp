#include "io/files.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "io/entropy.h"

namespace shoal::io {

namespace {

constexpr std::size_t chunk_size_bytes = std::size_t{1} << 20;

Code code_of(int number) {
    switch (number) {
        case ENOENT:
        case ENOTDIR:
            return Code::not_found;
        case EACCES:
        case EPERM:
        case EROFS:
            return Code::denied;
        case EEXIST:
        case EWOULDBLOCK:
        case EBUSY:
            return Code::conflict;
        case ENOSPC:
        case EDQUOT:
        case EMFILE:
        case ENFILE:
        case ENOMEM:
            return Code::exhausted;
        case ETIMEDOUT:
            return Code::timeout;
        default:
            return Code::unavailable;
    }
}

Error failure(std::string_view doing, const std::filesystem::path& path) {
    return system_error(std::string(doing) + " " + path.string(), errno);
}

Result<std::string> read_rest(const Descriptor& file, const std::filesystem::path& path,
                              std::uint64_t size_max) {
    std::string content;
    std::vector<char> chunk(std::size_t{64} * 1024);
    for (;;) {
        const ssize_t size = ::read(file.number(), chunk.data(), chunk.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return failure("cannot read", path);
        if (size == 0) return content;
        content.append(chunk.data(), static_cast<std::size_t>(size));
        if (content.size() > size_max) {
            return Error{Code::invalid, path.string() + ": expected at most " +
                                            std::to_string(size_max) + " bytes, got more"};
        }
    }
}

Result<Descriptor> open_regular(const std::filesystem::path& path) {
    // O_NONBLOCK: opening a named pipe must not wait for its writer.
    Descriptor file = TRY(open_file(path, O_RDONLY | O_NONBLOCK));
    struct stat facts{};
    if (::fstat(file.number(), &facts) != 0) return failure("cannot look at", path);
    if (!S_ISREG(facts.st_mode)) {
        return Error{Code::invalid, path.string() + ": expected a regular file"};
    }
    return file;
}

Status fill(const std::filesystem::path& path, std::string_view content, mode_t mode) {
    const Descriptor file = TRY(open_file(path, O_WRONLY | O_CREAT | O_EXCL, mode));
    if (::fchmod(file.number(), mode) != 0) return failure("cannot set the mode of", path);
    const Status written = write_all(file, as_bytes(content));
    if (!written.ok()) return written;
    if (::fsync(file.number()) != 0) return failure("cannot sync", path);
    return Done{};
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
    return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    if (this == &other) return *this;
    if (is_open()) ::close(number_);
    number_ = std::exchange(other.number_, -1);
    return *this;
}

Descriptor::~Descriptor() {
    if (is_open()) ::close(number_);
}

Error system_error(std::string_view doing, int number) {
    const std::string why = std::error_code(number, std::generic_category()).message();
    return {code_of(number), std::string(doing) + ": " + why};
}

Result<Descriptor> open_file(const std::filesystem::path& path, int flags, mode_t mode) {
    for (;;) {
        const int number = ::open(path.c_str(), flags | O_CLOEXEC, mode);
        if (number >= 0) return Descriptor(number);
        if (errno != EINTR) return failure("cannot open", path);
    }
}

Result<std::string> read_file(const std::filesystem::path& path, std::uint64_t size_max) {
    const Descriptor file = TRY(open_regular(path));
    return read_rest(file, path, size_max);
}

Result<std::string> read_start(const std::filesystem::path& path, std::size_t size) {
    const Descriptor file = TRY(open_regular(path));
    std::string start(size, '\0');
    std::size_t taken = 0;
    while (taken < size) {
        const ssize_t more = ::read(file.number(), start.data() + taken, size - taken);
        if (more < 0 && errno == EINTR) continue;
        if (more < 0) return failure("cannot read", path);
        if (more == 0) break;
        taken += static_cast<std::size_t>(more);
    }
    start.resize(taken);
    return start;
}

Status write_file(const std::filesystem::path& path, std::string_view content, mode_t mode) {
    std::filesystem::path draft = path;
    draft += "." + to_hex(ByteView(entropy()).first(8)) + ".new";
    const Status filled = fill(draft, content, mode);
    if (!filled.ok() || ::rename(draft.c_str(), path.c_str()) != 0) {
        const Error why = filled.ok() ? failure("cannot replace", path) : filled.error();
        ::unlink(draft.c_str());
        return why;
    }
    return sync_folder(folder_of(path));
}

Status write_secret(const std::filesystem::path& path, std::string_view content) {
    return write_file(path, content, 0600);
}

Result<std::string> read_secret(const std::filesystem::path& path, std::uint64_t size_max) {
    const Descriptor file = TRY(open_regular(path));
    struct stat facts{};
    if (::fstat(file.number(), &facts) != 0) return failure("cannot look at", path);
    if ((facts.st_mode & 077U) != 0) {
        return Error{Code::denied, path.string() + ": others than you may read this secret; run: " +
                                       "chmod 600 " + path.string()};
    }
    return read_rest(file, path, size_max);
}

Status make_folder(const std::filesystem::path& path, mode_t mode) {
    if (::mkdir(path.c_str(), mode) == 0) return sync_folder(folder_of(path));
    if (errno == EEXIST) {
        std::error_code ignored;
        if (std::filesystem::is_directory(path, ignored)) return Done{};
        return Error{Code::conflict, path.string() + ": expected a folder, found something else"};
    }
    if (errno != ENOENT || folder_of(path) == path) return failure("cannot make", path);
    const Status above = make_folder(folder_of(path), mode);
    if (!above.ok()) return above;
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return failure("cannot make", path);
    return sync_folder(folder_of(path));
}

Status sync_folder(const std::filesystem::path& path) {
    const Descriptor folder = TRY(open_file(path, O_RDONLY | O_DIRECTORY));
    if (::fsync(folder.number()) != 0) return failure("cannot sync", path);
    return Done{};
}

Status write_all(const Descriptor& file, ByteView bytes) {
    while (!bytes.empty()) {
        const ssize_t size = ::write(file.number(), bytes.data(), bytes.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return system_error("cannot write", errno);
        bytes = bytes.subspan(static_cast<std::size_t>(size));
    }
    return Done{};
}

Result<Hash> hash_rest(const Descriptor& file) {
    Sha256 sum;
    Bytes chunk(chunk_size_bytes);
    for (;;) {
        const ssize_t size = ::read(file.number(), chunk.data(), chunk.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return system_error("cannot read", errno);
        if (size == 0) return sum.finish();
        sum.update(ByteView(chunk).first(static_cast<std::size_t>(size)));
    }
}

Result<FreeSpace> free_space(const std::filesystem::path& path) {
    struct statvfs facts{};
    if (::statvfs(path.c_str(), &facts) != 0) return failure("cannot look at the disk of", path);
    return FreeSpace{facts.f_bavail * facts.f_frsize, facts.f_blocks * facts.f_frsize};
}

}  // namespace shoal::io
