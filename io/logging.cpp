#include "io/logging.h"

#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdlib>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include "core/check.h"
#include "core/text.h"
#include "io/clock.h"

namespace shoal::io {

namespace {

constexpr std::size_t body_size_max = 8'192;  // a line is for reading, not for moving data

/// As OpenTelemetry numbers them.
int severity_number(Level level) {
    switch (level) {
        case Level::debug:
            return 5;
        case Level::info:
            return 9;
        case Level::warning:
            return 13;
        case Level::error:
            return 17;
    }
    check(false);
    return 0;
}

std::string_view severity_text(Level level) {
    switch (level) {
        case Level::debug:
            return "DEBUG";
        case Level::info:
            return "INFO";
        case Level::warning:
            return "WARN";
        case Level::error:
            return "ERROR";
    }
    check(false);
    return "";
}

std::string_view colour(Level level) {
    switch (level) {
        case Level::debug:
            return "\x1b[2m";
        case Level::info:
            return "";
        case Level::warning:
            return "\x1b[33m";
        case Level::error:
            return "\x1b[31m";
    }
    check(false);
    return "";
}

/// One line, whoever wrote the text.
std::string one_line(std::string_view text) {
    const bool is_cut = text.size() > body_size_max;
    std::string shown;
    for (const char letter : to_display(text.substr(0, body_size_max))) {
        if (letter == '\n') {
            shown += "\\n";
        } else if (letter == '\t') {
            shown += "\\t";
        } else {
            shown += letter;
        }
    }
    return is_cut ? shown + "…" : shown;
}

std::string for_people(const json::Value& value) {
    const auto* text = value.if_string();
    if (!text) return json::print(value);
    const std::string shown = one_line(*text);
    const bool needs_quotes = shown.empty() || shown.find_first_of(" \"=") != std::string::npos;
    return needs_quotes ? json::print(json::Value(shown)) : shown;
}

json::Value for_programs(const json::Value& value) {
    if (const auto* text = value.if_string()) return json::Value(one_line(*text));
    if (value.is_double()) return json::write(value.get_double());  // NaN has no form of its own
    return value;
}

std::string json_line(Level level, Time time, std::string_view body, Attributes attributes) {
    boost::json::object facts;
    for (const Attribute& one : attributes) facts[one_line(one.name)] = for_programs(one.value);
    const auto time_ns = std::chrono::nanoseconds(time.time_since_epoch()).count();
    boost::json::object line{{"time_unix_nano", std::to_string(time_ns)},
                             {"severity_number", severity_number(level)},
                             {"severity_text", severity_text(level)},
                             {"body", one_line(body)}};
    if (!facts.empty()) line["attributes"] = std::move(facts);
    return json::print(line) + "\n";
}

std::string human_line(Level level, Time time, std::string_view body, Attributes attributes,
                       LogForm form) {
    const auto since_epoch = time.time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
    const auto clock = fmt::localtime(static_cast<std::time_t>(seconds.count()));
    std::string line =
        fmt::format("{:%H:%M:%S}.{:03} {:5} {}", clock, (since_epoch - seconds).count(),
                    severity_text(level), one_line(body));
    for (const Attribute& one : attributes) {
        line += " " + one_line(one.name) + "=" + for_people(one.value);
    }
    if (form == LogForm::plain || colour(level).empty()) return line + "\n";
    return std::string(colour(level)) + line + "\x1b[0m\n";
}

/// A log that cannot be written is no reason to stop working, and there is nowhere to say so.
void write_to_standard_error(std::string_view line) {
    while (!line.empty()) {
        const ssize_t size = ::write(STDERR_FILENO, line.data(), line.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return;
        line.remove_prefix(static_cast<std::size_t>(size));
    }
}

}  // namespace

std::string to_string(const Secret& secret) {
    return secret.empty() ? "" : "***";
}

Log::Log(Options options) : options_(std::move(options)) {
    if (!options_.write) options_.write = write_to_standard_error;
    if (!options_.now) options_.now = machine_clocks().wall;
}

void Log::debug(std::string_view body, Attributes attributes) const {
    put(Level::debug, body, attributes);
}

void Log::info(std::string_view body, Attributes attributes) const {
    put(Level::info, body, attributes);
}

void Log::warning(std::string_view body, Attributes attributes) const {
    put(Level::warning, body, attributes);
}

void Log::error(std::string_view body, Attributes attributes) const {
    put(Level::error, body, attributes);
}

void Log::error(std::string_view body, const Error& why) const {
    put(Level::error, body, {{"why", why.what}});
}

void Log::put(Level level, std::string_view body, Attributes attributes) const {
    if (!shows(level)) return;
    const Time now = options_.now();
    options_.write(options_.form == LogForm::json
                       ? json_line(level, now, body, attributes)
                       : human_line(level, now, body, attributes, options_.form));
}

LogForm form_for_terminal() {
    if (::isatty(STDERR_FILENO) == 0) return LogForm::json;
    const char* no_color = std::getenv("NO_COLOR");
    const char* terminal = std::getenv("TERM");
    const bool is_dumb = !terminal || std::string_view(terminal) == "dumb";
    return is_dumb || (no_color && *no_color) ? LogForm::plain : LogForm::coloured;
}

}  // namespace shoal::io
