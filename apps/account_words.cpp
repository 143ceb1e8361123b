#include "apps/account_words.h"

#include <fmt/format.h>

#include "apps/words.h"
#include "core/text.h"
#include "core/units.h"

namespace shoal::apps {

std::string name_of_role(protocol::Role role) {
    switch (role) {
        case protocol::Role::buyer:
            return "buyer";
        case protocol::Role::provider:
            return "provider";
        case protocol::Role::operator_:
            return "operator";
    }
    return "";
}

Result<AccountId> account_of(Client& client, const std::string& id) {
    if (!id.empty()) return id_of<AccountTag>(id);
    return TRY(client.me()).account;
}

std::string account_lines(const protocol::AccountView& account) {
    std::string text = to_string(account.account);
    if (account.role) text += fmt::format(" ({} key)", name_of_role(*account.role));
    text += fmt::format("\navailable {}\nheld {}\nearned {}\nblobs {}\n",
                        to_credit(account.available), to_credit(account.held),
                        to_credit(account.earned), to_rounded(Size{account.blob_bytes}));
    if (account.frozen) text += fmt::format("frozen: {}\n", to_display(*account.frozen));
    if (account.erased) text += fmt::format("erased {}\n", to_date(*account.erased));
    return text;
}

}  // namespace shoal::apps
