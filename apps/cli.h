#pragma once

namespace shoal::apps {

/// Reads the command line, does what it says, and gives the exit code.
int run_command_line(int argc, char** argv);

}  // namespace shoal::apps
