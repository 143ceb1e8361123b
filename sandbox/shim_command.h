#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "core/result.h"
#include "core/time.h"
#include "protocol/reasons.h"

namespace shoal::sandbox {

/// `stop REASON GRACE_MS`: end the job, and say it was for this.
struct StopCommand {
    protocol::Reason reason = protocol::Reason::provider_reclaimed;
    Duration grace{};

    friend bool operator==(const StopCommand&, const StopCommand&) = default;
};

/// `deadline MS_FROM_NOW`: when the lease ends.
struct DeadlineCommand {
    Duration left{};

    friend bool operator==(const DeadlineCommand&, const DeadlineCommand&) = default;
};

using ShimCommand = std::variant<StopCommand, DeadlineCommand>;

/// A line with its end.
std::string to_line(const ShimCommand&);

/// invalid: not a command, without the line's end.
Result<ShimCommand> parse_command(std::string_view line);

}  // namespace shoal::sandbox
