#include "apps/words.h"

#include <chrono>
#include <ctime>
#include <optional>

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

namespace {

/// The numbers of a date, if the text is these digits and signs: a 9 stands for any digit.
bool has_form(std::string_view text, std::string_view form) {
    if (text.size() != form.size()) return false;
    for (std::size_t i = 0; i < form.size(); ++i) {
        const bool is_digit = text[i] >= '0' && text[i] <= '9';
        if (form[i] == '9' ? !is_digit : text[i] != form[i]) return false;
    }
    return true;
}

std::optional<Time> time_of(const std::string& text) {
    using namespace std::chrono;
    const auto number = [&](std::size_t at, std::size_t size) {
        return std::stoi(text.substr(at, size));
    };
    const year_month_day day{year{number(0, 4)}, month{static_cast<unsigned>(number(5, 2))},
                             std::chrono::day{static_cast<unsigned>(number(8, 2))}};
    const int hour = number(11, 2);
    const int minute = number(14, 2);
    const int second = number(17, 2);
    if (!day.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
    const auto since = sys_days{day}.time_since_epoch() + hours{hour} + minutes{minute};
    return Time{duration_cast<Duration>(since + seconds{second})};
}

}  // namespace

Result<Time> parse_date(std::string_view text) {
    std::string whole(text.substr(0, 64));
    if (has_form(whole, "9999-99-99")) whole += " 00:00:00";
    if (whole.ends_with('Z')) whole.pop_back();
    if (whole.size() > 10 && whole[10] == 'T') whole[10] = ' ';
    const auto time = has_form(whole, "9999-99-99 99:99:99") ? time_of(whole) : std::nullopt;
    if (time && *time >= Time{}) return *time;
    return Error{Code::invalid,
                 fmt::format(R"(expected a time like "2026-03-01 12:30:05" (UTC), got "{}")",
                             text.substr(0, 64))};
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
