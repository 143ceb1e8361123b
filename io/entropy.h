#pragma once

#include <array>
#include <cstdint>

namespace shoal::io {

/// 32 bytes from the kernel's random source, fit for secrets. Ends the process if there is none.
std::array<std::uint8_t, 32> entropy();

}  // namespace shoal::io
