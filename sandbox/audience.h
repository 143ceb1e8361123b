#pragma once

#include <string_view>
#include <vector>

#include <poll.h>

#include "sandbox/shim_socket.h"
#include "sandbox/system.h"

namespace shoal::sandbox {

/// The providers that are attached to a shim: none, one or several.
class Audience {
public:
    explicit Audience(Fd listener) : listener_(std::move(listener)) {}

    /// What to poll for reading: the listening socket, then every provider.
    void add_to(std::vector<pollfd>& polled) const;

    /// Takes whoever waits, and tells each what has happened so far.
    void accept(std::string_view so_far);

    /// The lines that providers have sent; who misbehaves or is gone is dropped.
    std::vector<std::string> hear();

    /// To all. Who does not read what he is sent is dropped: he will attach again.
    void tell(std::string_view line);

private:
    struct Member {
        Fd socket;
        LineReader reader;
    };

    Fd listener_;
    std::vector<Member> members_;
};

}  // namespace shoal::sandbox
