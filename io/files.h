#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include <sys/types.h>

#include "core/bytes.h"
#include "core/hash.h"
#include "core/result.h"

namespace shoal::io {

/// A file descriptor with one owner, who closes it.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept;
    ~Descriptor();

    bool is_open() const { return number_ >= 0; }
    int number() const { return number_; }
    int release() { return std::exchange(number_, -1); }

private:
    int number_ = -1;
};

/// The Error of a system call that failed with `number` (an errno), as `DOING: why`.
/// not_found, denied, conflict (it exists, it is locked), exhausted (disk, memory, descriptors),
/// timeout; unavailable for all else.
Error system_error(std::string_view doing, int number);

/// Opens with O_CLOEXEC added to the flags. The errors are those of system_error.
Result<Descriptor> open_file(const std::filesystem::path& path, int flags, mode_t mode = 0600);

/// invalid: not a regular file, or above size_max. Else the errors of system_error.
Result<std::string> read_file(const std::filesystem::path& path, std::uint64_t size_max);

/// The first bytes of a file, fewer if it is shorter. Errors as read_file.
Result<std::string> read_start(const std::filesystem::path& path, std::size_t size);

/// Replaces a file as a whole: after a crash the old or the new content is there, never a part.
/// When it returns, the new content and its name are durable.
Status write_file(const std::filesystem::path& path, std::string_view content, mode_t mode = 0644);

/// Like write_file with mode 0600.
Status write_secret(const std::filesystem::path& path, std::string_view content);

/// denied: others than the owner may read or write it. Else as read_file.
Result<std::string> read_secret(const std::filesystem::path& path, std::uint64_t size_max);

/// Makes the folder and those above it that are missing, with this mode, durably.
Status make_folder(const std::filesystem::path& path, mode_t mode = 0700);

/// Makes the names in a folder durable.
Status sync_folder(const std::filesystem::path& path);

Status write_all(const Descriptor& file, ByteView bytes);

/// SHA-256 of what is in the file from here to its end.
Result<Hash> hash_rest(const Descriptor& file);

struct FreeSpace {
    std::uint64_t free_bytes = 0;
    std::uint64_t total_bytes = 0;
};
Result<FreeSpace> free_space(const std::filesystem::path& path);

}  // namespace shoal::io
