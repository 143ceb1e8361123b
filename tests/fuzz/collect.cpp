// A job's /out with names that a stranger chose: each line is one thing that lies there, its first
// letter says what. What is collected are plain files below the folder, with names that can be
// shown; what is refused is said in UTF-8.

#include "sandbox/collect.h"

#include <algorithm>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/check.h"
#include "core/text.h"
#include "io/scratch.h"

namespace shoal::sandbox {
namespace {

constexpr std::size_t things_max = 16;
constexpr std::string_view hard_linked = "model";

/// A name as the kernel takes one: no slash, no NUL, not too long, not a folder's own.
std::string made_name(std::string_view text) {
    std::string name(text.substr(0, NAME_MAX));
    std::ranges::replace(name, '/', '_');
    std::ranges::replace(name, '\0', '_');
    return name.empty() || name == "." || name == ".." ? "name" : name;
}

/// Makes one thing in the folder, or nothing where the name is taken; the folder to go on in.
std::string make(const std::string& folder, char kind, std::string_view text) {
    const std::string path = folder + "/" + made_name(text);
    if (path.size() > 3'000) return folder;
    std::error_code taken;
    switch (kind) {
        case 'd':
            return ::mkdir(path.c_str(), 0700) == 0 ? path : folder;
        case 'l':
            std::filesystem::create_symlink("/etc/passwd", path, taken);
            return folder;
        case 'h':
            std::filesystem::create_hard_link(folder + "/" + std::string(hard_linked), path, taken);
            return folder;
        default:
            std::ofstream(path) << text;
            return folder;
    }
}

void check_collection(const std::string& out, const Collection& got, const CollectLimits& limits) {
    if (got.refusal) {
        check(got.files.empty() && is_utf8(got.refusal->detail));
        check(got.refusal->detail.find('\n') == std::string::npos);
        return;
    }
    check(got.files.size() <= limits.files);
    for (const CollectedFile& file : got.files) {
        check(protocol::is_relative_path(file.path) && file.source == out + "/" + file.path);
        check(std::filesystem::is_regular_file(std::filesystem::symlink_status(file.source)));
        check(std::filesystem::hard_link_count(file.source) == 1);
    }
}

void run(std::string_view bytes) {
    const io::ScratchFolder scratch;
    const std::string out = scratch.path().string();
    const CollectLimits limits{.size = 4_KiB, .files = 8, .depth = 6};
    std::vector<protocol::JobOutput> declared{{.path = ".", .optional = false}};
    std::string folder = out;
    for (std::size_t things = 0; things < things_max && !bytes.empty(); ++things) {
        const std::size_t end = std::min(bytes.find('\n'), bytes.size());
        const std::string_view line = bytes.substr(0, end);
        if (line.starts_with('o') && protocol::is_relative_path(line.substr(1))) {
            declared.push_back({.path = std::string(line.substr(1)), .optional = false});
        } else if (!line.empty()) {
            folder = make(folder, line.front(), line.substr(1));
        }
        bytes.remove_prefix(std::min(end + 1, bytes.size()));
    }
    check_collection(out, collect(out, declared, limits), limits);
}

}  // namespace
}  // namespace shoal::sandbox

/// Folders in memory: these runs wait for nothing but the disk.
extern "C" int LLVMFuzzerInitialize(int* /*count*/, char*** /*arguments*/) {
    if (::access("/dev/shm", W_OK) == 0) ::setenv("TMPDIR", "/dev/shm", 0);
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    shoal::sandbox::run({reinterpret_cast<const char*>(bytes), size});
    return 0;
}
