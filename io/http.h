#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "io/files.h"
#include "io/url.h"

namespace shoal::io {

/// A request whose head was understood.
struct Request {
    std::string method;
    std::string target;  // as it came
    std::string path;    // decoded, see parse_target
    Fields query;
    Fields headers;    // names in lower case; values of a repeated name are joined by ", "
    std::string body;  // empty if the body is to be streamed
    std::optional<std::uint64_t> content_length;
    std::optional<ContentRange> part;  // the Content-Range of an upload, of content_length bytes
    std::string request_id;
    bool wants_websocket = false;
    bool from_loopback = false;
    std::string peer;  // whose connection: an IPv4 address, or the /64 of an IPv6 one
    bool secure = false;
};

/// A body that is read from an open file while it is sent. `etag` is sent in quotes; with it the
/// server answers If-None-Match and If-Range, and Range with 206 or 416.
struct FileBody {
    Descriptor file;
    std::string etag;
};

struct Response {
    int status = 200;
    Fields headers;  // without Content-Length, Connection and Date, which the server writes
    std::string body;
    std::optional<FileBody> file;  // instead of the body
};

/// The status that tells a client of an error of this code.
int status_of(Code);

/// `{"code", "message", "hint", "path", "request_id"}`, the body of every refusal.
struct Problem {
    std::string code;  // the name of a Code
    std::string message;
    std::string hint;
    std::string path;  // the place in the request's body, if there is one
};
Response refusal(int status, const Problem&, std::string_view request_id);
Response refusal(const Error&, std::string_view request_id);

Response json_response(int status, std::string body);

std::string_view reason_phrase(int status);

}  // namespace shoal::io
