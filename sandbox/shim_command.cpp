#include "sandbox/shim_command.h"

#include <charconv>
#include <cstdint>
#include <vector>

#include "core/limits.h"
#include "core/text.h"

namespace shoal::sandbox {

namespace {

constexpr std::size_t quoted_bytes = 64;

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    for (;;) {
        const std::size_t space = line.find(' ');
        words.push_back(line.substr(0, space));
        if (space == std::string_view::npos) return words;
        line.remove_prefix(space + 1);
    }
}

Result<Duration> milliseconds(std::string_view word) {
    std::int64_t number = 0;
    const auto parsed = std::from_chars(word.begin(), word.end(), number);
    const bool fits = number >= 0 && number <= limits::attempt_time_max.count();
    if (parsed.ec != std::errc() || parsed.ptr != word.end() || !fits) {
        return Error{Code::invalid, "expected milliseconds, got " + shorten(word, quoted_bytes)};
    }
    return Duration{number};
}

std::string text(const StopCommand& stop) {
    return "stop " + std::string(protocol::to_string(stop.reason)) + " " +
           std::to_string(stop.grace.count()) + "\n";
}

std::string text(const DeadlineCommand& deadline) {
    return "deadline " + std::to_string(deadline.left.count()) + "\n";
}

}  // namespace

std::string to_line(const ShimCommand& command) {
    return std::visit([](const auto& it) { return text(it); }, command);
}

Result<ShimCommand> parse_command(std::string_view line) {
    if (!is_printable(line)) return Error{Code::invalid, "expected text that can be printed"};
    const std::vector<std::string_view> words = words_of(line);
    if (words.size() == 2 && words[0] == "deadline") {
        return ShimCommand{DeadlineCommand{TRY(milliseconds(words[1]))}};
    }
    if (words.size() == 3 && words[0] == "stop") {
        StopCommand stop;
        const std::string name(words[1]);
        if (!boost::describe::enum_from_string(name.c_str(), stop.reason)) {
            return Error{Code::invalid, "expected a reason, got " + shorten(name, quoted_bytes)};
        }
        stop.grace = TRY(milliseconds(words[2]));
        return ShimCommand{stop};
    }
    return Error{Code::invalid, "expected stop or deadline, got " + shorten(line, quoted_bytes)};
}

}  // namespace shoal::sandbox
