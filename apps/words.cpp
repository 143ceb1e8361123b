#include "apps/words.h"

#include <ctime>

#include <fmt/format.h>

namespace shoal::apps {

std::string to_credit(Lamports amount) {
    return to_decimal(amount) + " credit";
}

Result<Lamports> parse_credit(std::string_view text) {
    constexpr std::string_view unit = "credit";
    std::string_view number = text;
    if (number.ends_with(unit)) number.remove_suffix(unit.size());
    while (number.ends_with(' ')) number.remove_suffix(1);
    auto amount = parse_lamports(std::string(number) + "SOL");
    if (amount.ok() && !number.empty()) return amount;
    return Error{Code::invalid,
                 fmt::format(R"(expected an amount of credit like "25" or "0.002", got "{}")",
                             text.substr(0, 64))};
}

std::string to_date(Time time) {
    const std::time_t seconds =
        std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
    std::tm parts{};
    if (!gmtime_r(&seconds, &parts)) return "?";
    char text[32];
    const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
    return {text, size};
}

std::string to_length(Duration length) {
    const auto ms = length.count();
    const auto s = ms / 1'000;
    if (ms < 1'000) return fmt::format("{} ms", ms);
    if (s < 60) return fmt::format("{}.{} s", s, ms % 1'000 / 100);
    if (s < 3'600) return fmt::format("{} min {} s", s / 60, s % 60);
    if (s < 86'400) return fmt::format("{} h {} min", s / 3'600, s % 3'600 / 60);
    return fmt::format("{} d {} h", s / 86'400, s % 86'400 / 3'600);
}

Error in_flag(std::string_view flag, const Error& error) {
    return {error.code, fmt::format("{}: {}", flag, error.what)};
}

std::string counted(std::size_t count, std::string_view thing) {
    return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

}  // namespace shoal::apps
