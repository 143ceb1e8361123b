#include "io/entropy.h"

#include <cerrno>

#include <sys/random.h>

#include "core/check.h"

namespace shoal::io {

std::array<std::uint8_t, 32> entropy() {
    std::array<std::uint8_t, 32> bytes{};
    ssize_t size = -1;
    do {
        size = ::getrandom(bytes.data(), bytes.size(), 0);
    } while (size < 0 && errno == EINTR);
    check(size == static_cast<ssize_t>(bytes.size()));  // up to 256 bytes it never gives a part
    return bytes;
}

}  // namespace shoal::io
