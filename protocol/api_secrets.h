#pragma once

// What REST answers and is asked about secrets.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/describe.hpp>

#include "core/json.h"
#include "core/time.h"

namespace shoal::protocol {

/// The body of PUT /v1/secrets/{name}. There is no way to read a value back.
struct SecretRequest {
    static constexpr std::array<std::string_view, 1> required{"value"};
    std::string value;
};
BOOST_DESCRIBE_STRUCT(SecretRequest, (), (value))

/// `jobs_open`: that name it, so that it cannot be removed.
struct SecretView {
    std::string name;
    Time set;
    std::uint64_t jobs_open = 0;
};
BOOST_DESCRIBE_STRUCT(SecretView, (), (name, set, jobs_open))

struct SecretPage {
    std::vector<SecretView> items;
    std::optional<std::string> next;
};
BOOST_DESCRIBE_STRUCT(SecretPage, (), (items, next))

}  // namespace shoal::protocol
