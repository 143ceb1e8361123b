#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace shoal::apps {

/// A command as a person can type it.
struct CommandShape {
    std::string name;
    std::string meaning;
    std::vector<std::string> options;  // "--json", "-o"
    std::vector<CommandShape> commands;
};

/// The script that makes a shell complete these commands. invalid: not bash, zsh or fish.
Result<std::string> completion_script(std::string_view shell, const CommandShape& root);

}  // namespace shoal::apps
