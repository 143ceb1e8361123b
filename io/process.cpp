#include "io/process.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" {            // glibc 2.36 forgets it
#include <sys/pidfd.h>  // NOLINT
}

#include "core/check.h"

namespace shoal::io {

namespace {

constexpr int target_max = 63;  // our own descriptors are moved above it on the way

/// posix_spawn's two objects, destroyed together.
class Plan {
public:
    Plan() {
        check(::posix_spawn_file_actions_init(&actions_) == 0);
        check(::posix_spawnattr_init(&attributes_) == 0);
    }
    ~Plan() {
        ::posix_spawnattr_destroy(&attributes_);
        ::posix_spawn_file_actions_destroy(&actions_);
    }
    Plan(const Plan&) = delete;
    Plan& operator=(const Plan&) = delete;

    /// Opens or copies the source, and plans to give it to the process as `target`.
    Status redirect(const Redirection& redirection) {
        check(redirection.target >= 0 && redirection.target <= target_max);
        Descriptor opened;
        if (const auto* from = std::get_if<ReadFrom>(&redirection.source)) {
            opened = TRY(open_file(from->path, O_RDONLY | O_NOCTTY));
        } else if (const auto* to = std::get_if<AppendTo>(&redirection.source)) {
            opened = TRY(open_file(to->path, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY));
        }
        const int source = opened.is_open() ? opened.number() : std::get<int>(redirection.source);
        // A copy above every target: so no redirection overwrites the source of another one.
        Descriptor copy(::fcntl(source, F_DUPFD_CLOEXEC, target_max + 1));
        if (!copy.is_open()) return system_error("cannot copy a file descriptor", errno);
        check(::posix_spawn_file_actions_adddup2(&actions_, copy.number(), redirection.target) ==
              0);
        copies_.push_back(std::move(copy));
        targets_.push_back(redirection.target);
        return Done{};
    }

    bool is_target(int number) const {
        return std::ranges::find(targets_, number) != targets_.end();
    }

    void close_others() {
        const int top = *std::ranges::max_element(targets_);
        for (int number = 0; number < top; ++number) {
            if (is_target(number)) continue;
            check(::posix_spawn_file_actions_addclose(&actions_, number) == 0);
        }
        check(::posix_spawn_file_actions_addclosefrom_np(&actions_, top + 1) == 0);
    }

    void enter(const std::filesystem::path& folder) {
        if (folder.empty()) return;
        check(::posix_spawn_file_actions_addchdir_np(&actions_, folder.c_str()) == 0);
    }

    void set_attributes(Group group) {
        sigset_t all;
        sigset_t none;
        ::sigfillset(&all);
        ::sigemptyset(&none);
        check(::posix_spawnattr_setsigdefault(&attributes_, &all) == 0);
        check(::posix_spawnattr_setsigmask(&attributes_, &none) == 0);
        int flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
        if (group == Group::own) flags |= POSIX_SPAWN_SETPGROUP;  // of its own id: the default
        if (group == Group::session) flags |= POSIX_SPAWN_SETSID;
        check(::posix_spawnattr_setflags(&attributes_, static_cast<short>(flags)) == 0);
    }

    const posix_spawn_file_actions_t* actions() const { return &actions_; }
    const posix_spawnattr_t* attributes() const { return &attributes_; }

private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
    std::vector<Descriptor> copies_;
    std::vector<int> targets_;
};

Status check_words(const Command& command) {
    if (command.words.empty() || command.words.front().empty()) {
        return Error{Code::invalid, "a command needs a program"};
    }
    const auto has_zero = [](const std::string& word) {
        return word.find('\0') != std::string::npos;
    };
    if (std::ranges::any_of(command.words, has_zero) ||
        std::ranges::any_of(command.environment, has_zero)) {
        return Error{Code::invalid, "a command's words may not hold zero bytes"};
    }
    return Done{};
}

Status redirect_all(Plan& plan, const Command& command) {
    for (const Redirection& redirection : command.redirections) {
        const Status done = plan.redirect(redirection);
        if (!done.ok()) return done;
    }
    for (int number = 0; number < 3; ++number) {
        if (plan.is_target(number)) continue;
        const Descriptor null = TRY(open_file("/dev/null", O_RDWR));
        const Status done = plan.redirect({number, null.number()});
        if (!done.ok()) return done;
    }
    return Done{};
}

std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> all;
    all.reserve(words.size() + 1);
    for (std::string& word : words) all.push_back(word.data());
    all.push_back(nullptr);
    return all;
}

int poll_milliseconds(Duration rest) {
    constexpr Duration longest{3'600'000};
    return static_cast<int>(std::clamp(rest, Duration{0}, longest).count());
}

/// timeout: the time is up and nothing can be read.
Status wait_readable(const Descriptor& descriptor, Duration timeout) {
    const auto end = std::chrono::steady_clock::now() + timeout;
    for (;;) {
        const auto rest = std::chrono::ceil<Duration>(end - std::chrono::steady_clock::now());
        pollfd watched{descriptor.number(), POLLIN, 0};
        const int count = ::poll(&watched, 1, poll_milliseconds(rest));
        if (count > 0) return Done{};
        if (count < 0 && errno != EINTR) return system_error("cannot wait for a process", errno);
        if (rest <= Duration{0}) return Error{Code::timeout, "the process runs on"};
    }
}

}  // namespace

