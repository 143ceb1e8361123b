#pragma once

// What the commands about accounts share.

#include <string>

#include "apps/client.h"
#include "core/result.h"
#include "protocol/api.h"

namespace shoal::apps {

std::string name_of_role(protocol::Role);

/// The account of that id, or where it is empty the one that asks. invalid: it is no id. Refuses
/// like Client::me.
Result<AccountId> account_of(Client&, const std::string& id);

/// What an account has, line by line.
std::string account_lines(const protocol::AccountView&);

}  // namespace shoal::apps
