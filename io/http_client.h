#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "core/result.h"
#include "core/time.h"
#include "io/http.h"
#include "io/url.h"

namespace shoal::io {

/// What a client asks. Header names are written as given.
struct Call {
    std::string method = "GET";
    std::string target = "/";  // path and query, percent-encoded
    Fields headers;
    std::string body;
};

struct Reply {
    int status = 0;
    Fields headers;  // names in lower case
    std::string body;
};

/// What an answer's Retry-After asks for (RFC 9110, 10.2.3): nothing if it has none, or one that is
/// no number of seconds; never more than an hour.
Duration retry_after(const Reply&);

/// A blocking HTTP/1.1 client of one server, for one thread at a time; it keeps its connection.
///
/// Errors of all calls: unavailable: the server cannot be reached or broke off. timeout. denied:
/// its certificate is not trusted. exhausted: the answer is too big. corrupt: it is not HTTP. An
/// answer of any status is not an error, except where said. Errors never hold what headers say.
class HttpClient {
public:
    struct Settings {
        Duration connect_time_max{5'000};
        Duration call_time_max{30'000};      // a call from its beginning to its end, but for files
        Duration progress_time_max{30'000};  // for each next piece of a file
        std::uint64_t reply_bytes_max = std::uint64_t{64} << 20U;
    };

    explicit HttpClient(BaseUrl);
    HttpClient(BaseUrl, Settings);
    ~HttpClient();
    HttpClient(HttpClient&&) noexcept;
    HttpClient& operator=(HttpClient&&) noexcept;

    Result<Reply> call(Call);

    /// Sends bytes [first, end) of the file as the call's body, with a Content-Range of the whole
    /// file if that is not all of it. not_found, denied: the file cannot be read.
    struct Part {
        std::uint64_t first = 0;
        std::optional<std::uint64_t> end;
    };
    Result<Reply> send_file(Call, const std::filesystem::path&, Part);

    /// Gets the target into the file and gives its size. A file that is already there is taken for
    /// the beginning and only the rest is asked for; a server that sends the whole all the same
    /// replaces it. The first error status ends it: its reply is in `refused` and the file is
    /// unchanged. exhausted: above bytes_max, or the disk is full.
    struct Fetched {
        std::uint64_t bytes = 0;
        std::optional<Reply> refused;
    };
    Result<Fetched> fetch_file(Call, const std::filesystem::path&, std::uint64_t bytes_max);

    struct Inside;

private:
    std::unique_ptr<Inside> inside_;
};

}  // namespace shoal::io
