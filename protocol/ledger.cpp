#include "protocol/ledger.h"

#include "core/text.h"

namespace shoal::protocol {

namespace {

constexpr std::string_view available_prefix = "available:";
constexpr std::string_view held_prefix = "held:";

}  // namespace

std::string to_string(const LedgerAccount& account) {
    switch (account.kind) {
        case AccountKind::issuer:
            return "issuer";
        case AccountKind::fees:
            return "fees";
        case AccountKind::available:
            return std::string(available_prefix) + to_string(AccountId{account.owner});
        case AccountKind::held:
            return std::string(held_prefix) + to_string(JobId{account.owner});
    }
    check(false);
    return "";
}

Result<LedgerAccount> parse_ledger_account(std::string_view text) {
    if (text == "issuer") return LedgerAccount::issuer();
    if (text == "fees") return LedgerAccount::fees();
    if (text.starts_with(available_prefix)) {
        const auto id = parse_id<AccountTag>(text.substr(available_prefix.size()));
        if (id.ok()) return LedgerAccount::available(id.value());
    }
    if (text.starts_with(held_prefix)) {
        const auto id = parse_id<JobTag>(text.substr(held_prefix.size()));
        if (id.ok()) return LedgerAccount::held(id.value());
    }
    return Error{Code::invalid,
                 R"(expected "issuer", "fees", "available:acc_3" or "held:job_9", got ")" +
                     shorten(text, 64) + "\""};
}

}  // namespace shoal::protocol
