#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "core/id.h"
#include "core/json.h"
#include "core/result.h"
#include "core/time.h"

namespace shoal::io {

/// A key, a password, a token: it prints as "***", and only reveal() gives it away.
class Secret {
public:
    Secret() = default;
    explicit Secret(std::string text) : text_(std::move(text)) {}

    const std::string& reveal() const { return text_; }
    bool empty() const { return text_.empty(); }

private:
    std::string text_;
};

std::string to_string(const Secret& secret);

enum class Level { debug, info, warning, error };
BOOST_DESCRIBE_ENUM(Level, debug, info, warning, error)

/// A fact beside a log line. Secrets come out as "***".
struct Attribute {
    Attribute(std::string_view its_name, std::string_view text) : name(its_name), value(text) {}
    Attribute(std::string_view its_name, const char* text) : name(its_name), value(text) {}
    Attribute(std::string_view its_name, bool truth) : name(its_name), value(truth) {}
    Attribute(std::string_view its_name, double number) : name(its_name), value(number) {}
    Attribute(std::string_view its_name, std::integral auto number)
        : name(its_name), value(number) {}
    Attribute(std::string_view its_name, const Secret& secret)
        : name(its_name), value(to_string(secret)) {}
    template <class Tag>
    Attribute(std::string_view its_name, Id<Tag> id) : name(its_name), value(to_string(id)) {}

    std::string name;
    json::Value value;
};
using Attributes = std::initializer_list<Attribute>;

/// For people, with or without colours, or JSON lines with OpenTelemetry's names for programs.
enum class LogForm { plain, coloured, json };

/// The program's log: one line an event, written in one call, so that lines of several threads and
/// processes do not mix. Whatever strangers wrote comes out without control characters.
class Log {
public:
    struct Options {
        Level level = Level::info;  // what is below it is left out
        LogForm form = LogForm::json;
        std::function<void(std::string_view line)> write = {};  // empty: to standard error
        std::function<Time()> now = {};                         // empty: the wall clock
    };

    explicit Log(Options options);

    void debug(std::string_view body, Attributes attributes = {}) const;
    void info(std::string_view body, Attributes attributes = {}) const;
    void warning(std::string_view body, Attributes attributes = {}) const;
    void error(std::string_view body, Attributes attributes = {}) const;
    void error(std::string_view body, const Error& why) const;

    bool shows(Level level) const { return level >= options_.level; }

private:
    void put(Level level, std::string_view body, Attributes attributes) const;

    Options options_;
};

/// The form that fits standard error: for people if it is a terminal, in colours if they are
/// wanted (NO_COLOR is not set, TERM is not "dumb").
LogForm form_for_terminal();

}  // namespace shoal::io
