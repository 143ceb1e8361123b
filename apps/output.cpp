#include "apps/output.h"

#include <cstdio>

#include <fmt/format.h>

#include "core/text.h"

namespace shoal::apps {

namespace {

void write(std::FILE* file, std::string_view text) {
    // A reader that has gone away is no error of the command.
    std::fwrite(text.data(), 1, text.size(), file);
    std::fflush(file);
}

}  // namespace

void Output::print(std::string_view text) const {
    if (json()) return;
    write(stdout, text);
    if (!text.ends_with('\n')) write(stdout, "\n");
}

void Output::print_json(const json::Value& value) const {
    if (json()) write(stdout, json::print(value) + "\n");
}

void Output::print_raw(std::string_view bytes) {
    write(stdout, bytes);
}

void Output::say(std::string_view text) const {
    if (!json()) write(stderr, std::string(text) + "\n");
}

void Output::fail(const Error& error) const {
    const auto end = error.what.find('\n');
    const std::string what = to_display(std::string_view(error.what).substr(0, end));
    const std::string advice =
        end == std::string::npos ? "" : to_display(std::string_view(error.what).substr(end + 1));
    if (json()) {
        const json::Value shown = boost::json::object{
            {"error", {{"code", to_string(error.code)}, {"message", what}, {"hint", advice}}}};
        write(stderr, json::print(shown) + "\n");
        return;
    }
    std::string text = paint(words_, Colour::red, "shoal: ") + what + "\n";
    if (!advice.empty()) text += paint(words_, Colour::dim, "  " + advice) + "\n";
    write(stderr, text);
}

}  // namespace shoal::apps
