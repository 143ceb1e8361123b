#pragma once

#include <memory>
#include <string>

#include "apps/blob_keeper.h"
#include "apps/core_loop.h"
#include "apps/guesses.h"
#include "apps/market_feed.h"
#include "apps/market_sessions.h"
#include "io/blobs.h"
#include "io/http_server.h"
#include "io/loop.h"
#include "market/api/api.h"

namespace shoal::apps {

/// Brings requests to the market's API on the core thread and its answers back; streams blobs
/// between sockets and the store on the blocking pool.
class MarketHttp {
public:
    struct Parts {
        io::Loop& loop;
        CoreLoop& core;
        market::Api& api;
        io::BlobStore& blobs;
        BlobKeeper& keeper;
        ProviderSessions& sessions;
        FeedHub& feed;
    };

    explicit MarketHttp(Parts parts) : parts_(parts) {}

    io::HttpHandlers handlers();

private:
    /// A blob on its way in.
    struct Arrival {
        market::ApiRequest request;
        market::UploadGrant grant;
        BlobKeeper::Mark mark = 0;  // of its beginning
    };

    /// Whose request it is, and where its answer goes.
    struct Caller {
        io::Exchange exchange;
        std::string peer;
    };

    void request(const io::Request&, const io::Exchange&);
    void plain(const market::ApiRequest&, const Caller&);
    void socket(const market::ApiRequest&, const Caller&);
    void refuse(const market::ApiAnswer&, const Caller&, Time now);
    void upload(const market::ApiRequest&, const io::Request&, const io::Exchange&);
    void receive(const Arrival&, std::uint64_t first, std::uint64_t body_bytes,
                 const io::Exchange&);
    void stored(const Arrival&, const io::Exchange&);
    void send(const market::ApiRequest&, const market::ApiAnswer&, const io::Exchange&);
    void send_blob(const market::ApiRequest&, const market::ApiAnswer&, const Hash&,
                   const io::Exchange&);

    friend class BlobSink;
    Parts parts_;
    Guesses guesses_;  // core thread only
};

}  // namespace shoal::apps
