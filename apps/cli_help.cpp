#include "apps/cli_help.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/json.h"
#include "core/text.h"

namespace shoal::apps {

namespace {

constexpr std::size_t shown_bytes_max = 64;

class HelpForm final : public CLI::Formatter {
public:
    std::string make_help(const CLI::App* app, std::string name,
                          CLI::AppFormatMode mode) const override {
        std::string text = CLI::Formatter::make_help(app, std::move(name), mode);
        constexpr std::string_view two_empty_lines = "\n\n\n";
        for (auto at = text.find(two_empty_lines); at != std::string::npos;) {
            text.erase(at, 1);
            at = text.find(two_empty_lines, at);
        }
        return text;
    }

    std::string make_option_opts(const CLI::Option* option) const override {
        const bool has_value = option->get_type_size() != 0 && !option->get_positional();
        return has_value ? " " + option->get_type_name() : "";
    }

    std::string make_option_desc(const CLI::Option* option) const override {
        const std::string fallback = option->get_default_str();
        const std::string& text = option->get_description();
        return fallback.empty() ? text : fmt::format("{} (default {})", text, fallback);
    }
};

}  // namespace

std::shared_ptr<CLI::FormatterBase> help_form() {
    return std::make_shared<HelpForm>();
}

CLI::Validator one_of(std::vector<std::string> words) {
    const auto wrong = [words = std::move(words)](std::string& given) -> std::string {
        if (std::ranges::find(words, given) != words.end()) return "";
        const std::vector<std::string_view> known(words.begin(), words.end());
        const std::string near(json::nearest(given, known));
        return fmt::format("expected one of {}, got \"{}\"{}", fmt::join(words, ", "),
                           shorten(given, shown_bytes_max),
                           near.empty() ? "" : "; did you mean " + near + "?");
    };
    return CLI::Validator(wrong, "");
}

CLI::Validator whole_number(std::uint32_t least, std::uint32_t most) {
    const auto wrong = [least, most](std::string& given) -> std::string {
        std::uint32_t number = 0;
        const char* end = given.data() + given.size();
        const auto [last, failure] = std::from_chars(given.data(), end, number);
        const bool whole = failure == std::errc{} && last == end;
        if (whole && number >= least && number <= most) return "";
        return fmt::format("expected a whole number from {} to {}, got \"{}\"", least, most,
                           shorten(given, shown_bytes_max));
    };
    return CLI::Validator(wrong, "");
}

}  // namespace shoal::apps
