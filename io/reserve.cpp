#include "io/reserve.h"

#include <tuple>

#include <fcntl.h>
#include <unistd.h>

#include "io/files.h"

namespace shoal::io {

namespace {

constexpr const char* reserve_name = "reserve";

}  // namespace

Status make_reserve(const std::filesystem::path& folder, Size size) {
    const auto path = folder / reserve_name;
    const Descriptor file = TRY(open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
    const int failed = ::posix_fallocate(file.number(), 0, static_cast<off_t>(size.bytes));
    if (failed == 0) return Done{};
    ::unlink(path.c_str());
    return system_error("cannot set " + to_rounded(size) + " of the disk aside in " + path.string(),
                        failed);
}

bool give_back_reserve(const std::filesystem::path& folder) {
    const auto path = folder / reserve_name;
    if (::unlink(path.c_str()) != 0) return false;
    // Some file systems free the blocks only when the name is durably gone.
    std::ignore = sync_folder(folder);
    return true;
}

}  // namespace shoal::io
