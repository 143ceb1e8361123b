#pragma once

// What a route's handler gets, and what all handlers share.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/id.h"
#include "core/limits.h"
#include "core/result.h"
#include "market/api/api.h"
#include "market/api/route.h"
#include "market/live.h"
#include "market/market.h"

namespace shoal::market {

/// One request, authenticated and matched with its route.
struct Call {
    Market& market;
    const Live& live;
    const ApiRequest& request;
    const Route& route;
    const Moment& moment;
    Batch& batch;
    std::map<std::string, std::string> path;  // the parts that fill the route's {names}
    Principal principal;                      // nobody where no key is needed
    std::string_view missing;                 // of readiness
};

bool is_operator(const Call&);

/// Whether the principal may see what belongs to the account.
bool may_see(const Call&, AccountId);

Error unknown(std::string_view thing);

/// The id in the path. not_found: it is none, which nobody is to tell from an unknown one.
template <class Tag>
Result<Id<Tag>> path_id(const Call& call, const std::string& name) {
    const auto id = parse_id<Tag>(call.path.at(name));
    if (!id.ok()) return unknown(name);
    return id.value();
}

/// The text of a query parameter; null if it is absent.
const std::string* parameter(const Call&, const std::string& name);

/// not_found: no such thing, or another account's.
Result<const Job*> own_job(const Call&);
Result<const Task*> own_task(const Call&);
Result<const Workflow*> own_workflow(const Call&);
Result<const Account*> own_account(const Call&);
Result<const Attempt*> own_attempt(const Call&);
Result<const Provider*> any_provider(const Call&);
/// The job of the attempt that a provider of this account works on. stale: that is over.
Result<const Job*> leased_job(const Market&, AccountId, LeaseId);
Result<const Provider*> own_provider(const Call&);

/// One page of a list: at most `limit` things from the position `from` on, which is what the list
/// makes of it: a place or a number of an id.
struct PageRequest {
    std::size_t limit = limits::page_default;
    std::optional<std::uint64_t> from;
};

/// invalid: the limit, or a cursor that is not of this list.
Result<PageRequest> page_request(const Call&);

/// The text of `next`; opaque, and good for this list alone.
std::string cursor(const Call&, std::uint64_t from);

/// One page of a list whose things have places.
template <class Page, class List, class View>
Result<Page> page_of(const Call& call, const List& list, View view) {
    const PageRequest wanted = TRY(page_request(call));
    Page page;
    const std::uint64_t from = wanted.from.value_or(0);
    for (std::uint64_t i = from; i < list.size(); ++i) {
        if (page.items.size() == wanted.limit) {
            page.next = cursor(call, i);
            break;
        }
        page.items.push_back(view(list[i]));
    }
    return page;
}

/// One page of a map by id, smallest first; `wanted` and `view` take what the map holds.
template <class Page, class Map, class Wanted, class View>
Result<Page> page_of_map(const Call& call, const Map& map, Wanted is_wanted, View view) {
    const PageRequest wanted = TRY(page_request(call));
    Page page;
    const typename Map::key_type from(wanted.from.value_or(0));
    for (auto it = map.lower_bound(from); it != map.end(); ++it) {
        if (!is_wanted(it->second)) continue;
        if (page.items.size() == wanted.limit) {
            page.next = cursor(call, it->first.value);
            break;
        }
        page.items.push_back(view(it->second));
    }
    return page;
}

}  // namespace shoal::market
