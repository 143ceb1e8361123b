#include "sandbox/group_name.h"

#include <array>
#include <charconv>

#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/system.h"

namespace shoal::sandbox {

namespace {

constexpr std::string_view prefix = "shoal-";

std::uint64_t own_space() {
    struct stat found{};
    return ::stat("/proc/self/ns/pid", &found) == 0 ? found.st_ino : 0;
}

/// Field 22 of /proc/PID/stat, behind the name, which may hold spaces and brackets; 0: no process.
std::uint64_t start_of(pid_t pid) {
    constexpr int fields_before = 20;
    const auto read = read_text("/proc/" + std::to_string(pid) + "/stat");
    if (!read.ok()) return 0;
    std::string_view text = read.value();
    text.remove_prefix(std::min(text.rfind(')') + 1, text.size()));
    if (text.size() > 2 && (text[1] == 'Z' || text[1] == 'X'))
        return 0;  // dead, not yet waited for
    for (int i = 0; i < fields_before; ++i) {
        const std::size_t space = text.find(' ');
        if (space == std::string_view::npos) return 0;
        text.remove_prefix(space + 1);
    }
    std::uint64_t started = 0;
    std::from_chars(text.data(), text.data() + text.size(), started);
    return started;
}

}  // namespace

ProcessMark own_process() {
    return {own_space(), ::getpid(), start_of(::getpid())};
}

bool is_alive(const ProcessMark& process) {
    return process.started != 0 && start_of(process.pid) == process.started;
}

bool same_process_space(const ProcessMark& process) {
    return process.space == own_space();
}

std::string to_string(const GroupName& name) {
    return std::string(prefix) + std::to_string(name.maker.space) + "-" +
           std::to_string(name.maker.pid) + "-" + std::to_string(name.maker.started) + "-" +
           std::to_string(name.number);
}

Result<GroupName> parse_group_name(std::string_view text) {
    const Error wrong{Code::invalid, "not the name of a group of ours"};
    if (!text.starts_with(prefix)) return wrong;
    text.remove_prefix(prefix.size());
    std::array<std::uint64_t, 4> numbers{};
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (i > 0 && !text.starts_with('-')) return wrong;
        if (i > 0) text.remove_prefix(1);
        const auto parsed = std::from_chars(text.data(), text.data() + text.size(), numbers[i]);
        if (parsed.ec != std::errc()) return wrong;
        text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
    }
    if (!text.empty()) return wrong;
    return GroupName{{numbers[0], static_cast<pid_t>(numbers[1]), numbers[2]},
                     static_cast<unsigned>(numbers[3])};
}

}  // namespace shoal::sandbox
