#include "core/scalar.h"

#include <type_traits>

#include <fmt/format.h>

namespace shoal {

std::string to_string(const Scalar& scalar) {
    return std::visit([](const auto& value) { return fmt::format("{}", value); }, scalar.value);
}

}  // namespace shoal
