#include "engine/environment.h"

#include <limits>

namespace shoal::engine {

bool arithmetic_is_right() {
    // Volatile, so that it is computed here and not by the compiler.
    volatile float smallest = std::numeric_limits<float>::min();
    volatile float half = smallest / 2;
    const bool made = half != 0.0F;  // not flushed to zero as a result
    volatile float again = half * 2;
    const bool read = again == smallest;  // nor as an operand
    volatile float one = 1;
    volatile float tie = 0x1p-24F;
    const bool even_down = one + tie == 1.0F && one + 3 * tie == 1.0F + 0x1p-22F;
    const bool symmetric = -one - tie == -1.0F;
    return made && read && even_down && symmetric;
}

}  // namespace shoal::engine
