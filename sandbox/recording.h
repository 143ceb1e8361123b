#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/result.h"
#include "sandbox/scrubber.h"
#include "sandbox/system.h"

namespace shoal::sandbox {

/// What a job says on a pipe, kept in a file up to a limit; the rest is counted and dropped.
class Recording {
public:
    /// Of a log: any bytes, as they come.
    static Result<Recording> of_bytes(const std::string& path, std::uint64_t size_max);

    /// Of reports: whole lines; one that is longer than line_max is dropped, and so is a last one
    /// without an end.
    static Result<Recording> of_lines(const std::string& path, std::uint64_t size_max,
                                      std::size_t line_max);

    /// Whoever is to hear each whole line, also one that the file has no more room for.
    void on_line(std::function<void(std::string_view)> hear) { hear_ = std::move(hear); }

    /// From now on nothing is kept or heard before these were taken out of it.
    void hide(const Scrubber& secrets) { scrubber_ = secrets; }

    /// Adds a line that the job said elsewhere, on a line of its own.
    void add_line(std::string_view text);

    /// The end that the job writes to; closed by close_writer() when the job has it.
    int writer() const { return writer_.get(); }
    void close_writer() { writer_.reset(); }

    /// The end to poll; -1 once all writers are gone.
    int reader() const { return reader_.get(); }

    enum class Take { some, nothing, closed };

    /// Takes what is there, at most one buffer of it.
    Take take();

    std::uint64_t kept_bytes() const { return kept_; }
    std::uint64_t dropped_bytes() const { return dropped_; }

private:
    Recording() = default;
    static Result<Recording> open(const std::string& path, std::uint64_t size_max);
    void hear(std::string_view bytes);
    void keep(std::string_view bytes);
    void keep_lines(std::string_view bytes);
    void keep_line();

    Fd reader_;
    Fd writer_;
    Fd file_;
    std::uint64_t size_max_ = 0;
    std::size_t line_max_ = 0;  // 0: bytes, not lines
    std::uint64_t kept_ = 0;
    std::uint64_t dropped_ = 0;
    std::string line_;
    bool skipping_ = false;  // the rest of a line that was too long
    bool within_line_ = false;
    std::optional<Scrubber> scrubber_;
    std::function<void(std::string_view)> hear_;
};

}  // namespace shoal::sandbox
