// Handlers of secrets: names and dates only, a value goes in and never out.

#include <utility>
#include <vector>

#include "market/api/handlers.h"

namespace shoal::market::handlers {

namespace {

using Named = std::pair<std::string, Secret>;

protocol::SecretView secret_view(const Named& one) {
    return {one.first, one.second.set, one.second.jobs_open};
}

/// Of the account that asks, by name.
std::vector<Named> own_secrets(const Call& call) {
    const auto& all = call.market.state().secrets;
    const auto own = all.find(call.principal.account);
    if (own == all.end()) return {};
    return {own->second.begin(), own->second.end()};
}

}  // namespace

Result<protocol::SecretPage> secrets(const Call& call) {
    return page_of<protocol::SecretPage>(call, own_secrets(call), secret_view);
}

Result<protocol::SecretView> set_secret(const Call& call, const protocol::SecretRequest& wanted) {
    const AccountId account = call.principal.account;
    const std::string& name = call.path.at("name");
    TRY(call.market.set_secret(account, {name, wanted.value}, call.moment, call.batch));
    return secret_view({name, call.market.state().secrets.at(account).at(name)});
}

/// Answers with what it was.
Result<protocol::SecretView> remove_secret(const Call& call) {
    const std::string& name = call.path.at("name");
    for (const Named& one : own_secrets(call)) {
        if (one.first != name) continue;
        TRY(call.market.remove_secret(call.principal.account, name, call.moment, call.batch));
        return secret_view(one);
    }
    return unknown("secret");
}

}  // namespace shoal::market::handlers
