#pragma once

#include <string>
#include <string_view>

#include "apps/exit.h"
#include "apps/terminal.h"
#include "core/json.h"
#include "core/result.h"

namespace shoal::apps {

enum class Format { text, json };

/// Where a command's answers go: results to standard output, words about them to standard error.
/// With --json standard output has JSON values only, one a line.
class Output {
public:
    explicit Output(Format format)
        : format_(format), results_(Terminal::of(1)), words_(Terminal::of(2)) {}

    bool json() const { return format_ == Format::json; }
    const Terminal& results() const { return results_; }
    const Terminal& words() const { return words_; }

    /// A result for people; nothing with --json.
    void print(std::string_view text) const;

    /// A result for programs; nothing without --json.
    void print_json(const json::Value&) const;
    template <class T>
    void print_as_json(const T& thing) const {
        if (json()) print_json(json::write(thing));
    }

    /// Bytes as they are, in either format.
    static void print_raw(std::string_view bytes);

    /// Words on standard error; nothing with --json.
    void say(std::string_view text) const;

    /// The error on standard error: "shoal: WHAT", and what to do next; with --json an object.
    void fail(const Error&) const;

private:
    Format format_;
    Terminal results_;
    Terminal words_;
};

}  // namespace shoal::apps
