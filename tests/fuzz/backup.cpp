// Any bytes as the manifest of a backup, and as its table of names. What is accepted names files of
// a backup's own alone, and is accepted again.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/check.h"
#include "io/backup_manifest.h"

namespace shoal::io {
namespace {

void run(std::string_view bytes) {
    const auto manifest = read_manifest(bytes);
    if (manifest.ok()) {
        for (const BackupFile& file : manifest.value().files) {
            check(file.path.find("..") == std::string::npos && !file.path.starts_with('/'));
        }
        check(read_manifest(write_manifest(manifest.value())).ok());
    }
    const auto names = read_names(bytes);
    if (names.ok()) check(read_names(write_names(names.value())).value() == names.value());
}

}  // namespace
}  // namespace shoal::io

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    shoal::io::run({reinterpret_cast<const char*>(bytes), size});
    return 0;
}
