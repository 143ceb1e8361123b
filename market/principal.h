#pragma once

#include <string>

#include "core/id.h"
#include "core/lamports.h"
#include "protocol/events.h"

namespace shoal::market {

/// Who asks.
struct Principal {
    AccountId account;
    KeyId key;
    protocol::Role role = protocol::Role::buyer;
};

/// Credit that one account gives to another. The name is unique among transfers.
struct CreditTransfer {
    AccountId from;
    AccountId to;
    Lamports amount;
    std::string name;
};

/// Who is to be forgotten, and what becomes of the credit that is left.
struct Erasure {
    AccountId account;
    bool gives_up_balance = false;
    bool by_operator = false;
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
