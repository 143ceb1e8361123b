// Any bytes as what comes over a shim's socket, whole and in pieces: the same lines are cut, and a
// command that is accepted is written and read again as the same.

#include "sandbox/shim_command.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/check.h"
#include "core/limits.h"
#include "core/text.h"
#include "sandbox/shim_socket.h"

namespace shoal::sandbox {
namespace {

constexpr std::size_t line_max = 64;

void check_command(std::string_view line) {
    const auto command = parse_command(line);
    if (!command.ok()) {
        check(is_utf8(command.error().what) && command.error().what.size() < 500);
        return;
    }
    const std::string written = to_line(command.value());
    check(written.ends_with('\n') && written.size() <= line_max);
    const auto again = parse_command(std::string_view(written).substr(0, written.size() - 1));
    check(again.value() == command.value());
}

/// The first byte says how long the pieces are.
void run(std::string_view bytes) {
    if (bytes.empty()) return;
    const std::size_t step = 1U + static_cast<std::uint8_t>(bytes[0]);
    const std::string_view text = bytes.substr(1);
    LineReader whole(line_max);
    const auto lines = whole.take(text);
    if (lines.ok()) {
        for (const std::string& line : lines.value()) check_command(line);
    }

    LineReader reader(line_max);
    std::vector<std::string> cut;
    for (std::size_t begin = 0; begin < text.size(); begin += step) {
        const auto more = reader.take(text.substr(begin, step));
        if (!more.ok()) return;  // a long line is refused before its end comes
        cut.insert(cut.end(), more.value().begin(), more.value().end());
    }
    check(!lines.ok() || cut == lines.value());
}

}  // namespace
}  // namespace shoal::sandbox

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    shoal::sandbox::run({reinterpret_cast<const char*>(bytes), size});
    return 0;
}
