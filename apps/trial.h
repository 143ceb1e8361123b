#pragma once

// A run of the simulation in a process of its own: a check that fails ends that process alone.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "core/result.h"
#include "io/files.h"
#include "simulation/run.h"

namespace shoal::apps {

struct Trial {
    std::optional<simulation::Report> report;  // absent: the process died
    std::string last_words;                    // what it wrote to standard error
    std::uint64_t step = 0;                    // the last that was told of
    std::optional<std::uint64_t> healed_at;    // the step at which the faults ended
    std::vector<std::string> lines;            // the end of its account, if it was told
};

/// `once_told`: one run, with its account. `twice`: two, which must be the same.
enum class Playing { once, once_told, twice };

/// A run that goes on in its process until it is waited for; one that nobody waits for is killed.
class Apart {
public:
    /// exhausted, unavailable: no process can be started. Only while this process has one thread.
    static Result<Apart> start(const simulation::Plan&, Playing);

    Apart(Apart&&) noexcept;
    Apart& operator=(Apart&&) = delete;
    ~Apart();

    Trial wait() &&;

private:
    Apart(pid_t child, io::Descriptor from) : child_(child), from_(std::move(from)) {}

    pid_t child_ = 0;  // 0: it was waited for
    io::Descriptor from_;
};

/// Starts it and waits for it.
Result<Trial> play_apart(const simulation::Plan&, Playing);

}  // namespace shoal::apps
