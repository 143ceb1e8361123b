#include "apps/trial.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <deque>
#include <utility>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/json.h"

namespace shoal::apps {

namespace {

constexpr std::size_t lines_kept = 2'000;
constexpr std::size_t words_kept = 8 << 10;
constexpr char told_mark = '\x01';    // begins a line of the account, with its step
constexpr char report_mark = '\x02';  // begins the report

void write_line(char kind, const std::string& text) {
    std::string line(1, kind);
    for (const char c : text) line += c == '\n' ? ' ' : c;
    line += '\n';
    std::fwrite(line.data(), 1, line.size(), stderr);
}

/// The child's whole life; its standard error is the pipe.
[[noreturn]] void play(const simulation::Plan& plan, Playing playing) {
    const auto listener = [](std::uint64_t step, const std::string& line) {
        write_line(told_mark, std::to_string(step) + " " + line);
    };
    const auto run = [&] {
        if (playing == Playing::twice) return simulation::run_twice(plan);
        if (playing == Playing::once) return simulation::run(plan);
        return simulation::run(plan, listener);
    };
    const simulation::Report report = run();
    write_line(report_mark, json::print(report));
    std::fflush(stderr);
    ::_exit(0);
}

/// Takes what the child writes, line by line.
class Listener {
public:
    void hear(std::string_view bytes) {
        for (const char c : bytes) {
            if (c != '\n') {
                line_ += c;
                continue;
            }
            take(std::exchange(line_, {}));
        }
    }

    Trial heard() {
        if (!line_.empty()) take(std::exchange(line_, {}));
        trial_.lines.assign(lines_.begin(), lines_.end());
        return std::move(trial_);
    }

private:
    void take(std::string line) {
        const char kind = line.empty() ? ' ' : line.front();
        if (kind == told_mark) return take_told(line.substr(1));
        if (kind == report_mark) return take_report(line.substr(1));
        if (trial_.last_words.size() < words_kept) trial_.last_words += line + "\n";
    }

    void take_told(const std::string& line) {
        const auto space = line.find(' ');
        std::from_chars(line.data(), line.data() + space, trial_.step);
        lines_.push_back(line.substr(space + 1));
        if (lines_.back() == simulation::healed_line) trial_.healed_at = trial_.step;
        if (lines_.size() > lines_kept) lines_.pop_front();
    }

    void take_report(const std::string& line) {
        const auto value = json::parse(line, line.size());
        if (!value.ok()) return;
        auto report = json::read<simulation::Report>(value.value(), json::Reader::tolerant);
        if (report.ok()) trial_.report = std::move(report).value();
    }

    Trial trial_;
    std::string line_;
    std::deque<std::string> lines_;
};

/// Whether it ended well.
bool reap(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

Result<Apart> Apart::start(const simulation::Plan& plan, Playing playing) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return io::system_error("make a pipe", errno);
    io::Descriptor from(ends[0]);
    const io::Descriptor to(ends[1]);
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child < 0) return io::system_error("start a process", errno);
    if (child == 0) {
        ::dup2(to.number(), STDERR_FILENO);
        std::setvbuf(stderr, nullptr, _IOLBF, 0);
        play(plan, playing);
    }
    return Apart(child, std::move(from));
}

Apart::Apart(Apart&& other) noexcept
    : child_(std::exchange(other.child_, 0)), from_(std::move(other.from_)) {}

Apart::~Apart() {
    if (child_ == 0) return;
    ::kill(child_, SIGKILL);
    reap(child_);
}

Trial Apart::wait() && {
    Listener listener;
    std::array<char, 64 << 10> piece{};
    for (;;) {
        const ssize_t size = ::read(from_.number(), piece.data(), piece.size());
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) break;
        listener.hear({piece.data(), static_cast<std::size_t>(size)});
    }
    Trial trial = listener.heard();
    if (!reap(std::exchange(child_, 0))) trial.report.reset();
    return trial;
}

Result<Trial> play_apart(const simulation::Plan& plan, Playing playing) {
    return TRY(Apart::start(plan, playing)).wait();
}

}  // namespace shoal::apps
