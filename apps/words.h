#pragma once

// How amounts, times and lengths of time are shown to people.

#include <string>
#include <string_view>

#include "core/id.h"
#include "core/lamports.h"
#include "core/result.h"
#include "core/time.h"

namespace shoal::apps {

/// "0.002 credit": settlement is offline, so an amount is the operator's credit and no coin.
std::string to_credit(Lamports);

/// An amount as people give it: "25", "0.002", "25credit" in units of credit. invalid: else.
Result<Lamports> parse_credit(std::string_view text);

/// "2026-03-01 12:30:05", UTC.
std::string to_date(Time);

/// A date as to_date writes it, also with a T between and a Z behind, or a day alone, which begins
/// at midnight. invalid: anything else.
Result<Time> parse_date(std::string_view text);

/// Rounded for people: "340 ms", "12.3 s", "5 min 20 s", "3 h 5 min", "2 d 4 h".
std::string to_length(Duration);

/// The error, with the flag in front whose value it is about.
Error in_flag(std::string_view flag, const Error&);

/// An id as people give it. invalid: it is none of that kind; says what came.
template <class Tag>
Result<Id<Tag>> id_of(const std::string& text) {
    auto id = parse_id<Tag>(text);
    if (id.ok()) return id;
    return Error{Code::invalid, id.error().what + ", got \"" + text.substr(0, 64) + "\""};
}

/// "1 task", "3 tasks".
std::string counted(std::size_t count, std::string_view thing);

}  // namespace shoal::apps
