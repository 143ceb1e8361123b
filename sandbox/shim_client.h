#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "core/result.h"
#include "sandbox/handover.h"
#include "sandbox/shim_command.h"
#include "sandbox/shim_socket.h"
#include "sandbox/system.h"

namespace shoal::sandbox {

inline constexpr const char* own_program = "/proc/self/exe";

/// What a shim tells.
enum class ShimWord { started, grown, ended };

/// A provider's connection to the shim of one attempt. Never blocks: the caller polls fd() for
/// reading and then calls hear(). When it is gone without `ended`, and outcome.json is not there,
/// the shim was killed: see remove_leftovers().
class ShimLink {
public:
    /// not_found, unavailable: no shim is there: it has ended, or was killed.
    static Result<ShimLink> attach(const std::string& attempt_folder);

    int fd() const { return socket_.get(); }

    /// unavailable: the shim is gone.
    Result<std::vector<ShimWord>> hear();
    Status send(const ShimCommand&);

private:
    explicit ShimLink(Fd socket) : socket_(std::move(socket)) {}

    Fd socket_;
    LineReader reader_{64};
};

/// Starts `PROGRAM shim FOLDER` in a session of its own, so that it outlives this process; it
/// inherits nothing but the socket, to which attach() connects from now on, and the secrets, if
/// there are some. What it has to complain goes to FOLDER/shim.err. The caller waits for the
/// process when it has ended.
Result<pid_t> start_shim(const std::string& attempt_folder,
                         const std::string& program = own_program, const Secrets& secrets = {});

/// After a shim was killed: ends what still runs of its attempt and removes its control groups.
/// Must not be called while it lives. Gives how many groups there were.
Result<std::size_t> remove_leftovers(pid_t shim);

/// At a provider's start: removes the control groups of all shims that are gone. Living ones are
/// not touched. Gives how many there were.
Result<std::size_t> sweep();

}  // namespace shoal::sandbox
