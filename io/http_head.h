#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/time.h"
#include "io/http.h"
#include "io/url.h"

namespace shoal::io {

/// The head of an answer.
struct AnswerHead {
    int status = 200;
    std::optional<std::uint64_t> content_length;
    bool keeps_open = true;
};

/// Appends a status line, Date, Content-Length, Connection, the fields and the empty line. A
/// control character in a field becomes a space, so that no value can add a field of its own.
void append_head(std::string& output, const AnswerHead&, const Fields&);

/// What a server says about a file, by the conditions of the request (empty if absent).
struct FileConditions {
    std::string_view range;
    std::string_view if_range;
    std::string_view if_none_match;
};
struct FileAnswer {
    int status = 200;  // 200, 206, 304, 416
    std::uint64_t first = 0;
    std::uint64_t count = 0;
    Fields headers;
};
FileAnswer plan_file(std::string_view etag, std::uint64_t size, const FileConditions&);

/// Whether a request of this Host and Origin (empty if absent) may be answered. denied: it comes
/// from another site, or was led here under another name.
struct Arrival {
    std::string_view host;
    std::string_view origin;
    bool secure = false;
    std::uint16_t port = 0;
};
Status admit(const Arrival&);

std::string to_lower(std::string_view text);

/// Whether a comma-separated list has the token, in any case.
bool lists(std::string_view list, std::string_view token);

}  // namespace shoal::io
