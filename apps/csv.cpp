#include "apps/csv.h"

#include <algorithm>
#include <string_view>

namespace shoal::apps {

namespace {

bool is_number(std::string_view cell) {
    if (cell.starts_with('-')) cell.remove_prefix(1);
    return !cell.empty() && std::ranges::all_of(cell, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_formula(std::string_view cell) {
    constexpr std::string_view begins = "=+-@\t\r";
    return !cell.empty() && begins.find(cell.front()) != std::string_view::npos && !is_number(cell);
}

std::string to_cell(const std::string& content) {
    const std::string cell = is_formula(content) ? "'" + content : content;
    if (cell.find_first_of(",\"\r\n") == std::string::npos) return cell;
    std::string quoted = "\"";
    for (const char c : cell) {
        if (c == '"') quoted += '"';
        quoted += c;
    }
    return quoted + '"';
}

}  // namespace

std::string csv_record(std::span<const std::string> cells) {
    std::string record;
    for (const std::string& cell : cells) {
        if (!record.empty() || &cell != &cells.front()) record += ',';
        record += to_cell(cell);
    }
    return record + "\r\n";
}

}  // namespace shoal::apps
