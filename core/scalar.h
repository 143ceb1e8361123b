#pragma once

#include <cstdint>
#include <string>
#include <variant>

namespace shoal {

/// A single value of a job's matrix or of a metric's label: what a person may write in one word.
struct Scalar {
    std::variant<std::string, std::int64_t, double, bool> value;

    friend bool operator==(const Scalar&, const Scalar&) = default;
};

/// As it is put into a command line: the shortest text that reads back as the same value.
std::string to_string(const Scalar&);

}  // namespace shoal
