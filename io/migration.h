#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "core/result.h"

namespace shoal::io {

/// One step that brings a data folder from a format to the next one. It works on a copy, which is
/// thrown away if it fails.
struct Migration {
    std::uint32_t from = 0;
    std::function<Status(const std::filesystem::path& copy)> run;
};

/// Whether there is a step from each format of [from, to) on.
bool leads_to(const std::vector<Migration>&, std::uint32_t from, std::uint32_t to);

/// Where the copy of a folder is made, and where its original then stays.
std::filesystem::path copy_of(const std::filesystem::path& folder);
std::filesystem::path original_of(const std::filesystem::path& folder, std::uint32_t format);

/// What of a folder is treated in its own way when it is copied; names in it.
struct CopyRules {
    std::vector<std::filesystem::path> left_out = {};
    std::vector<std::filesystem::path> linked = {};  // files that never change: no second copy
};

/// Copies the folder to copy_of() and runs the steps there.
/// conflict: the original's later place is taken. Errors of the steps; nothing is left behind.
Status migrate_copy(const std::filesystem::path& folder, const std::vector<Migration>&,
                    std::uint32_t from, std::uint32_t to, const CopyRules& rules);

/// Puts the copy, made durable, in the folder's place in one step that a power cut does not halve.
Status swap_in(const std::filesystem::path& folder);

/// Gives the original, which stands in the copy's place after swap_in(), its name.
Status keep_original(const std::filesystem::path& folder, std::uint32_t format);

}  // namespace shoal::io