Result<Process> Process::spawn(const Command& command) {
    const Status sound = check_words(command);
    if (!sound.ok()) return sound.error();
    Plan plan;
    const Status redirected = redirect_all(plan, command);
    if (!redirected.ok()) return redirected.error();
    plan.close_others();
    plan.enter(command.folder);
    plan.set_attributes(command.group);
    std::vector<std::string> words = command.words;
    std::vector<std::string> environment = command.environment;
    pid_t id = -1;
    const int failed = ::posix_spawnp(&id, words.front().c_str(), plan.actions(), plan.attributes(),
                                      pointers(words).data(), pointers(environment).data());
    if (failed != 0) {
        const Error why = system_error("cannot start " + words.front(), failed);
        // EAGAIN means too many processes here, not "try again".
        return failed == EAGAIN ? Error{Code::exhausted, why.what} : why;
    }
    // Nobody else waits for our children, so the id still is this process, ended or not.
    Descriptor pidfd(::pidfd_open(id, 0));
    if (!pidfd.is_open()) {
        const Error why = system_error("cannot watch " + words.front(), errno);
        ::kill(id, SIGKILL);
        ::waitpid(id, nullptr, 0);
        return why;
    }
    return Process(id, std::move(pidfd));
}

Process::Process(Process&& other) noexcept
    : id_(std::exchange(other.id_, -1)),
      pidfd_(std::move(other.pidfd_)),
      is_waited_for_(std::exchange(other.is_waited_for_, true)),
      exit_(other.exit_) {}

Process& Process::operator=(Process&& other) noexcept {
    if (this == &other) return *this;
    end();
    id_ = std::exchange(other.id_, -1);
    pidfd_ = std::move(other.pidfd_);
    is_waited_for_ = std::exchange(other.is_waited_for_, true);
    exit_ = other.exit_;
    return *this;
}

Process::~Process() {
    end();
}

Result<Exit> Process::wait(Duration timeout) {
    if (is_waited_for_) return exit_;
    const Status readable = wait_readable(pidfd_, timeout);
    if (!readable.ok()) return readable.error();
    siginfo_t facts{};
    while (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.number()), &facts, WEXITED) != 0) {
        if (errno != EINTR) return system_error("cannot wait for a process", errno);
    }
    is_waited_for_ = true;
    exit_ = facts.si_code == CLD_EXITED ? Exit{facts.si_status, 0} : Exit{0, facts.si_status};
    return exit_;
}

Status Process::signal(int number) {
    const Error ended{Code::not_found, "the process has ended"};
    if (is_waited_for_) return ended;
    if (::pidfd_send_signal(pidfd_.number(), number, nullptr, 0) == 0) return Done{};
    if (errno == ESRCH) return ended;
    return system_error("cannot signal a process", errno);
}

Status Process::signal_group(int number) {
    const Error ended{Code::not_found, "the process has ended"};
    if (is_waited_for_) return ended;  // from now on its id may name another one
    if (::kill(-id_, number) == 0) return Done{};
    if (errno == ESRCH) return ended;
    return system_error("cannot signal a process group", errno);
}

void Process::release() {
    pidfd_ = Descriptor();
    is_waited_for_ = true;
}

void Process::end() {
    if (is_waited_for_ || id_ < 0) return;
    ::pidfd_send_signal(pidfd_.number(), SIGKILL, nullptr, 0);
    siginfo_t facts{};
    while (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.number()), &facts, WEXITED) != 0 &&
           errno == EINTR) {
    }
    is_waited_for_ = true;
}

}  // namespace shoal::io
