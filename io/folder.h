#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "io/files.h"
#include "io/migration.h"

namespace shoal::io {

/// Variables by name.
using Environment = std::map<std::string, std::string>;
Environment system_environment();

/// Where things lie unless somebody says otherwise (XDG base directories).
struct Paths {
    std::filesystem::path data;         // $XDG_DATA_HOME/shoal, ~/.local/share/shoal
    std::filesystem::path config_file;  // $XDG_CONFIG_HOME/shoal/config.yaml, ~/.config/shoal/…
    std::filesystem::path runtime;      // $XDG_RUNTIME_DIR/shoal; data/run if there is none
};

/// invalid: neither HOME nor the XDG variables are there.
Result<Paths> default_paths(const Environment& environment);

/// The folder that one process keeps its data in: made with mode 0700, locked while it is open,
/// marked with the release that made it. One of an older format is migrated on a copy, and the
/// original is kept beside it.
class DataFolder {
public:
    struct Options {
        std::string release;
        std::uint32_t format = 1;                // of the folder as a whole; a newer one is refused
        std::vector<Migration> migrations = {};  // how an older one becomes one of this format

        /// Folders in it whose files never change, so that a migration shares them with the
        /// original, and files that are made anew.
        std::vector<std::filesystem::path> unchanging = {};
        std::vector<std::filesystem::path> passing = {};
    };

    /// conflict: another process uses it. unsupported: made by a newer release, or by one so old
    /// that no migration leads from it. denied: others may read it. invalid: holds something that
    /// is not ours. corrupt: its mark is unreadable. Errors of migrations, which change nothing.
    static Result<DataFolder> open(const std::filesystem::path& path, const Options& options);

    const std::filesystem::path& path() const { return path_; }

    /// Where the folder as it was is kept, if it was migrated now.
    const std::optional<std::filesystem::path>& original() const { return original_; }

private:
    DataFolder(std::filesystem::path path, Descriptor lock);
    static Result<DataFolder> migrated(const std::filesystem::path& path, Descriptor lock,
                                       std::uint32_t format, const Options& options);

    std::filesystem::path path_;
    Descriptor lock_;
    std::optional<std::filesystem::path> original_;
};

}  // namespace shoal::io
