#pragma once

#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "core/hash.h"
#include "core/id.h"
#include "protocol/attempt.h"

namespace shoal::market {

/// Results that may answer later tasks: which attempt left what a task of that identity leaves.
/// One is kept as long as its files are, so there are no more than blobs are kept for.
class Results {
public:
    /// The result has at least one file.
    void keep(AccountId, const Hash& identity, LeaseId, const std::vector<protocol::Artifact>&);
    /// The account has the blob no more. Gives the attempts whose results are gone with it.
    std::vector<LeaseId> drop(AccountId, const Hash& blob);

    /// The newest attempt of the account that has such a result.
    std::optional<LeaseId> find(AccountId, const Hash& identity) const;

    friend bool operator==(const Results&, const Results&) = default;

private:
    using Key = std::pair<AccountId, Hash>;
    struct Kept {
        Hash identity;
        std::set<Hash> blobs;

        friend bool operator==(const Kept&, const Kept&) = default;
    };

    std::map<Key, std::set<LeaseId>> by_identity_;
    std::map<Key, std::set<LeaseId>> by_blob_;
    std::map<LeaseId, Kept> kept_;
};

}  // namespace shoal::market
