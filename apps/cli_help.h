#pragma once

// How the command line speaks of itself: its help, and what is wrong with a value.
// Only the cli_*.cpp files include this: CLI11 is slow to compile.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace shoal::apps {

/// "--memory SIZE   memory of a task, like 4GiB (default 1GiB)": no types, no ranges.
std::shared_ptr<CLI::FormatterBase> help_form();

/// Accepts these words only, and names the nearest one to another.
CLI::Validator one_of(std::vector<std::string> words);

/// Accepts whole numbers from `least` to `most`.
CLI::Validator whole_number(std::uint32_t least, std::uint32_t most);

}  // namespace shoal::apps
