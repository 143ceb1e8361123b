#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/hash.h"
#include "io/blobs.h"
#include "io/loop.h"
#include "market/market.h"

namespace shoal::apps {

/// Removes the bytes that no account has any more, and none that an upload relies on.
///
/// The market drops a blob; when that is durable, its bytes go. The same bytes may be on their way
/// in, or found to be there already, at that very moment: so an upload takes a mark at its
/// beginning and asks at its end whether its bytes were touched since. What no state names, after
/// a crash or an upload that nobody waited for, is swept up a day later. Core thread only; the
/// files are removed on the pool.
class BlobKeeper {
public:
    using Mark = std::uint64_t;

    struct Limits {
        Duration age = limits::sweep_delay;  // younger bytes may belong to an upload under way
        std::size_t remembered = 100'000;    // removals
    };

    /// All must outlive the loop's threads, but for the market.
    BlobKeeper(io::Loop&, io::BlobStore&, const market::Market&);
    BlobKeeper(io::Loop&, io::BlobStore&, const market::Market&, Limits);
    ~BlobKeeper();
    BlobKeeper(const BlobKeeper&) = delete;
    BlobKeeper& operator=(const BlobKeeper&) = delete;

    Mark mark() const;

    /// False: the bytes may have been removed since the mark.
    bool is_untouched(const Hash&, Mark) const;

    /// An account's drop of the blob is durable.
    void dropped(const Hash&);

    /// Removes what nobody names and is old, and unfinished uploads; now, and every day again.
    void sweep();

private:
    struct Inside;
    std::shared_ptr<Inside> inside_;
};

}  // namespace shoal::apps
