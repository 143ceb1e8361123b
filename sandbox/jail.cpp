#include "sandbox/jail.h"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace shoal::sandbox {

namespace {

constexpr unsigned last_capability = 63;
constexpr int first_inherited = 4;  // 0 nothing, 1 and 2 the log, 3 the reports

/// System calls only, and every one is checked: what fails ends the child with a note.
class Child {
public:
    explicit Child(JailPlan& plan) : plan_(plan) {}

    [[noreturn]] void run() {
        wait_for_launcher();
        take_identity();
        follow_parent();
        open_sources();
        lay_out_root();
        mount_proc();
        lay_out_devices();
        bind_all();
        mask_proc();
        change_root();
        bring_up_loopback();
        limit();
        drop_privileges();
        branch_off();
    }

private:
    [[noreturn]] void fail(JailStep step) const { fail(step, errno); }
    [[noreturn]] void fail(JailStep step, int number) const {
        tell({JailNote::Kind::failed, static_cast<std::int32_t>(step), number});
        _exit(1);
    }
    void must(long result, JailStep step) const {
        if (result < 0) fail(step);
    }
    void tell(const JailNote& note) const {
        (void)!::send(plan_.control, &note, sizeof note, MSG_NOSIGNAL);
    }

    void wait_for_launcher() const {
        char go = 0;
        if (::recv(plan_.control, &go, 1, 0) != 1) _exit(1);  // the launcher gave up
    }

    /// By raw system calls: the library's wrappers would talk to threads that are not here.
    void take_identity() const {
        if (plan_.drop_groups) must(::syscall(SYS_setgroups, 0, nullptr), JailStep::identity);
        must(::syscall(SYS_setresgid, inner_id, inner_id, inner_id), JailStep::identity);
        must(::syscall(SYS_setresuid, inner_id, inner_id, inner_id), JailStep::identity);
        ::umask(022);
    }

    void follow_parent() const {
        must(::prctl(PR_SET_PDEATHSIG, SIGKILL), JailStep::parent);
        must(::prctl(PR_SET_DUMPABLE, 0), JailStep::parent);
        char none = 0;
        if (::recv(plan_.control, &none, 1, MSG_PEEK | MSG_DONTWAIT) == 0) _exit(1);  // it is gone
        must(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), JailStep::mounts);
    }

    /// Before anything is mounted over the paths that they name.
    void open_sources() {
        for (JailBind& bind : plan_.binds) {
            if (bind.tree.open()) continue;
            const int tree = open_bind(bind);
            must(tree, JailStep::source);
            bind.tree.reset(tree);
        }
    }

    void mount_new(const char* type, const char* target, unsigned long flags,
                   const char* options) const {
        const bool is_proc = std::strcmp(type, "proc") == 0;
        must(::mount(type, target, type, MS_NOSUID | MS_NODEV | flags, options),
             is_proc ? JailStep::proc : JailStep::tmp);
    }

