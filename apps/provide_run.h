#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <sys/types.h>

#include "core/id.h"
#include "io/files.h"
#include "io/loop.h"
#include "provider/steps.h"
#include "sandbox/shim_client.h"

namespace shoal::apps {

/// The provider's end of one attempt's shim: hears when the job starts, speaks and ends, and reads
/// what it said. Destroying it leaves the shim alone. Core thread only.
class AttemptRun {
public:
    /// JobStarted, JobSaid, JobEnded, the last one once and last. It must not destroy the run.
    using Report = std::function<void(provider::Input)>;

    /// Whether the market can take log lines now. Reports are read in any case.
    using Room = std::function<bool()>;

    AttemptRun(io::Loop&, LeaseId, std::filesystem::path folder, Report, Room);
    ~AttemptRun();
    AttemptRun(const AttemptRun&) = delete;
    AttemptRun& operator=(const AttemptRun&) = delete;

    /// Starts a shim in the prepared folder, which is given the secrets.
    void start(const std::string& program, const sandbox::Secrets&);

    /// Attaches to the shim of an earlier process, or reads how it ended. What the job had printed
    /// is not told again, what it had reported is.
    void resume();

    void tell(const sandbox::ShimCommand&);

    /// There may be room again for what was printed.
    void read_on();

private:
    Status attach();
    void detach();
    void hear();
    void lost();
    void end();
    void fail(const Error&);
    void read_soon();
    void read_reports(std::uint64_t bytes_max);
    bool read_log();

    io::Loop& loop_;
    LeaseId lease_;
    std::filesystem::path folder_;
    Report report_;
    Room room_;
    std::optional<sandbox::ShimLink> link_;
    std::optional<io::Loop::WatchId> watch_;
    std::optional<io::Loop::TimerId> pause_;  // until output is read again
    bool unread_ = false;
    bool ended_ = false;
    bool started_ = false;
    std::optional<pid_t> shim_;
    io::Descriptor log_;
    io::Descriptor reports_;
    std::uint64_t log_offset_ = 0;
    std::uint64_t reports_offset_ = 0;
};

}  // namespace shoal::apps
