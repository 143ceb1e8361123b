#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "sandbox/system.h"

namespace shoal::sandbox {

/// A listening socket FOLDER/shim.sock, not blocking. A stale one is replaced. The folder's path
/// may be longer than a socket's address can hold.
Result<Fd> listen_in(const std::string& folder);

/// A connection to it, not blocking. not_found, unavailable: nobody listens there.
Result<Fd> connect_in(const std::string& folder);

/// Cuts a stream of bytes into lines.
class LineReader {
public:
    explicit LineReader(std::size_t line_max) : line_max_(line_max) {}

    /// The lines that these bytes complete, without their ends. invalid: a line is too long.
    Result<std::vector<std::string>> take(std::string_view bytes);

private:
    std::size_t line_max_;
    std::string rest_;
};

/// Reads what is there and cuts it. unavailable: the other side is gone. invalid: a line too long.
Result<std::vector<std::string>> read_lines(int socket, LineReader&);

}  // namespace shoal::sandbox
