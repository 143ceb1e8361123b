#include "sandbox/system.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shoal::sandbox {

namespace {

constexpr std::size_t piece_bytes = 4096;

Status write_whole(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t size = ::write(fd, text.data(), text.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return failed("write");
        text.remove_prefix(static_cast<std::size_t>(size));
    }
    return Done{};
}

}  // namespace

void Fd::reset(int fd) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
}

Error failed(std::string_view doing, int error_number) {
    Code code = Code::unavailable;
    if (error_number == ENOENT) code = Code::not_found;
    if (error_number == EPERM || error_number == EACCES) code = Code::denied;
    return {code, std::string(doing) + ": " + std::strerror(error_number)};
}

Error failed(std::string_view doing) {
    return failed(doing, errno);
}

Result<std::string> read_text(const std::string& path, std::size_t size_max) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.open()) return failed("open " + path);
    std::string text;
    std::size_t used = 0;
    while (used < size_max) {
        // In pieces: most files are far smaller than they may be, and a start waits for each page.
        if (used == text.size()) text.resize(std::min(size_max, std::max(piece_bytes, 2 * used)));
        const ssize_t size = ::read(file.get(), text.data() + used, text.size() - used);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return failed("read " + path);
        if (size == 0) break;
        used += static_cast<std::size_t>(size);
    }
    text.resize(used);
    return text;
}

Status write_text(const std::string& path, std::string_view text) {
    const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file.open()) return failed("open " + path);
    if (::write(file.get(), text.data(), text.size()) < 0) return failed("write to " + path);
    return Done{};
}

Status replace_file(const std::string& folder, const std::string& name, std::string_view text) {
    const std::string path = folder + "/" + name;
    const std::string beside = path + ".new";
    const Fd file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file.open()) return failed("create " + beside);
    TRY(write_whole(file.get(), text));
    if (::fsync(file.get()) != 0) return failed("sync " + beside);
    if (::rename(beside.c_str(), path.c_str()) != 0) return failed("rename " + beside);
    const Fd place(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!place.open() || ::fsync(place.get()) != 0) return failed("sync " + folder);
    return Done{};
}

bool is_folder(const std::string& path) {
    struct stat found{};
    return ::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode);
}

std::int64_t monotonic_us() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
}

}  // namespace shoal::sandbox