    void lay_out_root() const {
        must(::mount("root", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV,
                     "mode=755,size=1m,nr_inodes=4096"),
             JailStep::root);
        must(::chdir("/tmp"), JailStep::root);
        for (const std::string& folder : plan_.folders) {
            must(::mkdir(folder.c_str(), 0755), JailStep::folders);
        }
        for (const JailLink& link : plan_.links) {
            must(::symlink(link.target.c_str(), link.name.c_str()), JailStep::folders);
        }
        for (const JailFile& file : plan_.files) {
            const int fd = ::open(file.name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
            must(fd, JailStep::folders);
            must(::write(fd, file.text.data(), file.text.size()), JailStep::folders);
            ::close(fd);
        }
    }

    void mount_proc() const { mount_new("proc", "proc", MS_NOEXEC, nullptr); }

    void lay_out_devices() const {
        must(
            ::mount("dev", "dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=64k,nr_inodes=64"),
            JailStep::devices);
        must(::mkdir("dev/shm", 0755), JailStep::devices);
        mount_new("tmpfs", "dev/shm", 0, plan_.scratch_options.c_str());
        mount_new("tmpfs", "tmp", 0, plan_.scratch_options.c_str());
        must(::symlink("/proc/self/fd", "dev/fd"), JailStep::devices);
        must(::symlink("/proc/self/fd/0", "dev/stdin"), JailStep::devices);
        must(::symlink("/proc/self/fd/1", "dev/stdout"), JailStep::devices);
        must(::symlink("/proc/self/fd/2", "dev/stderr"), JailStep::devices);
    }

    void bind_all() const {
        for (const JailBind& bind : plan_.binds) {
            if (bind.access == Access::device) {
                const int place = ::open(bind.target.c_str(), O_CREAT | O_EXCL | O_CLOEXEC, 0444);
                must(place, JailStep::devices);
                ::close(place);
            }
            must(::syscall(SYS_move_mount, bind.tree.get(), "", AT_FDCWD, bind.target.c_str(),
                           MOVE_MOUNT_F_EMPTY_PATH),
                 JailStep::binds);
        }
    }

    /// What this kernel has of it: a name that does not exist needs no mask.
    void mask_proc() const {
        for (const std::string& name : plan_.masked) {
            if (::access(name.c_str(), F_OK) != 0) continue;
            must(::mount("dev/null", name.c_str(), nullptr, MS_BIND, nullptr), JailStep::proc);
        }
        for (const std::string& name : plan_.read_only) {
            if (::access(name.c_str(), F_OK) != 0) continue;
            must(::mount(name.c_str(), name.c_str(), nullptr, MS_BIND | MS_REC, nullptr),
                 JailStep::proc);
            must(::mount(nullptr, name.c_str(), nullptr,
                         MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
                         nullptr),
                 JailStep::proc);
        }
    }

    void change_root() const {
        constexpr unsigned long closed = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID;
        must(::mount(nullptr, "dev", nullptr, closed | MS_NOEXEC, nullptr), JailStep::devices);
        must(::mount(nullptr, ".", nullptr, closed | MS_NODEV, nullptr), JailStep::root);
        must(::syscall(SYS_pivot_root, ".", "."), JailStep::pivot);
        must(::umount2(".", MNT_DETACH), JailStep::pivot);
        must(::chdir("/work"), JailStep::pivot);
        must(::sethostname("job", 3), JailStep::pivot);
    }

    /// Programs talk to themselves through 127.0.0.1; there is no other interface.
    void bring_up_loopback() const {
        const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        must(fd, JailStep::loopback);
        ifreq request{};
        std::memcpy(request.ifr_name, "lo", 3);
        request.ifr_flags = IFF_UP | IFF_RUNNING;
        must(::ioctl(fd, SIOCSIFFLAGS, &request), JailStep::loopback);
        ::close(fd);
    }

    void limit() const {
        for (const JailLimit& wanted : plan_.limits) {
            const rlimit both{wanted.soft, wanted.hard};
            must(::syscall(SYS_prlimit64, 0, wanted.resource, &both, nullptr), JailStep::limits);
        }
        must(::setsid(), JailStep::limits);
    }

    void drop_privileges() const {
        must(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), JailStep::privileges);
        for (unsigned capability = 0; capability <= last_capability; ++capability) {
            ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);  // fails behind the kernel's last one
        }
        __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
        const std::array<__user_cap_data_struct, 2> none{};
        must(::syscall(SYS_capset, &header, none.data()), JailStep::privileges);
        must(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), JailStep::privileges);
    }

    /// The pipe closes by itself when the program runs; else it brings errno.
    [[noreturn]] void branch_off() const {
        sigset_t watched;
        ::sigemptyset(&watched);
        ::sigaddset(&watched, SIGCHLD);
        ::sigaddset(&watched, SIGTERM);
        must(::sigprocmask(SIG_SETMASK, &watched, nullptr), JailStep::spawn);
        std::array<int, 2> outcome{-1, -1};
        must(::pipe2(outcome.data(), O_CLOEXEC), JailStep::spawn);
        const long job = ::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, 0);
        must(job, JailStep::spawn);
        if (job == 0) become_job(outcome[1]);
        ::close(outcome[1]);
        watch(static_cast<pid_t>(job), outcome[0], watched);
    }

    [[noreturn]] void become_job(int outcome) const {
        ::setsid();
        const Outlet out = arrange_descriptors(outcome);
        reset_signals();
        const sock_fprog program{static_cast<unsigned short>(plan_.filter->instructions.size()),
                                 filter_code(*plan_.filter)};
        if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) {
            report(out, JailStep::filter, errno);
        }
        if (plan_.entry != nullptr) run_entry(out);
        report(out, JailStep::program, run_first_candidate());
    }

    struct Outlet {
        int fd;
    };

    static sock_filter* filter_code(const Filter& filter) {
        // The kernel reads it only; its interface lacks the const.
        return const_cast<sock_filter*>(
            reinterpret_cast<const sock_filter*>(filter.instructions.data()));
    }

    [[noreturn]] static void report(Outlet out, JailStep step, int number) {
        const std::array<std::int32_t, 2> words{static_cast<std::int32_t>(step), number};
        (void)!::write(out.fd, words.data(), sizeof words);
        _exit(1);
    }

    [[noreturn]] void run_entry(Outlet out) const {
        ::close(out.fd);
        _exit(plan_.entry());
    }

    /// 0 nothing, 1 and 2 the log, 3 the reports, 4 the outlet, closed when the program runs. They
    /// are first moved above all of these, so that none is overwritten before it is copied.
    Outlet arrange_descriptors(int outcome) const {
        constexpr int above = 64;
        const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
        const int log = ::fcntl(plan_.log, F_DUPFD_CLOEXEC, above);
        const int reports = ::fcntl(plan_.report, F_DUPFD_CLOEXEC, above);
        const int outlet = ::fcntl(outcome, F_DUPFD_CLOEXEC, above);
        if (null < 0 || log < 0 || reports < 0 || outlet < 0) {
            report({outcome}, JailStep::spawn, errno);
        }
        ::dup2(null, 0);
        ::dup2(log, 1);
        ::dup2(log, 2);
        ::dup2(reports, 3);
        ::dup3(outlet, first_inherited, O_CLOEXEC);
        ::syscall(SYS_close_range, first_inherited + 1, ~0U, 0);
        return {first_inherited};
    }

    static void reset_signals() {
        for (int number = 1; number < NSIG; ++number) {
            struct sigaction standard{};
            standard.sa_handler = SIG_DFL;
            ::sigaction(number, &standard, nullptr);  // refused for the two that cannot be changed
        }
        sigset_t none;
        ::sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
    }

    /// errno of the first candidate that is there, or of the last one.
    int run_first_candidate() const {
        for (const std::string& path : plan_.candidates) {
            ::execve(path.c_str(), plan_.arguments.data(), plan_.environment.data());
            if (errno != ENOENT && errno != ENOTDIR) break;
        }
        return errno;
    }

    /// The life of the jail's init: it reaps, passes SIGTERM on to the job, and when the job ends
    /// so does init, upon which the kernel kills whatever else is in here.
    [[noreturn]] void watch(pid_t job, int outcome, const sigset_t& watched) const {
        std::array<std::int32_t, 2> words{};
        const ssize_t size = ::read(outcome, words.data(), sizeof words);
        ::close(outcome);
        if (size == sizeof words) fail(static_cast<JailStep>(words[0]), words[1]);
        ::dup2(plan_.control, 0);
        ::syscall(SYS_close_range, 1, ~0U, 0);
        const Outlet out{0};
        say(out, {JailNote::Kind::started, 0, 0});
        for (;;) {
            const int signal = ::sigwaitinfo(&watched, nullptr);
            if (signal == SIGTERM) ::kill(-job, SIGTERM);
            int status = 0;
            for (pid_t ended = 0; (ended = ::waitpid(-1, &status, WNOHANG)) > 0;) {
                if (ended != job) continue;
                say(out, {JailNote::Kind::ended, 0, status});
                _exit(0);
            }
        }
    }

    static void say(Outlet out, const JailNote& note) {
        (void)!::send(out.fd, &note, sizeof note, MSG_NOSIGNAL);
    }

    JailPlan& plan_;
};

}  // namespace

int open_bind(const JailBind& bind) {
    const long tree = ::syscall(SYS_open_tree, AT_FDCWD, bind.source.c_str(),
                                OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (tree < 0) return -1;
    mount_attr wanted{};
    wanted.attr_set = MOUNT_ATTR_NOSUID;
    if (bind.access != Access::device) wanted.attr_set |= MOUNT_ATTR_NODEV;
    if (bind.access == Access::device) wanted.attr_set |= MOUNT_ATTR_NOEXEC;
    if (bind.access == Access::read_only) wanted.attr_set |= MOUNT_ATTR_RDONLY;
    wanted.propagation = MS_PRIVATE;  // no later mount of the host comes in
    const int fd = static_cast<int>(tree);
    if (::syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &wanted,
                  sizeof wanted) == 0) {
        return fd;
    }
    const int number = errno;
    ::close(fd);
    errno = number;
    return -1;
}

void enter_jail(JailPlan& plan) {
    Child(plan).run();
}

}  // namespace shoal::sandbox
