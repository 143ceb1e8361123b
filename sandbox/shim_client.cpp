#include "sandbox/shim_client.h"

#include <array>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sandbox/cgroup.h"

namespace shoal::sandbox {

namespace {

/// How the new process begins: a session, no blocked or ignored signal, three descriptors, and a
/// fourth where secrets are handed over.
class Beginning {
public:
    Beginning(int socket, const std::string& complaints, const Fd& secrets) {
        ::posix_spawnattr_init(&attributes_);
        ::posix_spawn_file_actions_init(&actions_);
        sigset_t none;
        sigset_t all;
        ::sigemptyset(&none);
        ::sigfillset(&all);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setsigdefault(&attributes_, &all);
        ::posix_spawnattr_setflags(
            &attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        ::posix_spawn_file_actions_adddup2(&actions_, socket, 0);
        ::posix_spawn_file_actions_addopen(&actions_, 1, "/dev/null", O_WRONLY, 0);
        ::posix_spawn_file_actions_addopen(&actions_, 2, complaints.c_str(),
                                           O_CREAT | O_TRUNC | O_WRONLY | O_APPEND, 0600);
        if (secrets.open()) {
            ::posix_spawn_file_actions_adddup2(&actions_, secrets.get(), secrets_descriptor);
        }
        ::posix_spawn_file_actions_addclosefrom_np(
            &actions_, secrets.open() ? secrets_descriptor + 1 : secrets_descriptor);
    }
    ~Beginning() {
        ::posix_spawn_file_actions_destroy(&actions_);
        ::posix_spawnattr_destroy(&attributes_);
    }
    Beginning(const Beginning&) = delete;
    Beginning& operator=(const Beginning&) = delete;

    Result<pid_t> spawn(const std::string& program, const std::string& folder) const {
        std::array<std::string, 3> words{"shoal", "shim", folder};
        const std::array<char*, 4> arguments{words[0].data(), words[1].data(), words[2].data(),
                                             nullptr};
        pid_t pid = -1;
        const int number = ::posix_spawn(&pid, program.c_str(), &actions_, &attributes_,
                                         arguments.data(), environ);
        if (number != 0) return failed("start the shim", number);
        return pid;
    }

private:
    posix_spawnattr_t attributes_{};
    posix_spawn_file_actions_t actions_{};
};

}  // namespace

Result<ShimLink> ShimLink::attach(const std::string& attempt_folder) {
    return ShimLink(TRY(connect_in(attempt_folder)));
}

Result<std::vector<ShimWord>> ShimLink::hear() {
    std::vector<ShimWord> words;
    for (const std::string& line : TRY(read_lines(socket_.get(), reader_))) {
        if (line == "started") words.push_back(ShimWord::started);
        if (line == "grown") words.push_back(ShimWord::grown);
        if (line == "ended") words.push_back(ShimWord::ended);
    }
    return words;
}

Status ShimLink::send(const ShimCommand& command) {
    const std::string line = to_line(command);
    const ssize_t sent = ::send(socket_.get(), line.data(), line.size(), MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(line.size())) return failed("tell the shim");
    return Done{};
}

Result<pid_t> start_shim(const std::string& attempt_folder, const std::string& program,
                         const Secrets& secrets) {
    const Fd socket = TRY(listen_in(attempt_folder));
    const Fd handed = secrets.empty() ? Fd() : TRY(hand_over(secrets));
    return Beginning(socket.get(), attempt_folder + "/shim.err", handed)
        .spawn(program, attempt_folder);
}

Result<std::size_t> remove_leftovers(pid_t shim) {
    return sweep_groups(TRY(prepare_groups()), shim);
}

Result<std::size_t> sweep() {
    return sweep_groups(TRY(prepare_groups()));
}

}  // namespace shoal::sandbox
