#include "apps/processes.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <sstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/bytes.h"

extern char** environ;

namespace shoal::apps {

namespace {

constexpr std::size_t proc_bytes_max = 4'096;
constexpr std::uint64_t log_bytes_max = std::uint64_t{256} << 20U;
constexpr int ready_descriptor = 3;

/// A file of /proc: its size is not known before it is read.
std::string read_proc(const std::string& path) {
    const auto file = io::open_file(path, O_RDONLY);
    if (!file.ok()) return "";
    std::array<char, proc_bytes_max> bytes{};
    const ssize_t size = read(file.value().number(), bytes.data(), bytes.size());
    return size > 0 ? std::string(bytes.data(), static_cast<std::size_t>(size)) : "";
}

std::string boot_id() {
    std::string id = read_proc("/proc/sys/kernel/random/boot_id");
    std::erase(id, '\n');
    return id;
}

/// Field 3 (state) and field 22 (start) of /proc/PID/stat. The name before them may hold anything.
struct ProcessFacts {
    char state = 'X';
    std::uint64_t started = 0;
};

ProcessFacts facts_of(std::int64_t pid) {
    const std::string text = read_proc(fmt::format("/proc/{}/stat", pid));
    const auto name_end = text.rfind(')');
    if (name_end == std::string::npos) return {};
    std::istringstream fields(text.substr(name_end + 1));
    ProcessFacts facts;
    fields >> facts.state;
    std::string skipped;
    for (int field = 4; field < 22; ++field) fields >> skipped;
    fields >> facts.started;
    return fields ? facts : ProcessFacts{};
}

bool is_the_same(const ProcessRecord& record) {
    const ProcessFacts facts = facts_of(record.pid);
    return facts.started == record.started && facts.state != 'X' && record.boot == boot_id();
}

/// A handle that stays with the process even if its number is given away. Empty: it is gone.
io::Descriptor handle_of(const ProcessRecord& record) {
    if (record.pid <= 1) return {};
    const auto number =
        static_cast<int>(syscall(SYS_pidfd_open, static_cast<pid_t>(record.pid), 0U));
    io::Descriptor handle(number);
    // Only now, that the handle is held, is it certain whose number this is.
    return handle.is_open() && is_the_same(record) ? std::move(handle) : io::Descriptor();
}

Status send(const ProcessRecord& record, int signal) {
    const io::Descriptor handle = handle_of(record);
    if (!handle.is_open()) return Done{};
    if (syscall(SYS_pidfd_send_signal, handle.number(), signal, nullptr, 0U) == 0) return Done{};
    if (errno == ESRCH) return Done{};
    return io::system_error(fmt::format("cannot stop {} ({})", record.role, record.pid), errno);
}

/// What posix_spawn must do between fork and exec.
class SpawnActions {
public:
    SpawnActions() {
        posix_spawn_file_actions_init(&files_);
        posix_spawnattr_init(&attributes_);
    }
    ~SpawnActions() {
        posix_spawn_file_actions_destroy(&files_);
        posix_spawnattr_destroy(&attributes_);
    }
    SpawnActions(const SpawnActions&) = delete;
    SpawnActions& operator=(const SpawnActions&) = delete;

    void prepare(const ProcessPlan& plan) {
        posix_spawn_file_actions_addopen(&files_, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_addopen(&files_, 1, plan.log.c_str(),
                                         O_WRONLY | O_CREAT | O_APPEND, 0600);
        posix_spawn_file_actions_adddup2(&files_, 1, 2);
        if (plan.ready_fd >= 0) {
            posix_spawn_file_actions_adddup2(&files_, plan.ready_fd, ready_descriptor);
        }
        sigset_t defaults;
        sigset_t none;
        sigemptyset(&none);
        sigemptyset(&defaults);
        for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP}) sigaddset(&defaults, signal);
        posix_spawnattr_setsigdefault(&attributes_, &defaults);
        posix_spawnattr_setsigmask(&attributes_, &none);
        posix_spawnattr_setflags(&attributes_,
                                 static_cast<short>(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF |
                                                    POSIX_SPAWN_SETSIGMASK));
    }
    const posix_spawn_file_actions_t* files() const { return &files_; }
    const posix_spawnattr_t* attributes() const { return &attributes_; }

private:
    posix_spawn_file_actions_t files_{};
    posix_spawnattr_t attributes_{};
};

int to_poll_time(Duration time) {
    return static_cast<int>(std::clamp<std::int64_t>(time.count(), 0, 3'600'000));
}

}  // namespace

Result<ProcessRecord> start_process(const ProcessPlan& plan) {
    SpawnActions actions;
    actions.prepare(plan);
    std::vector<std::string> words = plan.words;
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_t pid = 0;
    const int failed = posix_spawn(&pid, arguments.front(), actions.files(), actions.attributes(),
                                   arguments.data(), environ);
    if (failed != 0) return io::system_error("cannot start " + plan.role, failed);
    return ProcessRecord{plan.role, pid, facts_of(pid).started, boot_id()};
}

bool is_alive(const ProcessRecord& record) {
    return is_the_same(record) && facts_of(record.pid).state != 'Z';
}

Status ask_to_end(const ProcessRecord& record) {
    return send(record, SIGTERM);
}

Status end_by_force(const ProcessRecord& record) {
    return send(record, SIGKILL);
}

bool wait_for_end(const ProcessRecord& record, Duration time_max) {
    const io::Descriptor handle = handle_of(record);
    if (!handle.is_open()) return true;
    pollfd ended{handle.number(), POLLIN, 0};
    return poll(&ended, 1, to_poll_time(time_max)) == 1;
}

Result<std::string> wait_for_word(const ProcessRecord& record, const io::Descriptor& pipe,
                                  Duration time_max) {
    std::string word;
    for (;;) {
        pollfd waiting{pipe.number(), POLLIN, 0};
        if (poll(&waiting, 1, to_poll_time(time_max)) == 0) {
            return Error{Code::timeout, record.role + " did not get ready in time"};
        }
        // The other end is closed when the process ends, so this does not wait for ever.
        std::array<char, 256> bytes{};
        const ssize_t size = read(pipe.number(), bytes.data(), bytes.size());
        if (size <= 0) break;
        word.append(bytes.data(), static_cast<std::size_t>(size));
    }
    while (word.ends_with('\n')) word.pop_back();
    if (word.empty()) return Error{Code::unavailable, record.role + " ended at its start"};
    return word;
}

std::string last_lines(const std::filesystem::path& log, std::size_t count) {
    auto text = io::read_file(log, log_bytes_max);
    if (!text.ok()) return "";
    std::string_view rest = text.value();
    while (rest.ends_with('\n')) rest.remove_suffix(1);
    std::size_t begin = rest.size();
    for (std::size_t line = 0; line < count && begin != 0 && begin != std::string_view::npos;
         ++line) {
        begin = rest.rfind('\n', begin - 1);
    }
    if (begin == std::string_view::npos || begin == 0) return std::string(rest);
    return std::string(rest.substr(begin + 1));
}

}  // namespace shoal::apps
