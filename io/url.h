#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/hash.h"
#include "core/result.h"

namespace shoal::io {

/// One header field or one query parameter.
struct Field {
    std::string name;
    std::string value;

    friend bool operator==(const Field&, const Field&) = default;
};
using Fields = std::vector<Field>;

/// The first value of that exact name, or none.
const std::string* find(const Fields&, std::string_view name);

/// What a request names: the decoded path, and the decoded parameters in the order they came.
struct Target {
    std::string path;
    Fields query;
};

/// A request's target in origin form ("/v1/jobs?state=open"). invalid: it does not begin with "/",
/// is longer than 8 KiB, or after decoding has bad UTF-8, a control character, an empty, "." or
/// ".." segment, a slash or backslash inside a segment, or more than 64 parameters.
Result<Target> parse_target(std::string_view target);

/// Percent-encodes all but letters, digits and "-._~", as a path segment or a parameter wants it.
std::string encode_segment(std::string_view text);

/// Which bytes of a body of known size a Range header asks for. A header that is malformed, of
/// another unit or of several ranges is ignored, as RFC 9110 allows: the whole.
struct ByteRange {
    enum class Kind { whole, part, unsatisfiable };
    Kind kind = Kind::whole;
    std::uint64_t first = 0;
    std::uint64_t count = 0;

    friend bool operator==(const ByteRange&, const ByteRange&) = default;
};
ByteRange parse_range(std::string_view header, std::uint64_t size);

/// Which bytes of a whole a body holds: "bytes FIRST-LAST/SIZE", all three known.
struct ContentRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::uint64_t size = 0;

    friend bool operator==(const ContentRange&, const ContentRange&) = default;
};

/// invalid: any other form, or not first <= last < size.
Result<ContentRange> parse_content_range(std::string_view header);
std::string to_string(const ContentRange&);

/// Where a market is: `http://host:port`, `https://host:port#sha256=PIN`; ws and wss mean the same
/// as http and https. The port defaults to 80 or 443.
struct BaseUrl {
    bool secure = false;
    std::string host;  // an IPv6 address stands without its brackets
    std::uint16_t port = 0;
    std::optional<Hash> pin;
};

/// invalid: another form, a path, a pin without https, or a pin that is not 64 hexadecimal digits.
Result<BaseUrl> parse_base_url(std::string_view text);

/// `http://host:port`, without the pin.
std::string to_string(const BaseUrl&);

/// The value of the Host header: the host, and the port unless it is the scheme's own.
std::string authority(const BaseUrl&);

}  // namespace shoal::io
