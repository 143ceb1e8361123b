#include "apps/hardware.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "core/text.h"
#include "io/files.h"

namespace shoal::apps {

using protocol::HardwareFact;
using protocol::Provenance;

namespace {

constexpr std::uint64_t small_file_max = 1 << 20;
constexpr std::uint64_t no_limit = std::uint64_t{1} << 60U;  // what version 1 writes for none

/// A file of /proc or /sys, whose size is not known before it is read.
std::optional<std::string> read_virtual(const std::string& path) {
    const auto file = io::open_file(path, 0);
    if (!file.ok()) return std::nullopt;
    std::string text(small_file_max, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const ssize_t got = ::read(file.value().number(), text.data() + size, text.size() - size);
        if (got < 0) return std::nullopt;
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    text.resize(size);
    return text;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t\n";
    const auto first = text.find_first_not_of(blank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

std::optional<std::uint64_t> to_number(std::string_view text) {
    text = trimmed(text);
    std::uint64_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
    return number;
}

/// The value of the first line `KEY   : value`.
std::string_view value_of(std::string_view text, std::string_view key) {
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        const auto colon = line.find(':');
        if (colon == std::string_view::npos || trimmed(line.substr(0, colon)) != key) continue;
        return trimmed(line.substr(colon + 1));
    }
    return {};
}

bool has_word(std::string_view words, std::string_view word) {
    for (auto at = words.find(word); at != std::string_view::npos; at = words.find(word, at + 1)) {
        const bool begins = at == 0 || words[at - 1] == ' ';
        const auto end = at + word.size();
        if (begins && (end == words.size() || words[end] == ' ')) return true;
    }
    return false;
}

/// Where this process stands in a hierarchy of control groups; empty: not in it.
std::string own_group(std::string_view membership, std::string_view controller) {
    while (!membership.empty()) {
        const std::string_view line = membership.substr(0, membership.find('\n'));
        membership.remove_prefix(std::min(membership.size(), line.size() + 1));
        const auto first = line.find(':');
        if (first == std::string_view::npos) continue;
        const auto second = line.find(':', first + 1);
        if (second == std::string_view::npos) continue;
        std::string names(line.substr(first + 1, second - first - 1));
        std::ranges::replace(names, ',', ' ');
        const bool wanted = controller.empty() ? names.empty() : has_word(names, controller);
        if (wanted) return std::string(line.substr(second + 1));
    }
    return {};
}

/// The text of a file of our own control group, or of the root that a container shows us.
struct GroupFile {
    std::string text;
    std::string path;
};
std::optional<GroupFile> read_group(std::string_view controller, const std::string& file) {
    const std::string membership = read_virtual("/proc/self/cgroup").value_or("");
    const std::string root =
        "/sys/fs/cgroup" + (controller.empty() ? "" : "/" + std::string(controller));
    for (const std::string& group : {own_group(membership, controller), std::string()}) {
        std::string path = root;
        if (group != "/") path += group;
        path += "/";
        path += file;
        const auto text = read_virtual(path);
        if (text) return GroupFile{*text, path};
    }
    return std::nullopt;
}

class Facts {
public:
    void add(std::string name, std::string_view value, Provenance provenance, std::string source) {
        facts_.push_back(
            {std::move(name), to_display(value.substr(0, 256)), provenance, std::move(source)});
    }
    void measured(std::string name, std::string_view value, std::string source) {
        const bool there = !value.empty();
        add(std::move(name), there ? value : "unavailable",
            there ? Provenance::measured : Provenance::unavailable, std::move(source));
    }
    std::vector<HardwareFact> take() { return std::move(facts_); }

private:
    std::vector<HardwareFact> facts_;
};

void look_at_processor(Facts& facts) {
    constexpr const char* source = "/proc/cpuinfo";
    const std::string info = read_virtual(source).value_or("");
    facts.measured("cpu.model", value_of(info, "model name"), source);
    const std::string_view flags = value_of(info, "flags");
    std::string found;
    for (const std::string_view wanted :
         {"avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile"}) {
        if (!has_word(flags, wanted)) continue;
        found.append(found.empty() ? "" : " ").append(wanted);
    }
    facts.measured("cpu.features", flags.empty() || !found.empty() ? found : "none", source);
}

std::uint32_t count_cores(Facts& facts) {
    cpu_set_t set;
    CPU_ZERO(&set);
    std::uint32_t cores = 1;
    std::string source = "one, since sched_getaffinity failed";
    if (::sched_getaffinity(0, sizeof set, &set) == 0) {
        cores = static_cast<std::uint32_t>(std::max(1, CPU_COUNT(&set)));
        source = "sched_getaffinity";
    }
    auto quota = read_group("", "cpu.max");
    if (!quota) {
        quota = read_group("cpu", "cpu.cfs_quota_us");
        const auto period = read_group("cpu", "cpu.cfs_period_us");
        if (quota && period) {
            quota->text = std::string(trimmed(quota->text)) + " " + period->text;
        }
    }
    const std::uint32_t share = quota ? cores_of_quota(quota->text) : 0;
    if (quota && share > 0 && share < cores) {
        cores = share;
        source = quota->path;
    }
    facts.measured("cpu.cores", std::to_string(cores), source);
    return cores;
}

Size measure_memory(Facts& facts) {
    std::string source = "/proc/meminfo";
    const std::string info = read_virtual(source).value_or("");
    const std::string_view total = value_of(info, "MemTotal");
    const auto kibibytes = to_number(total.substr(0, total.find(' ')));
    Size memory{kibibytes.value_or(0) * 1024};
    auto limit = read_group("", "memory.max");
    if (!limit) limit = read_group("memory", "memory.limit_in_bytes");
    const auto bytes = limit ? to_number(limit->text) : std::nullopt;
    if (bytes && *bytes < no_limit && *bytes < memory.bytes) {
        memory.bytes = *bytes;
        source = limit->path;
    }
    const bool known = memory.bytes > 0;
    facts.measured("memory.total_bytes", known ? std::to_string(memory.bytes) : "", source);
    return memory;
}

Size measure_disk(const std::filesystem::path& data, Facts& facts) {
    const auto space = io::free_space(data);
    const std::uint64_t free = space.ok() ? space.value().free_bytes : 0;
    facts.measured("disk.free_bytes", space.ok() ? std::to_string(free) : "",
                   "statvfs of the data folder");
    return Size{free};
}

/// Only what the kernel shows as a device; what it can do is not known before it was measured.
void look_for_gpus(Facts& facts) {
    std::error_code failed;
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/dev", failed)) {
        const std::string name = entry.path().filename();
        if (name.starts_with("nvidia") && to_number(name.substr(6))) ++count;
    }
    if (failed) {
        facts.add("gpu.nodes", "unavailable", Provenance::unavailable, "/dev");
        return;
    }
    facts.add("gpu.nodes", count == 0 ? "none" : std::to_string(count) + ", not offered",
              Provenance::measured, "/dev/nvidia*");
}

}  // namespace

std::uint32_t cores_of_quota(std::string_view cpu_max) {
    const auto space = cpu_max.find(' ');
    if (space == std::string_view::npos) return 0;
    const auto quota = to_number(cpu_max.substr(0, space));
    const auto period = to_number(cpu_max.substr(space));
    constexpr std::uint64_t most = std::uint64_t{1} << 32U;
    if (!quota || !period || *quota == 0 || *period == 0 || *quota > most) return 0;
    return static_cast<std::uint32_t>((*quota + *period - 1) / *period);
}

Machine detect_machine(const std::filesystem::path& data) {
    Machine machine;
    Facts facts;
    look_at_processor(facts);
    machine.cores = count_cores(facts);
    machine.memory = measure_memory(facts);
    machine.disk_free = measure_disk(data, facts);
    look_for_gpus(facts);
    utsname system{};
    if (::uname(&system) == 0) {
        machine.name = system.nodename;
        facts.measured("os.kernel", std::string(system.sysname) + " " + system.release, "uname");
        facts.measured("cpu.architecture", system.machine, "uname");
    }
    machine.facts = facts.take();
    return machine;
}

}  // namespace shoal::apps
