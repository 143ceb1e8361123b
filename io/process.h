#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include <sys/types.h>

#include "core/result.h"
#include "core/time.h"
#include "io/files.h"

namespace shoal::io {

/// What a file descriptor of the new process is.
struct ReadFrom {
    std::filesystem::path path;
};
struct AppendTo {
    std::filesystem::path path;  // made if missing, mode 0600
};
struct Redirection {
    int target = 0;                                // in the new process
    std::variant<int, ReadFrom, AppendTo> source;  // a descriptor of this process, or a file
};

/// Where signals reach it: those for our group too, those for its own group, or a session without
/// our terminal.
enum class Group { shared, own, session };

/// How a process is started. Nothing is inherited that is not named here: no variable of the
/// environment, no file descriptor (0, 1 and 2 are /dev/null unless redirected), no signal mask.
struct Command {
    std::vector<std::string> words;        // the first is a path; without "/", $PATH is searched
    std::vector<std::string> environment;  // "NAME=value"
    std::filesystem::path folder;          // empty: ours
    std::vector<Redirection> redirections;
    Group group = Group::own;
};

/// How a process ended: with an exit code, or by a signal (then the code is 0).
struct Exit {
    int code = 0;
    int signal = 0;

    friend bool operator==(Exit, Exit) = default;
};

/// A child process with one owner. It is killed and waited for when its owner is gone.
class Process {
public:
    /// not_found, denied: there is no such program or folder, or it may not be run. invalid: no
    /// words, or a zero byte in one. exhausted: too many processes.
    static Result<Process> spawn(const Command& command);

    Process(Process&& other) noexcept;
    Process& operator=(Process&& other) noexcept;
    ~Process();

    pid_t id() const { return id_; }

    /// A pidfd: readable when the process has ended, for an event loop.
    const Descriptor& ended() const { return pidfd_; }

    /// How it ended; may be asked again. timeout: it runs on.
    Result<Exit> wait(Duration timeout);

    /// not_found: it has ended.
    Status signal(int number);

    /// To all of its group, which it must lead (Group::own or session); also after it has ended,
    /// as long as wait() has not told so.
    Status signal_group(int number);

    /// Lets it run on without an owner. It stays our child: whoever starts many that end while we
    /// run should keep them.
    void release();

private:
    Process(pid_t id, Descriptor pidfd) : id_(id), pidfd_(std::move(pidfd)) {}

    void end();

    pid_t id_ = -1;
    Descriptor pidfd_;
    bool is_waited_for_ = false;
    Exit exit_;
};

}  // namespace shoal::io
