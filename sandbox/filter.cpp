#include "sandbox/filter.h"

#include <array>
#include <cstring>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sandbox/filter_calls.h"
#include "sandbox/system.h"

namespace shoal::sandbox {

namespace {

static_assert(sizeof(sock_filter) == sizeof(std::uint64_t));

constexpr std::size_t instructions_max = 4096;  // the kernel's own limit
constexpr std::uint64_t low_half = 0xffffffff;  // the kernel looks at no more of an int argument

/// All of these open a new namespace; CLONE_NEWTIME cannot be asked of clone().
constexpr std::uint64_t namespace_flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID |
                                          CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
                                          CLONE_NEWCGROUP;

/// Adds rules to a libseccomp context and remembers whether one failed.
class Rules {
public:
    Rules() : context_(seccomp_init(SCMP_ACT_ERRNO(ENOSYS))) {}
    ~Rules() {
        if (context_ != nullptr) seccomp_release(context_);
    }
    Rules(const Rules&) = delete;
    Rules& operator=(const Rules&) = delete;

    bool good() const { return context_ != nullptr && !failed_; }

    void allow(const char* name) {
        const int number = seccomp_syscall_resolve_name(name);
        if (number < 0) return;  // another architecture's, or newer than the library
        note(seccomp_rule_add(context_, SCMP_ACT_ALLOW, number, 0));
    }
    template <class... Comparisons>
    void allow_if(int number, Comparisons... comparisons) {
        const std::array<scmp_arg_cmp, sizeof...(comparisons)> wanted{comparisons...};
        note(
            seccomp_rule_add_array(context_, SCMP_ACT_ALLOW, number, wanted.size(), wanted.data()));
    }
    void set(scmp_filter_attr attribute, std::uint32_t value) {
        note(seccomp_attr_set(context_, attribute, value));
    }
    void write(int fd) { note(seccomp_export_bpf(context_, fd)); }

private:
    void note(int result) { failed_ = failed_ || result != 0; }

    scmp_filter_ctx context_;
    bool failed_ = false;
};

scmp_arg_cmp equals(unsigned argument, std::uint64_t mask, std::uint64_t value) {
    return {.arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value & mask};
}

/// Not every address family knows network namespaces (AF_VSOCK did not before Linux 7.0), so only
/// those that do are let through. A type's low four bits say what it is, the rest are options.
void allow_sockets(Rules& rules) {
    constexpr std::uint64_t type_bits = 0xf;
    rules.allow_if(SCMP_SYS(socket), equals(0, low_half, AF_UNIX));
    for (const int family : {AF_INET, AF_INET6}) {
        for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
            rules.allow_if(SCMP_SYS(socket), equals(0, low_half, static_cast<unsigned>(family)),
                           equals(1, type_bits, static_cast<unsigned>(type)));
        }
    }
    rules.allow_if(SCMP_SYS(socket), equals(0, low_half, AF_NETLINK), equals(2, low_half, 0));
    rules.allow_if(SCMP_SYS(socketpair), equals(0, low_half, AF_UNIX));
}

/// What terminals, pipes, files and interfaces are asked. Not TIOCSTI and TIOCLINUX, which put
/// words into somebody else's terminal.
void allow_ioctls(Rules& rules) {
    constexpr std::uint64_t interface_requests = 0xffffff00;
    for (const std::uint64_t request : allowed_ioctls) {
        rules.allow_if(SCMP_SYS(ioctl), equals(1, low_half, request));
    }
    rules.allow_if(SCMP_SYS(ioctl), equals(1, interface_requests, SIOCGIFNAME));
}

void allow_all(Rules& rules) {
    for (const char* name : allowed_calls) rules.allow(name);
    rules.allow_if(SCMP_SYS(clone), equals(0, namespace_flags, 0));
    rules.allow_if(SCMP_SYS(personality), equals(0, low_half, 0));
    rules.allow_if(SCMP_SYS(personality), equals(0, low_half, low_half));  // only asks
    allow_sockets(rules);
    allow_ioctls(rules);
}

}  // namespace

Result<Filter> compile_filter() {
    Rules rules;
    if (!rules.good()) return Error{Code::unsupported, "seccomp: libseccomp has no such machine"};
    allow_all(rules);
    rules.set(SCMP_FLTATR_CTL_OPTIMIZE, 2);  // a binary tree over the numbers
    rules.set(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    const Fd memory(::memfd_create("filter", MFD_CLOEXEC));
    if (!memory.open()) return failed("memfd_create");
    rules.write(memory.get());
    if (!rules.good()) return Error{Code::unsupported, "seccomp: a rule was not accepted"};
    return load_filter("/proc/self/fd/" + std::to_string(memory.get()));
}

Status save_filter(const Filter& filter, const std::string& folder, const std::string& name) {
    const std::size_t size = filter.instructions.size() * sizeof(std::uint64_t);
    std::string bytes(size, '\0');
    std::memcpy(bytes.data(), filter.instructions.data(), size);
    return replace_file(folder, name, bytes);
}

Result<Filter> load_filter(const std::string& path) {
    const std::string bytes = TRY(read_text(path, (instructions_max + 1) * sizeof(std::uint64_t)));
    const std::size_t count = bytes.size() / sizeof(std::uint64_t);
    if (count == 0 || count > instructions_max || bytes.size() % sizeof(std::uint64_t) != 0) {
        return Error{Code::invalid, path + ": expected a compiled filter, got " +
                                        std::to_string(bytes.size()) + " bytes"};
    }
    Filter filter;
    filter.instructions.resize(count);
    std::memcpy(filter.instructions.data(), bytes.data(), bytes.size());
    return filter;
}

}  // namespace shoal::sandbox
