#pragma once

#include <string>

#include "core/id.h"
#include "protocol/events.h"

namespace shoal::market {

/// Who asks.
struct Principal {
    AccountId account;
    KeyId key;
    protocol::Role role = protocol::Role::buyer;
};

/// A secret as its account sets it: `value` is in no event.
struct NamedSecret {
    std::string name;
    std::string value;
};

/// A key as it is shown once: `secret` is in no event.
struct NewKey {
    KeyId key;
    std::string secret;
};

}  // namespace shoal::market
