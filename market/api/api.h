#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/hash.h"
#include "core/id.h"
#include "core/result.h"
#include "core/time.h"
#include "market/api/rate_limits.h"
#include "market/api/route.h"
#include "market/live.h"
#include "market/market.h"

namespace shoal::market {

/// A request whose head was understood; its body is complete.
struct ApiRequest {
    std::string method;
    std::string path;                            // decoded, begins with "/"
    std::map<std::string, std::string> query;    // decoded
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
    std::string request_id;
    std::string peer;         // the address it came from
    bool is_trusted = false;  // may read /metrics without a key: from this machine, and allowed
};

/// A blob whose bytes are the answer's body.
struct BlobAnswer {
    Hash blob;
    std::uint64_t size_bytes = 0;
    std::string content_type;
    std::string filename;
};

struct ApiAnswer {
    int status = 200;
    std::map<std::string, std::string> headers;  // names in lower case, with content-type
    std::string body;
    std::optional<BlobAnswer> blob;  // instead of the body
};

/// Leave to upload a blob, for the account that will have it. `is_known`: the account has it, so
/// the bytes need not be read.
struct UploadGrant {
    Principal principal;
    AccountId account;
    std::optional<LeaseId> lease;  // of the attempt that made it
    Hash blob;
    std::uint64_t size_bytes = 0;
    bool is_known = false;
};

/// REST without a socket: who asks, whether they may, what they get.
///
/// Everything follows from the table of routes (route.h): dispatch, the checks of key, role, query
/// and body, and the documents. Each refusal is a Problem. Another account's thing is answered like
/// one that does not exist. An answer to a POST with an Idempotency-Key is given again for 24 h
/// without doing anything twice. Each key may make so many requests a second, and each address so
/// many without a valid one; what an operator changed is noted. Whatever was decided is in the
/// batch; the answer may leave when that is durable. The market's tick() is expected to have been
/// called for the moment.
class Api {
public:
    Api(Market& market, const Live& live) : market_(market), live_(live) {}

    ApiAnswer handle(const ApiRequest&, const Moment&, Batch&);

    /// What the shell must do with a request, told from its head: nothing but handle(), stream the
    /// body of an upload, or accept a WebSocket.
    RouteKind kind(std::string_view method, std::string_view path) const;

    /// Who asks for a WebSocket, or the refusal.
    std::variant<Principal, ApiAnswer> enter(const ApiRequest&, Time now);

    /// Whether the body of PUT /v1/blobs/{hash}, of this size, may come. The outputs of an attempt
    /// (header `shoal-lease`) become its buyer's, and all together keep to the job's limits.
    std::variant<UploadGrant, ApiAnswer> may_upload(const ApiRequest&, std::uint64_t size_bytes,
                                                    Time now);

    /// The bytes came, and their hash is right.
    ApiAnswer uploaded(const ApiRequest&, const UploadGrant&, const Moment&, Batch&);

    /// The Problem of a failure that the shell met, with the status of its code.
    static ApiAnswer refusal(const ApiRequest&, const Error&);

    /// What /readyz says is missing; nothing: ready. Not ready from the beginning.
    void set_missing(std::string missing) { missing_ = std::move(missing); }

private:
    /// A request that its route lets in.
    struct Admission {
        const Route* route = nullptr;
        std::map<std::string, std::string> path;
        Principal principal;
    };

    std::variant<Admission, ApiAnswer> admit(const ApiRequest&, Time now);
    std::variant<Principal, ApiAnswer> identify(const ApiRequest&, Time now);
    Result<UploadGrant> grant(const ApiRequest&, const Admission&, std::uint64_t size_bytes);
    Result<UploadGrant> grant_output(LeaseId, UploadGrant);
    void forget_uploads();

    Market& market_;
    const Live& live_;
    std::string missing_ = "starting";
    RateLimits<KeyId> rates_{limits::keys_remembered};
    RateLimits<std::string> strangers_{limits::strangers_remembered};
    std::map<LeaseId, std::map<Hash, std::uint64_t>> uploads_;  // sizes granted to live attempts
};

}  // namespace shoal::market
