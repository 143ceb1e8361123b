#include "apps/blob_keeper.h"

#include <chrono>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace shoal::apps {

namespace {

/// The wall clock, which is also the files'.
Time wall_clock() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return Time{std::chrono::duration_cast<Duration>(now)};
}

void complain(const Error& error) {
    fmt::print(stderr, "blobs that nobody needs stay: {}\n", error.what);
}

}  // namespace

/// Shared with what runs on the pool, so that the keeper need not wait for it at the end.
struct BlobKeeper::Inside : std::enable_shared_from_this<BlobKeeper::Inside> {
    io::Loop& loop;
    io::BlobStore& blobs;
    const market::Market* market;  // none: the keeper is gone
    Limits limits;
    std::set<Hash> waiting = {};
    std::set<Hash> under_way = {};
    std::map<Hash, Mark> removed = {};
    std::map<Mark, Hash> order = {};
    Mark removals = 0;
    Mark forgotten = 0;

    Inside(io::Loop& its_loop, io::BlobStore& its_blobs, const market::Market& its_market,
           Limits its_limits)
        : loop(its_loop), blobs(its_blobs), market(&its_market), limits(its_limits) {}

    bool is_needed(const Hash& hash) const { return market->state().blobs.contains(hash); }

    void remove_waiting();
    void removed_now(const std::vector<Hash>&);
    void remember(const Hash&);
    void sweep();
    void swept(const std::vector<io::BlobFacts>& old);
};

/// One errand at a time, so that uploads find a free thread of the pool.
void BlobKeeper::Inside::remove_waiting() {
    if (!under_way.empty() || waiting.empty()) return;
    std::erase_if(waiting, [&](const Hash& hash) { return is_needed(hash); });
    under_way = std::exchange(waiting, {});
    std::vector<Hash> all(under_way.begin(), under_way.end());
    loop.post_blocking([self = shared_from_this(), all = std::move(all)] {
        for (const Hash& hash : all) {
            const Status gone = self->blobs.remove(hash);
            if (!gone.ok() && gone.error().code != Code::not_found) complain(gone.error());
        }
        self->loop.post([self, all] { self->removed_now(all); });
    });
}

void BlobKeeper::Inside::removed_now(const std::vector<Hash>& all) {
    if (!market) return;
    under_way.clear();
    for (const Hash& hash : all) remember(hash);
    remove_waiting();
}

void BlobKeeper::Inside::remember(const Hash& hash) {
    const auto [found, is_new] = removed.try_emplace(hash);
    if (!is_new) order.erase(found->second);
    found->second = ++removals;
    order.emplace(removals, hash);
    while (order.size() > limits.remembered) {
        forgotten = order.begin()->first;
        removed.erase(order.begin()->second);
        order.erase(order.begin());
    }
}

void BlobKeeper::Inside::sweep() {
    loop.post_blocking([self = shared_from_this()] {
        const Status forgot = self->blobs.forget_unfinished();
        if (!forgot.ok()) complain(forgot.error());
        auto all = self->blobs.list();
        if (!all.ok()) return complain(all.error());
        std::vector<io::BlobFacts> old = std::move(all).value();
        const Time oldest = wall_clock() - self->limits.age;
        std::erase_if(old, [&](const io::BlobFacts& facts) { return facts.stored > oldest; });
        self->loop.post([self, old = std::move(old)] { self->swept(old); });
    });
    loop.after(limits::sweep_delay, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (self && self->market) self->sweep();
    });
}

void BlobKeeper::Inside::swept(const std::vector<io::BlobFacts>& old) {
    if (!market) return;
    for (const io::BlobFacts& facts : old) {
        if (!is_needed(facts.hash)) waiting.insert(facts.hash);
    }
    remove_waiting();
}

BlobKeeper::BlobKeeper(io::Loop& loop, io::BlobStore& blobs, const market::Market& market)
    : BlobKeeper(loop, blobs, market, Limits{}) {}

BlobKeeper::BlobKeeper(io::Loop& loop, io::BlobStore& blobs, const market::Market& market,
                       Limits limits)
    : inside_(std::make_shared<Inside>(loop, blobs, market, limits)) {}

BlobKeeper::~BlobKeeper() {
    inside_->market = nullptr;
}

BlobKeeper::Mark BlobKeeper::mark() const {
    return inside_->removals;
}

bool BlobKeeper::is_untouched(const Hash& hash, Mark mark) const {
    if (inside_->under_way.contains(hash) || mark < inside_->forgotten) return false;
    const auto found = inside_->removed.find(hash);
    return found == inside_->removed.end() || found->second <= mark;
}

void BlobKeeper::dropped(const Hash& hash) {
    if (inside_->is_needed(hash)) return;
    inside_->waiting.insert(hash);
    inside_->remove_waiting();
}

void BlobKeeper::sweep() {
    inside_->sweep();
}

}  // namespace shoal::apps
