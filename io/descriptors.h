#pragma once

#include <cstddef>

namespace shoal::io {

/// Lets this process open as many files and sockets as the system's administrator allows, and says
/// how many that is. A shell's default of 1,024 is meant for interactive programs.
std::size_t raise_descriptor_limit();

}  // namespace shoal::io
