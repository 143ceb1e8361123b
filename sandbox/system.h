#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "core/result.h"

namespace shoal::sandbox {

/// Owns a file descriptor.
class Fd {
public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    ~Fd() { reset(); }
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        if (this != &other) reset(std::exchange(other.fd_, -1));
        return *this;
    }
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;

    int get() const { return fd_; }
    bool open() const { return fd_ >= 0; }
    void reset(int fd = -1);

private:
    int fd_ = -1;
};

/// `DOING: ` and the words of errno; not_found for ENOENT, denied for EPERM and EACCES,
/// unavailable for all else.
Error failed(std::string_view doing);
Error failed(std::string_view doing, int error_number);

/// What a small file holds, at most size_max bytes of it. The codes of failed().
Result<std::string> read_text(const std::string& path, std::size_t size_max = 65536);

/// Writes to a file that exists, in one call: a file of /proc or of a control group.
Status write_text(const std::string& path, std::string_view text);

/// Puts a file in its place whole: written beside it, synced, renamed.
Status replace_file(const std::string& folder, const std::string& name, std::string_view text);

bool is_folder(const std::string& path);

/// CLOCK_MONOTONIC.
std::int64_t monotonic_us();

}  // namespace shoal::sandbox
