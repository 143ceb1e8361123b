#include "market/results.h"

#include "core/check.h"

namespace shoal::market {

namespace {

template <class Map>
void take_out(Map& map, const typename Map::key_type& key, LeaseId lease) {
    const auto found = map.find(key);
    check(found != map.end() && found->second.erase(lease) == 1);
    if (found->second.empty()) map.erase(found);
}

}  // namespace

void Results::keep(AccountId account, const Hash& identity, LeaseId lease,
                   const std::vector<protocol::Artifact>& artifacts) {
    check(!artifacts.empty());
    Kept& kept = kept_[lease];
    kept.identity = identity;
    for (const protocol::Artifact& artifact : artifacts) {
        kept.blobs.insert(artifact.blob);
        by_blob_[{account, artifact.blob}].insert(lease);
    }
    by_identity_[{account, identity}].insert(lease);
}

std::vector<LeaseId> Results::drop(AccountId account, const Hash& blob) {
    const auto found = by_blob_.find({account, blob});
    if (found == by_blob_.end()) return {};
    const std::vector<LeaseId> gone(found->second.begin(), found->second.end());
    for (const LeaseId lease : gone) {
        const Kept kept = kept_.at(lease);
        kept_.erase(lease);
        take_out(by_identity_, {account, kept.identity}, lease);
        for (const Hash& hash : kept.blobs) take_out(by_blob_, {account, hash}, lease);
    }
    return gone;
}

std::optional<LeaseId> Results::find(AccountId account, const Hash& identity) const {
    const auto found = by_identity_.find({account, identity});
    if (found == by_identity_.end()) return std::nullopt;
    return *found->second.rbegin();
}

}  // namespace shoal::market
