#pragma once

#include <filesystem>
#include <string>

#include "core/bytes.h"
#include "core/check.h"
#include "io/entropy.h"

namespace shoal::io {

/// A new empty folder that is removed with everything in it; for tests and for passing work.
class ScratchFolder {
public:
    ScratchFolder()
        : path_(std::filesystem::temp_directory_path() /
                ("shoal-" + to_hex(ByteView(entropy()).first(8)))) {
        std::error_code failed;
        check(std::filesystem::create_directory(path_, failed));
        std::filesystem::permissions(path_, std::filesystem::perms::owner_all, failed);
        check(!failed);
    }
    ~ScratchFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;

    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

}  // namespace shoal::io
