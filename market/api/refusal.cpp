#include "market/api/refusal.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "core/json.h"
#include "core/text.h"
#include "protocol/api.h"

namespace shoal::market {

namespace {

/// "inputs[0].as" of "inputs[0].as: is there twice"; empty if the text begins with no place.
std::string place_of(std::string_view what) {
    const auto colon = what.find(": ");
    if (colon == std::string_view::npos) return "";
    const std::string_view place = what.substr(0, colon);
    const auto belongs = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '.' || c == '[' || c == ']' || c == '-';
    };
    return std::ranges::all_of(place, belongs) ? std::string(place) : "";
}

/// "did you mean deadline?" of "dedline: unknown; did you mean deadline?"
std::string meant(std::string_view what) {
    const auto begin = what.find("; did you mean ");
    return begin == std::string_view::npos ? "" : std::string(what.substr(begin + 2));
}

/// "2026-11-21 18:30 UTC"
std::string to_text(Time time) {
    const auto minutes = std::chrono::floor<std::chrono::minutes>(time.time_since_epoch());
    const auto days = std::chrono::floor<std::chrono::days>(minutes);
    const std::chrono::year_month_day date{std::chrono::sys_days(days)};
    const std::chrono::hh_mm_ss clock(minutes - days);
    return fmt::format("{}-{:02}-{:02} {:02}:{:02} UTC", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       clock.hours().count(), clock.minutes().count());
}

}  // namespace

int status_of(Code code, int exhausted_status) {
    switch (code) {
        case Code::invalid:
            return 400;
        case Code::denied:
            return 403;
        case Code::not_found:
            return 404;
        case Code::conflict:
        case Code::stale:
            return 409;
        case Code::exhausted:
            return exhausted_status;
        case Code::unavailable:
            return 503;
        case Code::timeout:
            return 504;
        case Code::corrupt:
            return 500;
        case Code::unsupported:
            return 501;
    }
    return 500;
}

ApiAnswer to_answer(const ApiRequest& request, const Refusal& refusal) {
    protocol::Problem problem;
    problem.code = to_string(refusal.error.code);
    problem.message = to_display(refusal.error.what);
    problem.hint = to_display(refusal.hint.empty() ? meant(refusal.error.what) : refusal.hint);
    problem.path = place_of(refusal.error.what);
    problem.request_id = request.request_id;
    ApiAnswer answer;
    answer.status = refusal.status;
    answer.headers = {{"content-type", "application/json"}, {"cache-control", "no-store"}};
    answer.body = json::print(problem);
    return answer;
}

ApiAnswer gone(const ApiRequest& request, std::optional<Time> dropped) {
    constexpr int status = 410;
    const std::string when = dropped ? " on " + to_text(*dropped) : "";
    return to_answer(request, {status,
                               {Code::not_found, "these bytes were dropped" + when +
                                                     ": no job needed them any more"},
                               "who still has them may store them again: PUT /v1/blobs/{hash}"});
}

}  // namespace shoal::market
