#include "sandbox/recording.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace shoal::sandbox {

Result<Recording> Recording::open(const std::string& path, std::uint64_t size_max) {
    Recording recording;
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return failed("pipe");
    recording.reader_.reset(ends[0]);
    recording.writer_.reset(ends[1]);
    // Only this end: the job's writes shall wait, and the flag is the description's, not the job's.
    if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return failed("fcntl");
    recording.file_.reset(
        ::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_APPEND | O_CLOEXEC, 0600));
    if (!recording.file_.open()) return failed("create " + path);
    recording.size_max_ = size_max;
    return recording;
}

Result<Recording> Recording::of_bytes(const std::string& path, std::uint64_t size_max) {
    return open(path, size_max);
}

Result<Recording> Recording::of_lines(const std::string& path, std::uint64_t size_max,
                                      std::size_t line_max) {
    Recording recording = TRY(open(path, size_max));
    recording.line_max_ = line_max;
    return recording;
}

Recording::Take Recording::take() {
    constexpr std::size_t buffer_bytes = 64 << 10;
    std::array<char, buffer_bytes> buffer;  // filled by read
    const ssize_t size = ::read(reader_.get(), buffer.data(), buffer.size());
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return Take::nothing;
    if (size <= 0) {
        if (scrubber_) hear(scrubber_->finish());
        reader_.reset();
        return Take::closed;
    }
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(size));
    if (scrubber_) {
        hear(scrubber_->scrub(bytes));
    } else {
        hear(bytes);
    }
    return Take::some;
}

void Recording::hear(std::string_view bytes) {
    if (line_max_ == 0) {
        keep(bytes);
    } else {
        keep_lines(bytes);
    }
}

/// A disk that is full drops, like a limit: the job is not to blame and goes on.
void Recording::keep(std::string_view bytes) {
    if (bytes.empty()) return;
    const std::size_t room =
        static_cast<std::size_t>(std::min<std::uint64_t>(size_max_ - kept_, bytes.size()));
    const ssize_t written = ::write(file_.get(), bytes.data(), room);
    const auto kept = static_cast<std::uint64_t>(std::max<ssize_t>(written, 0));
    kept_ += kept;
    dropped_ += bytes.size() - kept;
    if (kept > 0) within_line_ = bytes[kept - 1] != '\n';
}

void Recording::add_line(std::string_view text) {
    std::string line = within_line_ ? "\n" : "";
    line += scrubber_ ? scrubber_->scrub_whole(text) : std::string(text);
    if (!line.ends_with('\n')) line += '\n';
    keep(line);
}

void Recording::keep_lines(std::string_view bytes) {
    while (!bytes.empty()) {
        const std::size_t end = bytes.find('\n');
        const std::size_t size = end == std::string_view::npos ? bytes.size() : end + 1;
        const bool whole = end != std::string_view::npos;
        skipping_ = skipping_ || line_.size() + size > line_max_;
        if (skipping_) {
            dropped_ += line_.size() + size;
            line_.clear();
        } else {
            line_.append(bytes.substr(0, size));
        }
        if (whole && !skipping_) keep_line();
        if (whole) skipping_ = false;
        bytes.remove_prefix(size);
    }
}

/// The line that has come whole, if there is room for all of it.
void Recording::keep_line() {
    if (hear_) hear_(line_);
    if (line_.size() <= size_max_ - kept_) {
        keep(line_);
    } else {
        dropped_ += line_.size();
    }
    line_.clear();
}

}  // namespace shoal::sandbox
